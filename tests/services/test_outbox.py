"""One message, at most once, with a row that says what became of it: who is reached, what is kept, and keys."""

import asyncio
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import override_settings

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.content import Image, Location, Reaction, Text
from django_meta_whatsapp.errors import (
    InsideTransaction,
    InvalidInput,
    InvalidMessage,
    InvalidPhoneNumber,
    MissingSetting,
    RecipientError,
)
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services import contacts, outbox_rows, tokens
from django_meta_whatsapp.utils import asend_message, send_message
from tests.services.sending import HELLO, HER, ledger, let_write
from tests.services.threads import at_once
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sent_message_leaves_row_attempt_and_thread(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    message = send_message(whatsapp_account, "+45 12 34 56 78", HELLO)
    (sent,) = ledger(simulator)
    attempt = message.attempts.get()
    assert (message.status, message.message_id) == ("accepted", sent["wamid"])
    assert message.accepted_at is not None
    assert (message.message_type, message.content["name"]) == ("template", "hello_world")
    assert message.message_body == "[template] hello_world"
    assert message.category == "MARKETING"
    assert (attempt.state, attempt.message_id) == ("accepted", sent["wamid"])
    assert attempt.token == sent["callback_data"]
    assert tokens.is_ours(attempt.token)
    assert sent["to"] == HER
    conversation = message.conversation
    assert (conversation.account, conversation.contact.phone) == (whatsapp_account, "4512345678")
    assert conversation.last_message_at == message.timestamp


def test_without_an_account_the_settings_number_sends(simulator: SimulatorServer) -> None:
    message = send_message(None, HER, HELLO)
    assert message.account.phone_number_id == "222000222000222"
    assert message.account.access_token == ""
    assert len(ledger(simulator)) == 1


def test_an_accepted_message_is_announced_after_the_commit(
    whatsapp_account: WhatsAppAccount, announced: list[dict[str, Any]]
) -> None:
    message = send_message(whatsapp_account, HER, HELLO)
    (kwargs,) = announced
    assert kwargs["message"] == message
    assert kwargs["event_id"] == f"sent:{message.message_id}"


def test_a_failing_receiver_does_not_make_the_send_look_failed(whatsapp_account: WhatsAppAccount) -> None:
    def receiver(**kwargs: Any) -> None:
        raise RuntimeError("broken receiver")

    signals.whatsapp_message_sent.connect(receiver)
    try:
        assert send_message(whatsapp_account, HER, HELLO).status == "accepted"
    finally:
        signals.whatsapp_message_sent.disconnect(receiver)


def test_the_ten_digit_rule_fires_once(simulator: SimulatorServer, whatsapp_account: WhatsAppAccount) -> None:
    send_message(whatsapp_account, "9876543210", HELLO)
    contact = WhatsAppContact.objects.get()
    assert contact.phone == "919876543210"
    send_message(whatsapp_account, contact, HELLO)
    # A complete number of ten digits stays as it is once it is a contact's.
    singapore = WhatsAppContact.objects.create(phone="6591234567")
    send_message(whatsapp_account, singapore, HELLO)
    assert [sent["to"] for sent in ledger(simulator)] == ["+919876543210", "+919876543210", "+6591234567"]


def test_somebody_without_a_number_is_reached_by_user_id(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    message = send_message(whatsapp_account, "US.13491208655302741918", HELLO)
    contact = message.conversation.contact
    assert contact.phone is None
    send_message(whatsapp_account, contact, HELLO)
    assert len(ledger(simulator)) == 2
    assert WhatsAppContact.objects.count() == 1


def test_somebody_known_by_an_identity_only_is_reached_by_it(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    contact = WhatsAppContact.objects.create(name="Ann")
    contacts.link(contact, ["p:4512345678"])
    send_message(whatsapp_account, contact, HELLO)
    assert ledger(simulator)[0]["to"] == HER


def test_somebody_who_cannot_be_reached_is_told(whatsapp_account: WhatsAppAccount) -> None:
    with pytest.raises(InvalidInput, match="to: "):
        send_message(whatsapp_account, WhatsAppContact.objects.create(name="Ann"), HELLO)


def test_a_bad_number_or_content_leaves_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    with pytest.raises(InvalidPhoneNumber, match="to: "):
        send_message(whatsapp_account, "12", HELLO)
    with pytest.raises(InvalidMessage, match="body"):
        send_message(whatsapp_account, HER, Text("x" * 5000))
    assert not WhatsAppContact.objects.exists()
    assert not WhatsAppMessage.objects.exists()
    assert ledger(simulator) == []


@pytest.mark.parametrize("key", ["ACCESS_TOKEN", "PHONE_NUMBER_ID"])
def test_a_missing_setting_is_named(simulator: SimulatorServer, key: str) -> None:
    with (
        override_settings(WHATSAPP={**django_settings.WHATSAPP, key: ""}),
        pytest.raises(MissingSetting, match=key),
    ):
        send_message(None, HER, HELLO)
    assert not WhatsAppMessage.objects.exists()


# At most once


def test_the_same_key_returns_the_first_row_and_sends_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    first = send_message(whatsapp_account, HER, HELLO, dedupe_key="order-1")
    again = send_message(whatsapp_account, "+4587654321", Text("other"), dedupe_key="order-1")
    assert again == first
    assert len(ledger(simulator)) == 1
    assert send_message(whatsapp_account, "+4587654321", HELLO, dedupe_key="order-2") != first


def test_the_same_key_of_another_account_is_another_message(whatsapp_account: WhatsAppAccount) -> None:
    first = send_message(whatsapp_account, HER, HELLO, dedupe_key="order-1")
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="9")
    assert outbox_rows.first_with(other, "order-1") is None
    assert outbox_rows.first_with(whatsapp_account, "order-1") == first


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_fits_no_column_is_refused(whatsapp_account: WhatsAppAccount, key: str) -> None:
    with pytest.raises(InvalidInput, match="dedupe_key"):
        send_message(whatsapp_account, HER, HELLO, dedupe_key=key)


def test_fifty_at_once_with_one_key_send_one_message(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    results = at_once(lambda _: send_message(whatsapp_account, HER, HELLO, dedupe_key="order-1").pk, 50)
    assert results == [WhatsAppMessage.objects.get().pk] * 50
    assert len(ledger(simulator)) == 1
    assert WhatsAppSendAttempt.objects.count() == 1


def test_many_at_once_to_many_people_all_arrive(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    simulator.control.number("222000222000222", throughput=1000)
    results = at_once(lambda n: send_message(whatsapp_account, f"+45200000{n:02}", HELLO).status, 30)
    assert results == ["accepted"] * 30
    assert len(ledger(simulator)) == WhatsAppConversation.objects.count() == 30


def test_inside_a_transaction_nothing_is_sent(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    with transaction.atomic(), pytest.raises(InsideTransaction):
        send_message(whatsapp_account, HER, HELLO)
    assert not WhatsAppMessage.objects.exists()
    assert ledger(simulator) == []


# The twin


async def test_the_awaited_twin_does_the_same(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    message = await asend_message(whatsapp_account, HER, HELLO, dedupe_key="order-1")
    again = await asend_message(whatsapp_account, HER, HELLO, dedupe_key="order-1")
    assert message.status == "accepted"
    assert again == message
    assert len(ledger(simulator)) == 1
    simulator.control.fail(131026)
    with pytest.raises(RecipientError):
        await asend_message(whatsapp_account, HER, HELLO)
    assert await WhatsAppMessage.objects.filter(status="failed").acount() == 1


async def test_a_cancelled_send_is_unknown(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    simulator.control.fault("latency", seconds=1, path="messages")
    task = asyncio.ensure_future(asend_message(whatsapp_account, HER, HELLO))
    deadline = asyncio.get_running_loop().time() + 10
    while not await WhatsAppSendAttempt.objects.aexists():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await WhatsAppMessage.objects.aget()).status == "unknown"
    assert (await WhatsAppSendAttempt.objects.aget()).state == "unknown"


def test_the_columns_of_a_message_follow_its_content(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    contact = let_write(simulator, whatsapp_account)
    place = send_message(whatsapp_account, contact, Location(12.5, "77.25", "Depot", "1 Road"))
    assert (place.location_latitude, place.location_longitude) == (12.5, 77.25)
    assert (place.location_name, place.location_address, place.is_location) == ("Depot", "1 Road", True)
    with pytest.raises(Exception, match="HTTP"):
        send_message(whatsapp_account, contact, Image(id="900000000000009"))
    assert WhatsAppMessage.objects.get(message_type="image").media_id == "900000000000009"
    reaction = send_message(whatsapp_account, contact, Reaction(str(place.message_id), "👍"))
    assert (reaction.reaction_emoji, reaction.reaction_to_message_id) == ("👍", place.message_id)
