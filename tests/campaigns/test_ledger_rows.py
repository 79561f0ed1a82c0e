"""What the ledger leaves behind at each step of a run: whole rows, and what the rest of the project hears of them."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppBlockedUser,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import ledger
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.ledger import Claimed, Ready
from tests.campaigns.shop import AT, PORTFOLIO, Shop, settled
from tests.campaigns.stored import key, written
from tests.models import rows

pytestmark = pytest.mark.django_db


def thread_of(contact_id: int | None) -> WhatsAppConversation:
    return WhatsAppConversation.objects.get(contact_id=contact_id)


def blank(model: type[Model]) -> dict[str, Any]:
    """The columns of a row of which nothing was said."""
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}


# --- claiming


def test_a_claim_hands_out_all_that_a_call_needs(shop: Shop) -> None:
    first = shop.person()
    again = shop.person(attempt_count=2)
    again.chat_message = rows.message(rows.conversation(account=shop.account, contact=again.contact))
    again.save()
    claimed = shop.claim()
    assert claimed.taken == 2
    assert claimed.lease
    assert [
        (ready.recipient_id, ready.contact_id, ready.identity, ready.phone_number, ready.attempts)
        for ready in claimed.ready
    ] == [
        (row.pk, row.contact_id, row.identity, row.phone_number, row.attempt_count) for row in (first, again)
    ]
    for ready, row, message_id in zip(
        claimed.ready, (first, again), (None, again.chat_message_id), strict=True
    ):
        order = row.phone_number[-3:]
        assert (ready.lease, ready.message_id) == (claimed.lease, message_id)
        assert ready.text == f"Hi Ann, your order {order} is on its way."
        [body] = ready.content["components"]
        assert [each["text"] for each in body["parameters"]] == ["Ann", order]
    nothing = shop.claim()
    assert nothing == Claimed(nothing.lease, 0, [])


def test_a_claim_of_all_kinds_of_people_skips_fails_and_counts_each_as_it_must(shop: Shop) -> None:
    good = shop.people(2)
    opted_out = [shop.person(contact=rows.contact(opted_out=True)) for _ in range(2)]
    blocked = shop.person(contact=rows.contact(is_blocked=True))
    blocked_at_meta = shop.person()
    WhatsAppBlockedUser.objects.create(account=shop.account, identity=blocked_at_meta.identity)
    erased = [shop.person() for _ in range(2)]
    for row in erased:
        WhatsAppContact.objects.filter(campaign_recipients=row).delete()
    unfilled = shop.person(parameters={"1": "Ann"})
    before = timezone.now()
    with written() as changes:
        claimed = shop.claim(20)
    after = timezone.now()
    assert claimed.taken == 9
    assert [ready.recipient_id for ready in claimed.ready] == [row.pk for row in good]
    for row in good:
        assert changes.pop(key(row)).keys() == {"status", "lease", "lease_expires_at"}
    for row in opted_out:
        assert changes.pop(key(row)) == {"status": "skipped", "skip_reason": "opted_out"}
    for row in (blocked, blocked_at_meta):
        assert changes.pop(key(row)) == {"status": "skipped", "skip_reason": "blocked"}
    reasons = {row.pk: ledger.ERASED for row in erased} | {unfilled.pk: "body_params"}
    for row in (*erased, unfilled):
        columns = changes.pop(key(row))
        assert before <= columns.pop("failed_at") <= after
        assert reasons[row.pk] in columns.pop("error_message")
        assert columns == {"status": "failed", "error_class": "request"}
    assert changes == {}
    assert shop.counts() == {"skipped": 4, "failed": 3}


@pytest.mark.parametrize("refused", ["opted_out", "unfilled"])
def test_one_kind_of_trouble_is_counted_without_the_other(shop: Shop, refused: str) -> None:
    if refused == "opted_out":
        shop.person(contact=rows.contact(opted_out=True))
    else:
        shop.person(parameters={})
    shop.person()
    assert len(shop.claim().ready) == 1
    assert shop.counts() == {"skipped" if refused == "opted_out" else "failed": 1}


def test_a_number_to_which_nothing_can_be_sent_fails_alone(shop: Shop) -> None:
    shop.person(contact=rows.contact(phone="0123456"))
    shop.person(identity=f"u:{PORTFOLIO}:nobody", phone_number="")
    good = shop.person()
    assert [item.ready.recipient_id for item in shop.mark()] == [good.pk]
    failed = WhatsAppCampaignRecipient.objects.filter(campaign=shop.campaign, status="failed")
    assert [(row.error_class, row.error_message.split(":")[0]) for row in failed] == [("request", "to")] * 2
    assert shop.counts() == {"failed": 2}


# --- marking


def test_whoever_may_not_be_messaged_at_this_hour_is_given_back_until_they_may(shop: Shop) -> None:
    """Noon in London is half past five in the evening in India."""
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    shop.campaign.send_window = "09:00-17:00"
    shop.campaign.save()
    shop.assignment = assign(shop.campaign)
    awake = shop.person(contact=rows.contact(phone="447911123456"))
    asleep = shop.person(contact=rows.contact(phone="919876543210"))
    with clock.moved(noon - timezone.now()):
        claimed = shop.claim()
    assert [ready.recipient_id for ready in claimed.ready] == [awake.pk]
    assert (claimed.taken, claimed.postponed, claimed.dropped) == (2, 1, 0)
    asleep.refresh_from_db()
    assert (asleep.status, asleep.lease, asleep.lease_expires_at) == ("pending", "", None)
    assert asleep.not_before == datetime(2026, 3, 5, 3, 30, tzinfo=UTC)


def test_a_mark_leaves_recipient_message_attempt_and_thread(shop: Shop) -> None:
    row = shop.person()
    claimed = shop.claim()
    before, clock_before = timezone.now(), time.monotonic()
    with written() as changes:
        [marked] = ledger.mark(shop.assignment, claimed.ready)
    after, clock_after = timezone.now(), time.monotonic()
    assert clock_before <= marked.at <= clock_after
    assert (marked.ready, marked.attempts) == (claimed.ready[0], 1)
    message = WhatsAppMessage.objects.get(campaign=shop.campaign)
    attempt = WhatsAppSendAttempt.objects.get()
    recipient = changes.pop(key(row))
    assert recipient.pop("lease_expires_at")
    assert recipient == {"status": "sending", "attempt_count": 1, "chat_message_id": message.pk}
    thread = thread_of(row.contact_id)
    made = changes.pop(key(message))
    assert before <= made["timestamp"] <= after
    assert made["timestamp"] == thread.last_message_at
    assert (thread.account_id, thread.phone_number) == (shop.account.pk, row.phone_number)
    assert thread.unread_count == 0
    assert made == blank(WhatsAppMessage) | {
        "id": message.pk,
        "account_id": shop.account.pk,
        "conversation_id": thread.pk,
        "campaign_id": shop.campaign.pk,
        "phone_number": row.phone_number,
        "direction": "outbound",
        "message_type": "template",
        "message_body": f"Hi Ann, your order {row.phone_number[-3:]} is on its way.",
        "content": claimed.ready[0].content,
        "category": "UTILITY",
        "status": "sending",
        "timestamp": made["timestamp"],
    }
    tried = changes.pop(key(attempt))
    assert tried == blank(WhatsAppSendAttempt) | {
        "id": attempt.pk,
        "token": marked.token,
        "account_id": shop.account.pk,
        "chat_message_id": message.pk,
        "recipient_id": row.pk,
        "state": "sending",
        "created_at": made["timestamp"],
    }
    assert changes == {}


def test_the_call_goes_to_the_person_with_the_marks_token(shop: Shop) -> None:
    numbered = shop.person()
    shop.person(
        contact=WhatsAppContact.objects.create(),
        identity=f"u:{PORTFOLIO}:DK.123",
        parameters={"1": "Bo", "2": "7"},
    )
    first, second = shop.mark()
    assert first.token != second.token
    for marked, address, values in [
        (first, {"to": f"+{numbered.phone_number}"}, ["Ann", numbered.phone_number[-3:]]),
        (second, {"recipient": "DK.123"}, ["Bo", "7"]),
    ]:
        assert (marked.call.method, marked.call.path) == ("POST", "222/messages")
        assert marked.call.body == {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **address,
            "type": "template",
            "template": {
                "name": "order_update",
                "language": {"code": "en_US", "policy": "deterministic"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}
                ],
            },
            "biz_opaque_callback_data": marked.token,
        }


def test_a_further_attempt_belongs_to_the_message_of_the_first(shop: Shop) -> None:
    row = shop.person()
    [first] = shop.mark()
    shop.settle(settled(first, AttemptState.REJECTED, retry_at=AT, error_code=130429))
    with written() as changes:
        [second] = shop.mark()
    message = WhatsAppMessage.objects.get()
    assert (second.attempts, second.ready.message_id) == (2, message.pk)
    attempt = WhatsAppSendAttempt.objects.get(token=second.token)
    assert (attempt.chat_message_id, attempt.recipient_id) == (message.pk, row.pk)
    assert set(changes) == {key(row), key(attempt)}
    assert changes[key(row)].keys() == {"status", "lease", "lease_expires_at", "attempt_count"}


def test_nothing_is_recorded_for_a_row_whose_mark_was_lost(shop: Shop) -> None:
    lost, row = shop.people(2)
    claimed = shop.claim()
    WhatsAppCampaignRecipient.objects.filter(pk=lost.pk).update(lease="another")
    with written() as changes:
        [marked] = ledger.mark(shop.assignment, claimed.ready)
    assert marked.ready.recipient_id == row.pk
    message, attempt = WhatsAppMessage.objects.get(), WhatsAppSendAttempt.objects.get()
    assert set(changes) == {key(row), key(message), key(attempt)}
    assert thread_of(row.contact_id).last_message_at == message.timestamp
    assert not WhatsAppConversation.objects.filter(contact=lost.contact_id).exists()


# --- giving back


def test_rows_are_postponed_and_released_by_the_lease_that_claimed_them(shop: Shop) -> None:
    later, free, marked = shop.people(3)
    claimed = shop.claim()
    by_row: dict[int, Ready] = {ready.recipient_id: ready for ready in claimed.ready}
    ledger.mark(shop.assignment, [by_row[marked.pk]])
    unleased = {"status": "pending", "lease": "", "lease_expires_at": None}
    with written() as changes:
        ledger.postpone([by_row[later.pk]], AT)
    assert changes == {key(later): {**unleased, "not_before": AT}}
    with written() as changes:
        ledger.release(claimed.lease)
    assert changes == {key(free): unleased}
