"""Answers to flows: which flow they belong to, and what they hold."""

import pytest

from django_meta_whatsapp.cloud_api.content import FlowMessage
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppFlow, WhatsAppFlowResponse
from tests.services.receiving import (
    MAYA,
    WRITTEN,
    asked,
    flow_answer,
    outbound,
    receive,
    received,
    thread_of_maya,
)
from tests.webhooks import posting

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("message_id", ["wamid.OUT_6", "wamid.ANOTHER"], ids=["by quote", "by token"])
def test_the_answer_to_a_flow_finds_its_flow(
    account: WhatsAppAccount, flow: WhatsAppFlow, message_id: str
) -> None:
    asked(thread_of_maya(account), message_id=message_id)
    row = received(account, "messages__flow_reply")
    response = WhatsAppFlowResponse.objects.get()
    assert (response.flow, response.message, response.conversation) == (flow, row, row.conversation)
    assert (response.flow_token, response.response_data) == ("tok-1", {"rating": "5"})
    assert (response.completed_at, response.phone_number, response.processed) == (WRITTEN, MAYA, False)
    flow.refresh_from_db()
    assert flow.completion_count == 1


def test_a_flow_is_found_by_the_name_it_was_sent_with(account: WhatsAppAccount, flow: WhatsAppFlow) -> None:
    asked(thread_of_maya(account), given={"flow_id": "", "flow_name": "rating"})
    received(account, "messages__flow_reply")
    assert WhatsAppFlowResponse.objects.get().flow == flow


def test_an_answer_to_a_flow_that_we_did_not_send_has_no_flow(
    account: WhatsAppAccount, flow: WhatsAppFlow
) -> None:
    received(account, "messages__flow_reply")
    assert WhatsAppFlowResponse.objects.get().flow is None
    flow.refresh_from_db()
    assert flow.completion_count == 0


def test_meta_s_default_token_tells_no_flow_from_another(
    account: WhatsAppAccount, flow: WhatsAppFlow
) -> None:
    content = FlowMessage(body="How was it?", cta="Tell us", flow_id="77").payload()
    outbound(thread_of_maya(account), message_type="interactive", content=content)
    receive(account, posting.inbound({**posting.text_message(), **flow_answer("unused", {})}))
    assert WhatsAppFlowResponse.objects.get().flow is None


@pytest.mark.parametrize("text", ["{broken", "[]", '"text"', '{"flow_token": 5}'])
def test_an_answer_that_cannot_be_read_is_kept_without_data(account: WhatsAppAccount, text: str) -> None:
    reply = {"name": "flow", "response_json": text}
    content = {"type": "nfm_reply", "nfm_reply": reply}
    receive(account, posting.inbound(posting.text_message(type="interactive", interactive=content)))
    response = WhatsAppFlowResponse.objects.get()
    assert (response.response_data, response.flow_token) == ({}, "")
    assert response.message.content["nfm_reply"]["response_json"] == text


def test_an_address_is_no_answer_to_a_flow(account: WhatsAppAccount) -> None:
    received(account, "messages__address")
    assert not WhatsAppFlowResponse.objects.exists()
