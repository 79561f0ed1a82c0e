"""Edits, withdrawals and changes of number: what is left is the same in any order, and only what is one's own changes."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import CallEvent, EchoEvent, MessageEvent, parse
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppConversation,
    WhatsAppMessage,
)
from django_meta_whatsapp.services import calls, echoes, inbox
from django_meta_whatsapp.services.delivery import Delivery
from tests.payload_files import load_payload
from tests.webhooks import posting

pytestmark = pytest.mark.django_db

MAYA, ZOE = "15550001111", "15550002222"


@pytest.fixture
def account() -> WhatsAppAccount:
    return WhatsAppAccount.objects.create(name="Shop", phone_number_id=posting.NUMBER, waba_id=posting.WABA)


def delivery() -> Delivery:
    return Delivery(received_at=datetime.fromtimestamp(1767000500, UTC))


def receive(account: WhatsAppAccount, *messages: dict[str, Any]) -> None:
    found = parse(posting.inbound(*messages))
    inbox.receive(account, [event for event in found if isinstance(event, MessageEvent)], delivery())


def edit(message_id: str, body: str, second: int, sender: str = MAYA) -> dict[str, Any]:
    content = {"original_message_id": "wamid.T1", "message": {"type": "text", "text": {"body": body}}}
    timestamp = str(1767000000 + second)
    return {"from": sender, "id": message_id, "timestamp": timestamp, "type": "edit", "edit": content}


def original() -> WhatsAppMessage:
    return WhatsAppMessage.objects.get(message_id="wamid.T1")


ONCE, TWICE = edit("wamid.E1", "once", 10), edit("wamid.E2", "twice", 20)


@pytest.mark.parametrize("order", list(itertools.permutations([posting.text_message(), ONCE, TWICE])))
def test_the_newest_edit_holds_in_any_order_and_what_was_said_first_is_kept(
    account: WhatsAppAccount, order: tuple[dict[str, Any], ...]
) -> None:
    for message in order:
        receive(account, message)
    row = original()
    assert (row.message_body, row.content) == ("twice", {"body": "twice"})
    assert row.raw_payload is not None
    assert row.raw_payload["text"] == {"body": "hi"}
    assert set(row.replies.values_list("message_id", flat=True)) == {"wamid.E1", "wamid.E2"}
    assert WhatsAppConversation.objects.get().unread_count == 1


def test_nobody_edits_what_somebody_else_wrote(account: WhatsAppAccount) -> None:
    receive(account, posting.text_message(), edit("wamid.E1", "forged", 10, sender=ZOE))
    assert original().message_body == "hi"


def test_nobody_edits_what_we_wrote(account: WhatsAppAccount) -> None:
    receive(account, posting.text_message("wamid.T0"))
    thread = WhatsAppConversation.objects.get()
    WhatsAppMessage.objects.create(
        account=account,
        conversation=thread,
        message_id="wamid.T1",
        direction="outbound",
        status="sent",
        message_type="text",
        message_body="ours",
        timestamp=datetime.fromtimestamp(1767000000, UTC),
    )
    receive(account, edit("wamid.E1", "forged", 10))
    assert original().message_body == "ours"


@pytest.mark.parametrize(
    "content", [{}, {"original_message_id": "wamid.T1"}, {"original_message_id": "wamid.E1"}]
)
def test_an_edit_without_sense_is_kept_and_changes_nothing(
    account: WhatsAppAccount, content: dict[str, Any]
) -> None:
    receive(account, posting.text_message(), {**ONCE, "edit": content})
    assert (original().message_body, original().is_deleted) == ("hi", False)
    assert WhatsAppMessage.objects.count() == 2


def test_a_change_to_a_number_that_another_contact_has_makes_one_of_the_two(
    account: WhatsAppAccount,
) -> None:
    [message] = load_payload("messages__number_changed")["entry"][0]["changes"][0]["value"]["messages"]
    receive(account, posting.text_message(), posting.text_message("wamid.T2", sender="15550003333"))
    assert WhatsAppContact.objects.count() == 2
    receive(account, message)
    maya = WhatsAppContact.objects.get()
    assert maya.normalized_phone == "15550003333"
    assert not maya.identities.filter(identity=f"p:{MAYA}").exists()
    assert maya.identities.filter(identity__endswith="US.55500012345").exists()
    thread = WhatsAppConversation.objects.get()
    assert (thread.contact, thread.phone_number, thread.messages.count()) == (maya, "15550003333", 3)
    receive(account, message)
    assert WhatsAppMessage.objects.count() == 3


def test_what_the_other_contact_wrote_in_the_same_webhook_is_in_the_thread_that_stays(
    account: WhatsAppAccount, django_capture_on_commit_callbacks: Any
) -> None:
    [message] = load_payload("messages__number_changed")["entry"][0]["changes"][0]["value"]["messages"]
    receive(account, posting.text_message("wamid.T0", sender="15550003333"))
    threads: list[WhatsAppConversation] = []

    def look(message: WhatsAppMessage, **kwargs: Any) -> None:
        threads.append(message.conversation)

    signals.whatsapp_message_received.connect(look)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            receive(
                account,
                posting.text_message("wamid.T1", sender="15550003333", text={"body": "STOP"}),
                message,
            )
    finally:
        signals.whatsapp_message_received.disconnect(look)
    maya = WhatsAppContact.objects.get()
    assert maya.opted_out
    assert set(threads) == {WhatsAppConversation.objects.get()}
    assert {thread.contact for thread in threads} == {maya}


@pytest.mark.parametrize("number", ["", "not a number", 5])
def test_a_change_to_an_impossible_number_keeps_the_message(account: WhatsAppAccount, number: Any) -> None:
    body = load_payload("messages__number_changed")
    [message] = body["entry"][0]["changes"][0]["value"]["messages"]
    message["system"] |= {"wa_id": number, "user_id": "no id!"}
    receive(account, message)
    assert WhatsAppMessage.objects.get().conversation.contact.normalized_phone == MAYA


def test_whoever_gets_a_number_that_somebody_gave_up_is_somebody_new(account: WhatsAppAccount) -> None:
    [message] = load_payload("messages__number_changed")["entry"][0]["changes"][0]["value"]["messages"]
    receive(account, message)
    receive(account, posting.text_message(sender=MAYA, from_user_id="US.999"))
    receive(account, message)
    assert WhatsAppContact.objects.count() == 2
    assert (
        WhatsAppContactIdentity.objects.get(identity=f"p:{MAYA}").contact == original().conversation.contact
    )


def test_an_echo_is_no_message_to_us(account: WhatsAppAccount) -> None:
    found = [each for each in parse(load_payload("smb_message_echoes__text")) if isinstance(each, EchoEvent)]
    echoes.receive(account, found, delivery())
    row = WhatsAppMessage.objects.get()
    assert (row.direction, row.status, row.sent_at) == ("outbound", "sent", row.timestamp)
    assert WhatsAppConversation.objects.get().unread_count == 0
    assert not WhatsAppContactAccount.objects.exists()


def test_only_calls_of_people_open_the_window(account: WhatsAppAccount) -> None:
    for name, opened in (("calls__connect_by_business", 0), ("calls__connect_by_user", 1)):
        found = [each for each in parse(load_payload(name)) if isinstance(each, CallEvent)]
        calls.apply(account, found, delivery())
        assert WhatsAppContactAccount.objects.exclude(last_inbound_at=None).count() == opened
