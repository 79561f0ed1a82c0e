"""Blocking at Meta and what our rows say of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import utils
from django_meta_whatsapp.cloud_api import calls
from django_meta_whatsapp.errors import AuthError, InvalidMessage, InvalidPhoneNumber, MetaAPIError
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppContact,
    WhatsAppContactAccount,
)
from django_meta_whatsapp.services import block_list, contacts, suppression
from django_meta_whatsapp.services.accounts import client_for
from tests.utils.conftest import Call
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db

HER, HIM = "+4512345678", "+4587654321"


def let_write(simulator: SimulatorServer, *phones: str) -> None:
    for phone in phones:
        simulator.control.inbound(phone.removeprefix("+"), {"type": "text", "text": {"body": "hi"}})


def row(phone: str) -> WhatsAppBlockedUser:
    return WhatsAppBlockedUser.objects.get(identity=f"p:{phone.removeprefix('+')}")


def blocked_at_meta(call: Call) -> set[str]:
    return {entry["wa_id"] for entry in call("get_blocked_users")["data"]}


def test_a_blocked_person_is_blocked_at_meta_and_here(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    contact = WhatsAppContact.objects.create(phone="4512345678")
    answer = call("block_users", ["+45 12 34 56 78", "004512345678"], whatsapp_account)
    assert answer["block_users"]["added_users"] == [{"input": HER, "wa_id": "4512345678"}]
    assert answer["block_users"]["failed_users"] == []
    assert blocked_at_meta(call) == {"4512345678"}
    blocked = row(HER)
    assert (blocked.is_active, blocked.wa_id, blocked.phone_number) == (True, "4512345678", "4512345678")
    assert blocked.blocked_at is not None
    contact.refresh_from_db()
    assert contact.is_blocked
    assert WhatsAppContactAccount.objects.get(contact=contact, account=whatsapp_account).is_blocked
    assert "p:4512345678" in suppression.refusals(whatsapp_account, ["p:4512345678"], category="UTILITY")


def test_somebody_who_is_no_contact_is_blocked_without_becoming_one(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    call("block_users", [HER], whatsapp_account)
    assert not WhatsAppContact.objects.exists()
    assert "p:4512345678" in suppression.refusals(whatsapp_account, ["p:4512345678"], category="UTILITY")


def test_who_could_not_be_blocked_is_noted_and_raises_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    contact = WhatsAppContact.objects.create(phone="4587654321")
    answer = call("block_users", [HER, HIM], whatsapp_account)
    assert [entry["input"] for entry in answer["block_users"]["added_users"]] == [HER]
    (failed,) = answer["block_users"]["failed_users"]
    assert (failed["input"], failed["errors"][0]["code"]) == (HIM, 131047)
    assert answer["error"]["code"] == 139100
    assert row(HER).is_active
    assert (row(HIM).is_active, row(HIM).blocked_at) == (False, None)
    assert "131047" in row(HIM).meta_error
    contact.refresh_from_db()
    assert not contact.is_blocked


def test_a_failure_does_not_unblock_who_is_blocked(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    WhatsAppBlockedUser.objects.create(account=whatsapp_account, identity="p:4587654321")
    call("block_users", [HIM], whatsapp_account)
    assert (row(HIM).is_active, bool(row(HIM).meta_error)) == (True, True)


def test_an_unblocked_person_is_free_again(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    contact = WhatsAppContact.objects.create(phone="4512345678")
    call("block_users", [HER], whatsapp_account)
    answer = call("unblock_users", [HER], whatsapp_account)
    assert [entry["input"] for entry in answer["block_users"]["removed_users"]] == [HER]
    assert blocked_at_meta(call) == set()
    assert not row(HER).is_active
    assert row(HER).unblocked_at is not None
    contact.refresh_from_db()
    assert not contact.is_blocked
    assert suppression.refusals(whatsapp_account, ["p:4512345678"], category="UTILITY") == {}
    call("block_users", [HER], whatsapp_account)
    assert (row(HER).is_active, row(HER).unblocked_at) == (True, None)


def test_a_contact_stays_marked_while_another_number_blocks_them(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    contact = WhatsAppContact.objects.create(phone="4512345678")
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="9")
    WhatsAppContactAccount.objects.create(account=other, contact=contact, is_blocked=True)
    call("block_users", [HER], whatsapp_account)
    call("unblock_users", [HER], whatsapp_account)
    contact.refresh_from_db()
    assert contact.is_blocked
    assert not WhatsAppContactAccount.objects.get(account=whatsapp_account).is_blocked


def test_people_are_matched_by_identity_not_by_text(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    contact = WhatsAppContact.objects.create(name="Ann")
    contacts.link(contact, ["p:4512345678"])
    call("block_users", [HER], whatsapp_account)
    contact.refresh_from_db()
    assert contact.is_blocked


def test_more_than_a_thousand_are_split_and_the_answers_merged(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, "+4520000000", "+4520001000")
    answer = call("block_users", [f"+4520{number:06}" for number in range(1001)], whatsapp_account)
    added = {entry["input"] for entry in answer["block_users"]["added_users"]}
    assert added == {"+4520000000", "+4520001000"}
    assert len(answer["block_users"]["failed_users"]) == 999
    assert WhatsAppBlockedUser.objects.count() == 1001
    assert WhatsAppBlockedUser.objects.filter(is_active=True).count() == 2


def test_bad_numbers_and_empty_lists_are_told_before_anything_is_sent(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    with pytest.raises(InvalidPhoneNumber, match="phone_numbers"):
        call("block_users", [HER, "12"], whatsapp_account)
    with pytest.raises(InvalidMessage, match="users"):
        call("block_users", [], whatsapp_account)
    assert blocked_at_meta(call) == set()
    assert not WhatsAppBlockedUser.objects.exists()


def test_a_wrong_token_is_190(whatsapp_account: WhatsAppAccount, call: Call) -> None:
    whatsapp_account.access_token = "wrong"
    with pytest.raises(AuthError):
        call("block_users", [HER], whatsapp_account)
    with pytest.raises(AuthError):
        call("unblock_users", [HER], whatsapp_account)
    assert not WhatsAppBlockedUser.objects.exists()


def test_the_list_comes_page_by_page(simulator: SimulatorServer, call: Call) -> None:
    let_write(simulator, HER, HIM)
    call("block_users", [HER, HIM])
    first = call("get_blocked_users", 1)
    second = call("get_blocked_users", 1, first["paging"]["cursors"]["after"])
    assert {entry["wa_id"] for page in (first, second) for entry in page["data"]} == {HER[1:], HIM[1:]}


def test_a_sync_makes_our_rows_say_what_meta_says(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER, HIM, "+4511111111")
    blocked, freed = (WhatsAppContact.objects.create(phone=phone[1:]) for phone in (HER, "+4522222222"))
    call("block_users", [HER, HIM, "+4511111111"], whatsapp_account)
    long_ago = timezone.now() - timedelta(days=1)
    WhatsAppBlockedUser.objects.filter(identity="p:4512345678").delete()
    WhatsAppContact.objects.update(is_blocked=False)
    WhatsAppContactAccount.objects.all().delete()
    WhatsAppBlockedUser.objects.filter(identity="p:4587654321").update(
        is_active=False, unblocked_at=long_ago, meta_error="old"
    )
    WhatsAppBlockedUser.objects.create(
        account=whatsapp_account, identity="p:4522222222", phone_number="4522222222", blocked_at=long_ago
    )
    WhatsAppContact.objects.filter(pk=freed.pk).update(is_blocked=True)
    assert call("sync_blocked_users_from_meta", whatsapp_account) == 3
    assert (row(HER).is_active, row(HIM).is_active, row(HIM).meta_error) == (True, True, "")
    assert not row("+4522222222").is_active
    blocked.refresh_from_db()
    freed.refresh_from_db()
    assert (blocked.is_blocked, freed.is_blocked) == (True, False)
    assert WhatsAppBlockedUser.objects.count() == 4


def test_a_sync_finds_a_row_by_whatsapps_number_too(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    let_write(simulator, HER)
    call("block_users", [HER], whatsapp_account)
    WhatsAppBlockedUser.objects.update(identity="p:45001", wa_id="4512345678")
    call("sync_blocked_users_from_meta", whatsapp_account)
    assert WhatsAppBlockedUser.objects.get().is_active
    call("unblock_users", [HER], whatsapp_account)
    assert not WhatsAppBlockedUser.objects.get().is_active


def test_who_is_blocked_while_the_list_is_read_stays_blocked(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    later = timezone.now() + timedelta(minutes=1)
    WhatsAppBlockedUser.objects.create(account=whatsapp_account, identity="p:4512345678", blocked_at=later)
    assert call("sync_blocked_users_from_meta", whatsapp_account) == 0
    assert row(HER).is_active


def test_a_list_that_changes_is_read_again(
    simulator: SimulatorServer,
    whatsapp_account: WhatsAppAccount,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The client too repeats the read, three times in each of three readings.
    monkeypatch.setattr("django_meta_whatsapp.cloud_api.exchange.FIRST_PAUSE", 0.0)
    let_write(simulator, HER)
    call("block_users", [HER], whatsapp_account)
    simulator.control.fail(139102, 8, path="block_users")
    assert call("sync_blocked_users_from_meta", whatsapp_account) == 1
    simulator.control.fail(139102, 9, path="block_users")
    with pytest.raises(MetaAPIError):
        call("sync_blocked_users_from_meta", whatsapp_account)


def test_a_list_that_changes_between_its_pages_is_read_again_from_the_first(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_meta_whatsapp.cloud_api.exchange.FIRST_PAUSE", 0.0)
    monkeypatch.setattr(block_list, "PAGE", 1)
    third = "+4511223344"
    let_write(simulator, HER, HIM, third)
    utils.block_users([HER, HIM], whatsapp_account)
    client = client_for(whatsapp_account)
    job = block_list.sync(whatsapp_account)
    first_page = next(job)
    assert isinstance(first_page, calls.Call)
    second_page = job.send(client.run(first_page))
    assert isinstance(second_page, calls.Call)
    utils.block_users([third], whatsapp_account)
    with pytest.raises(MetaAPIError) as changed:
        client.run(second_page)
    assert job.throw(changed.value) == first_page


def test_a_list_of_several_pages_is_read_to_the_end(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_list, "PAGE", 1)
    let_write(simulator, HER, HIM)
    call("block_users", [HER, HIM], whatsapp_account)
    assert call("sync_blocked_users_from_meta", whatsapp_account) == 2


def test_a_failed_sync_changes_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    long_ago: Any = timezone.now() - timedelta(days=1)
    WhatsAppBlockedUser.objects.create(account=whatsapp_account, identity="p:4512345678", blocked_at=long_ago)
    simulator.control.fail(190, path="block_users")
    with pytest.raises(AuthError):
        call("sync_blocked_users_from_meta", whatsapp_account)
    assert row(HER).is_active
