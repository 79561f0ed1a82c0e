"""A message that comes again, or that cannot be stored: one row, one announcement, and no more queries for more."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppConversation,
    WhatsAppFlow,
    WhatsAppFlowResponse,
    WhatsAppMessage,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import journal
from tests.payload_files import load_payload
from tests.services.receiving import asked, flow_answer, receive, received, thread_of_maya
from tests.services.threads import at_once
from tests.webhooks import posting

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The event ids of whatsapp_message_received and whatsapp_flow_completed."""
    ids: list[str] = []

    def hear(event_id: str, **kwargs: Any) -> None:
        ids.append(event_id)

    signals.whatsapp_message_received.connect(hear)
    signals.whatsapp_flow_completed.connect(hear)
    yield ids
    signals.whatsapp_message_received.disconnect(hear)
    signals.whatsapp_flow_completed.disconnect(hear)


def test_a_repetition_changes_nothing(account: WhatsAppAccount) -> None:
    body = posting.inbound(posting.text_message("wamid.1"), posting.text_message("wamid.1"))
    assert len(receive(account, body)) == 1
    before = list(WhatsAppConversation.objects.values())
    assert len(receive(account, body)) == 1
    assert list(WhatsAppConversation.objects.values()) == before


def test_an_impossible_id_is_refused_before_anything_is_stored(account: WhatsAppAccount) -> None:
    with pytest.raises(ValueError, match="a message id of 256 characters"):
        receive(account, posting.inbound(posting.text_message("w" * 256)))
    assert not WhatsAppMessage.objects.exists()


def test_what_can_never_be_stored_is_not_tried_again_and_again(
    account: WhatsAppAccount, settings: Any
) -> None:
    """Each try would announce the good messages of the same webhook once more."""
    settings.WHATSAPP = {**settings.WHATSAPP, "ALLOW_UNSIGNED_WEBHOOKS": True, "WEBHOOK_RETRY_SECONDS": 0.0}
    nobody = posting.text_message("wamid.2", sender="not a number")
    body = posting.encoded(posting.inbound(posting.text_message("wamid.1"), nobody))
    log = WhatsAppWebhookLog.objects.create(body=body)
    assert journal.process(log.pk)
    log.refresh_from_db()
    assert (log.state, log.not_before) == ("failed", None)
    assert "names a person" in log.error
    assert not journal.process(log.pk)
    assert WhatsAppMessage.objects.get().message_id == "wamid.1"


def test_a_message_is_announced_once(
    account: WhatsAppAccount, heard: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        received(account, "messages__text")
        received(account, "messages__text")
    assert heard == ["message:wamid.IN_TEXT"]


def test_more_messages_cost_no_more_queries(account: WhatsAppAccount) -> None:
    WhatsAppFlow.objects.create(account=account, name="rating", meta_flow_id="77")

    def body(start: int, count: int) -> dict[str, Any]:
        texts = [
            posting.text_message(f"wamid.{n}", sender=f"4520{n:06}", context={"id": f"wamid.OUT{n}"})
            for n in range(start, start + count)
        ]
        answers = [
            {**text, "id": f"{text['id']}F", **flow_answer("tok", {"rating": str(n)})}
            for n, text in enumerate(texts)
        ]
        return posting.inbound(*texts, *answers)

    def queries(start: int, count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            receive(account, body(start, count))
        return len(captured)

    assert queries(100, 10) == queries(1, 2)


def test_a_repeated_answer_counts_once(
    account: WhatsAppAccount,
    flow: WhatsAppFlow,
    heard: list[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    asked(thread_of_maya(account))
    with django_capture_on_commit_callbacks(execute=True):
        received(account, "messages__flow_reply")
        received(account, "messages__flow_reply")
    flow.refresh_from_db()
    assert (WhatsAppFlowResponse.objects.count(), flow.completion_count) == (1, 1)
    assert heard == ["message:wamid.IN_FLOW_REPLY", "flow:wamid.IN_FLOW_REPLY"]


def test_a_second_try_announces_the_answer_again(
    account: WhatsAppAccount, heard: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    body = load_payload("messages__flow_reply")
    receive(account, body)
    with django_capture_on_commit_callbacks(execute=True):
        receive(account, body, again=True)
    assert heard == ["message:wamid.IN_FLOW_REPLY", "flow:wamid.IN_FLOW_REPLY"]


@pytest.mark.django_db(transaction=True)
def test_one_message_delivered_at_the_same_moment_is_stored_once(account: WhatsAppAccount) -> None:
    body = posting.inbound(posting.text_message("wamid.1"), posting.text_message("wamid.2", "4512345678"))

    def deliver(number: int) -> int:
        return len(receive(account, body))

    assert at_once(deliver, 5) == [2] * 5
    assert WhatsAppMessage.objects.count() == 2
    assert {thread.unread_count for thread in WhatsAppConversation.objects.all()} == {1}
