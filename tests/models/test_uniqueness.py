"""What may be there once only, and what the database itself refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_meta_whatsapp.models import (
    MessageDirection,
    MessageStatus,
    RecipientStatus,
    SkipReason,
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppCampaignRecipient,
    WhatsAppCatalogProduct,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppLabel,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppSignup,
    WhatsAppTemplate,
)
from tests.models import rows

pytestmark = pytest.mark.django_db


def refused(write: Callable[[], Any]) -> bool:
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        return True
    return False


def test_message_ids_that_differ_in_case_only_are_two_messages() -> None:
    thread = rows.conversation()
    upper = rows.message(thread, message_id="wamid.HBgLMTY1MDM4")
    lower = rows.message(thread, message_id="wamid.hbgLMTY1MDM4")
    assert WhatsAppMessage.objects.get(message_id="wamid.HBgLMTY1MDM4") == upper
    assert WhatsAppMessage.objects.get(message_id="wamid.hbgLMTY1MDM4") == lower


def test_tokens_and_article_numbers_tell_upper_from_lower_case() -> None:
    sent = rows.message()
    for token in ("dmw1.aa", "dmw1.AA"):
        WhatsAppSendAttempt.objects.create(token=token, account=sent.account, chat_message=sent)
    assert WhatsAppSendAttempt.objects.get(token="dmw1.AA").token == "dmw1.AA"
    for article in ("mug-a", "mug-A"):
        WhatsAppCatalogProduct.objects.create(account=sent.account, catalog_id="4", retailer_id=article)


def test_a_second_row_of_the_same_thing_is_refused() -> None:
    shop, person = rows.account(), rows.contact(phone="4512345678")
    thread = rows.conversation(account=shop, contact=person)
    rows.message(thread, message_id="wamid.1", dedupe_key="order-1")
    drive = rows.campaign()
    rows.recipient(drive, identity="p:4512345678")
    WhatsAppSendAttempt.objects.create(
        token="dmw1.1", account=shop, chat_message=WhatsAppMessage.objects.get()
    )
    label = WhatsAppLabel.objects.create(name="VIP")
    writes: list[Callable[[], Any]] = [
        lambda: rows.account(phone_number_id=shop.phone_number_id),
        lambda: rows.contact(phone="+45 12 34 56 78"),
        lambda: rows.conversation(account=shop, contact=person),
        lambda: rows.message(thread, message_id="wamid.1"),
        lambda: rows.message(thread, dedupe_key="order-1"),
        lambda: rows.recipient(drive, identity="p:4512345678"),
        lambda: WhatsAppSendAttempt.objects.create(
            token="dmw1.1", account=shop, chat_message=WhatsAppMessage.objects.get()
        ),
        lambda: WhatsAppLabel.objects.create(name=label.name),
        lambda: WhatsAppContactIdentity.objects.create(contact=rows.contact(), identity="p:4512345678"),
    ]
    assert [refused(write) for write in writes] == [True] * len(writes)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (WhatsAppTemplate, {"name": "hello_world", "language": "en_US"}),
        (WhatsAppCatalogProduct, {"catalog_id": "4", "retailer_id": "SKU1"}),
        (WhatsAppBlockedUser, {"identity": "p:4512345678"}),
    ],
)
def test_an_account_has_each_template_product_and_block_once(model: Any, fields: dict[str, str]) -> None:
    shop = rows.account()
    model.objects.create(account=shop, **fields)
    model.objects.create(account=rows.account(), **fields)
    assert refused(lambda: model.objects.create(account=shop, **fields))


def test_a_contact_has_one_state_per_account() -> None:
    shop, person = rows.account(), rows.contact()
    WhatsAppContactAccount.objects.create(account=shop, contact=person)
    assert refused(lambda: WhatsAppContactAccount.objects.create(account=shop, contact=person))


def test_what_is_not_known_yet_may_be_missing_many_times() -> None:
    thread = rows.conversation()
    for empty in (None, "", None, ""):
        sent = rows.message(thread, message_id=empty, dedupe_key=empty)
        assert (sent.message_id, sent.dedupe_key) == (None, None)
        WhatsAppSignup.objects.create(
            account=thread.account,
            signup_id=empty,
            display_name="News",
            privacy_policy_url="https://shop.example",
        )
        rows.recipient(status=RecipientStatus.SKIPPED, skip_reason=SkipReason.INVALID_PHONE, identity=empty)
    assert WhatsAppMessage.objects.filter(message_id=None).count() == 4


def test_the_same_dedupe_key_of_two_accounts_is_two_messages() -> None:
    assert rows.message(dedupe_key="order-1").pk != rows.message(dedupe_key="order-1").pk


def test_only_a_skipped_recipient_may_lack_an_identity_and_a_skip_has_a_reason() -> None:
    drive = rows.campaign()
    assert refused(lambda: rows.recipient(drive, identity=None))
    assert refused(lambda: rows.recipient(drive, status=RecipientStatus.SKIPPED))
    rows.recipient(drive, identity=None, status=RecipientStatus.SKIPPED, skip_reason=SkipReason.DUPLICATE)


@pytest.mark.parametrize("status", [RecipientStatus.LEASED, RecipientStatus.SENDING])
def test_a_claimed_recipient_has_an_end_of_its_lease(status: RecipientStatus) -> None:
    row = rows.recipient()
    mine = WhatsAppCampaignRecipient.objects.filter(pk=row.pk)
    assert refused(lambda: mine.update(status=status, lease="me"))
    mine.update(status=status, lease="me", lease_expires_at=timezone.now())


def test_received_is_the_status_of_inbound_messages_and_of_no_other() -> None:
    assert refused(lambda: rows.message(status=MessageStatus.RECEIVED))
    assert refused(lambda: rows.message(direction=MessageDirection.INBOUND, status=MessageStatus.READ))
    rows.message(direction=MessageDirection.INBOUND, status=MessageStatus.RECEIVED)


def test_an_attempt_sends_a_message_or_goes_to_a_recipient() -> None:
    shop = rows.account()
    assert refused(lambda: WhatsAppSendAttempt.objects.create(token="dmw1.1", account=shop))
    WhatsAppSendAttempt.objects.create(token="dmw1.1", account=shop, recipient=rows.recipient())


def test_an_account_has_a_number_and_a_pace() -> None:
    assert refused(lambda: rows.account(phone_number_id=""))
    assert refused(lambda: rows.account(throughput=0))
    assert WhatsAppAccount.objects.count() == 0


def test_people_without_a_number_are_many() -> None:
    people = [rows.contact(phone=empty) for empty in (None, "", None, "")]
    assert {person.phone for person in people} == {None}
    assert str(people[0]) == "WhatsApp user"
    assert people[0].normalized_phone == ""
    assert not WhatsAppContactIdentity.objects.exists()
    assert refused(lambda: WhatsAppContact.objects.filter(pk=people[0].pk).update(phone=""))
