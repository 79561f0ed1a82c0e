"""Who writes to us: each message is in the right thread, from the right person, and opens the window if it may."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppConversation,
)
from django_meta_whatsapp.services import contacts, suppression
from tests.payload_files import load_payload
from tests.services.receiving import MAYA, WRITTEN, receive, received
from tests.webhooks import posting

pytestmark = pytest.mark.django_db


def test_the_contact_gets_the_name_of_the_profile_and_both_identities(account: WhatsAppAccount) -> None:
    received(account, "messages__text")
    contact = WhatsAppContact.objects.get()
    assert contact.name == "Maya"
    identities = set(WhatsAppContactIdentity.objects.values_list("identity", flat=True))
    assert identities == {f"p:{MAYA}", "u:333:US.13491208655302741918"}


def test_somebody_who_shows_a_username_only_is_called_by_it(account: WhatsAppAccount) -> None:
    message = posting.text_message(from_user_id="US.1")
    del message["from"]
    profile = {"user_id": "US.1", "profile": {"username": "maya.k"}}
    receive(account, posting.inbound(message, contacts=[profile]))
    assert str(WhatsAppContact.objects.get()) == "maya.k"


def test_a_name_that_we_gave_stays(account: WhatsAppAccount) -> None:
    WhatsAppContact.objects.create(phone=MAYA, name="Maya K. (VIP)")
    received(account, "messages__text")
    assert WhatsAppContact.objects.get().name == "Maya K. (VIP)"


def test_somebody_without_a_phone_number_is_a_contact_like_any_other(account: WhatsAppAccount) -> None:
    row = received(account, "messages__text_without_phone")
    contact = WhatsAppContact.objects.get()
    assert (contact.phone, contact.name, row.phone_number) == (None, "Ravi", "")
    assert row.conversation.contact == contact
    assert WhatsAppContactIdentity.objects.get().identity == "u:333:IN.99120865530274"
    assert WhatsAppContactAccount.objects.get().last_inbound_at == WRITTEN
    receive(account, load_payload("messages__text_without_phone"))
    assert WhatsAppContact.objects.count() == 1


@pytest.mark.parametrize(
    "wa_id", ["6591234567", "4791234567", "4512345678", "3725123456"], ids=["SG", "NO", "DK", "EE"]
)
def test_a_complete_number_of_ten_digits_gets_no_country_code(account: WhatsAppAccount, wa_id: str) -> None:
    [row] = receive(account, posting.inbound(posting.text_message(sender=wa_id)))
    assert row.phone_number == wa_id
    assert WhatsAppContact.objects.get().phone == wa_id


def by_user_id(message_id: str, user_id: str = "US.1", **fields: Any) -> dict[str, Any]:
    """A message of somebody who hides their number."""
    message = posting.text_message(message_id, from_user_id=user_id, **fields)
    del message["from"]
    return message


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whom_a_message_shows_to_be_one_person_is_one_contact_whatever_came_first(
    account: WhatsAppAccount, order: tuple[int, ...]
) -> None:
    told = [
        posting.text_message("wamid.1"),
        by_user_id("wamid.2", text={"body": "STOP"}),
        posting.text_message("wamid.3", from_user_id="US.1"),
    ]
    for each in order:
        rows = receive(account, posting.inbound(told[each]))
    contact = WhatsAppContact.objects.get()
    assert (contact.phone, contact.opted_out) == (MAYA, True)
    assert set(contacts.find([f"p:{MAYA}", "u:333:US.1"]).values()) == {contact.pk}
    assert {row.conversation for row in rows} == {WhatsAppConversation.objects.get(contact=contact)}
    assert WhatsAppConversation.objects.get().unread_count == 3


def test_a_stop_by_user_id_binds_a_campaign_to_the_number_once_both_are_known(
    account: WhatsAppAccount,
) -> None:
    WhatsAppContact.objects.create(phone=MAYA, name="From a list")
    receive(account, posting.inbound(by_user_id("wamid.1", text={"body": "STOP"})))
    assert suppression.refusals(account, [f"p:{MAYA}"], category="MARKETING") == {}
    receive(account, posting.inbound(posting.text_message("wamid.2", from_user_id="US.1")))
    assert (
        suppression.refusals(account, [f"p:{MAYA}"], category="MARKETING")[f"p:{MAYA}"].reason == "opted_out"
    )
    assert WhatsAppContact.objects.get().name == "From a list"


def test_a_number_that_passed_to_somebody_else_does_not_make_them_one_person(
    account: WhatsAppAccount,
) -> None:
    receive(account, posting.inbound(posting.text_message("wamid.1", from_user_id="US.1")))
    receive(account, posting.inbound(by_user_id("wamid.2", "US.2")))
    receive(account, posting.inbound(posting.text_message("wamid.3", from_user_id="US.2")))
    assert WhatsAppContact.objects.count() == 2


def test_of_two_people_who_show_one_number_at_once_the_first_has_it(account: WhatsAppAccount) -> None:
    receive(account, posting.inbound(posting.text_message("wamid.1")))
    receive(account, posting.inbound(by_user_id("wamid.2", "US.1"), by_user_id("wamid.3", "US.2")))
    shown = [posting.text_message(f"wamid.4{each}", from_user_id=each) for each in ("US.1", "US.2")]
    receive(account, posting.inbound(*shown))
    found = contacts.find([f"p:{MAYA}", "u:333:US.1", "u:333:US.2"])
    assert found["u:333:US.1"] == found[f"p:{MAYA}"] != found["u:333:US.2"]


def test_a_person_with_a_number_of_their_own_is_not_joined_to_another_number(
    account: WhatsAppAccount,
) -> None:
    receive(account, posting.inbound(posting.text_message("wamid.1", from_user_id="US.1")))
    receive(account, posting.inbound(posting.text_message("wamid.2", "15550002222")))
    receive(account, posting.inbound(posting.text_message("wamid.3", "15550002222", from_user_id="US.1")))
    assert set(WhatsAppContact.objects.values_list("phone", flat=True)) == {MAYA, "15550002222"}


def test_one_person_has_a_thread_with_each_of_our_numbers(account: WhatsAppAccount) -> None:
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2")
    receive(account, posting.inbound(posting.text_message("wamid.1")))
    receive(other, posting.inbound(posting.text_message("wamid.2"), number="2"))
    assert WhatsAppContact.objects.count() == 1
    assert {row.account for row in WhatsAppConversation.objects.all()} == {account, other}


def test_unread_messages_are_counted_and_the_newest_dates_the_thread(account: WhatsAppAccount) -> None:
    later = posting.text_message("wamid.2", timestamp="1767000600")
    receive(account, posting.inbound(later, posting.text_message("wamid.1")))
    receive(account, posting.inbound(posting.text_message("wamid.3", timestamp="1767000300")))
    thread = WhatsAppConversation.objects.get()
    assert (thread.unread_count, thread.last_message_at) == (3, WRITTEN + timedelta(minutes=10))
    assert WhatsAppContactAccount.objects.get().last_inbound_at == WRITTEN + timedelta(minutes=10)


@pytest.mark.parametrize("name", ["messages__number_changed", "messages__edited", "messages__revoked"])
def test_what_only_tells_something_opens_no_window_and_is_not_unread(
    account: WhatsAppAccount, name: str
) -> None:
    received(account, name)
    assert not WhatsAppContactAccount.objects.exists()
    thread = WhatsAppConversation.objects.get()
    assert (thread.unread_count, thread.last_message_at) == (0, None)


def test_what_is_written_in_a_group_opens_no_window_with_the_person(account: WhatsAppAccount) -> None:
    receive(account, posting.inbound(posting.text_message(group_id="120363")))
    assert not WhatsAppContactAccount.objects.exists()
    assert WhatsAppConversation.objects.get().unread_count == 1
