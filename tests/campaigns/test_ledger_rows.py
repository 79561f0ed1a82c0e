"""What the ledger leaves behind at each step of a run: whole rows, and what the rest of the project hears of them."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppBlockedUser,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
)
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import ledger, tally
from django_meta_whatsapp.services.campaigns.assignment import Assignment, assign
from django_meta_whatsapp.services.campaigns.ledger import Claimed, Marked, Ready, Settled
from tests.campaigns.stored import key, written
from tests.models import rows

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PORTFOLIO = "333"


class Shop:
    """A running campaign with a template of two variables."""

    def __init__(self) -> None:
        self.account = rows.account(
            phone_number_id="222", waba_id="111", portfolio_id=PORTFOLIO, access_token="token"
        )
        template = WhatsAppTemplate.objects.create(
            account=self.account,
            name="order_update",
            language="en_US",
            category="UTILITY",
            status="APPROVED",
            body_text="Hi {{1}}, your order {{2}} is on its way.",
        )
        self.campaign = rows.campaign(
            account=self.account,
            template=template,
            status="running",
            audience_type="csv",
            parameter_mappings={"1": "name", "2": "order"},
            frozen_at=AT,
        )
        self.assignment: Assignment = assign(self.campaign)
        # Everybody else's rows: no step may touch them.
        rows.recipient(
            self.campaign,
            status="leased",
            lease="theirs",
            lease_expires_at=timezone.now() + timedelta(hours=1),
        )
        rows.recipient()

    def person(self, **fields: Any) -> WhatsAppCampaignRecipient:
        contact = fields.pop("contact", None) or rows.contact()
        digits = contact.normalized_phone
        return rows.recipient(
            self.campaign,
            **{
                "contact": contact,
                "identity": f"p:{digits}",
                "phone_number": digits,
                "parameters": {"1": "Ann", "2": digits[-3:]},
                **fields,
            },
        )

    def people(self, count: int) -> list[WhatsAppCampaignRecipient]:
        return [self.person() for _ in range(count)]

    def claim(self, limit: int = 9) -> Claimed:
        return ledger.claim(self.assignment, limit)

    def mark(self, limit: int = 9) -> list[Marked]:
        return ledger.mark(self.assignment, self.claim(limit).ready)

    def settle(self, *settled: Settled) -> None:
        ledger.settle(self.assignment, settled)

    def counts(self) -> dict[str, int]:
        """Those that are not 0; they must agree with the rows."""
        campaign = WhatsAppCampaign.objects.get(pk=self.campaign.pk)
        names = ("sent_count", "failed_count", "unknown_count", "skipped_count")
        counted = {name: getattr(campaign, name) for name in names}
        tally.recount(campaign)
        assert counted == {name: getattr(campaign, name) for name in names}
        return {name.removesuffix("_count"): count for name, count in counted.items() if count}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def settled(
    marked: Marked, state: AttemptState = AttemptState.ACCEPTED, known_as: Sequence[str] = (), **fields: Any
) -> Settled:
    """How the call ended; an accepted message has an id of its own unless told."""
    if state == AttemptState.ACCEPTED:
        fields = {"message_id": f"wamid.{marked.ready.recipient_id}", **fields}
    answer = Answer(marked.token, marked.ready.lease, state, **{"at": AT, **fields})
    return Settled(marked, answer, tuple(known_as))


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
        [body] = ready.content.payload()["components"]
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
        "content": claimed.ready[0].content.payload(),
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


# --- settling


class Heard:
    """What receivers of `whatsapp_message_sent` got."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def __call__(self, **kwargs: Any) -> None:
        self.told.append(kwargs)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Listens to the messages of the model alone, as receivers with a sender do."""
    listener = Heard()
    signals.whatsapp_message_sent.connect(listener, sender=WhatsAppMessage)
    yield listener
    signals.whatsapp_message_sent.disconnect(listener, sender=WhatsAppMessage)


def test_each_accepted_message_is_announced_after_the_commit_with_all_that_a_receiver_reads(
    shop: Shop, heard: Heard, django_capture_on_commit_callbacks: Any, django_assert_num_queries: Any
) -> None:
    accepted = shop.people(3)
    shop.person()
    *marked, rejected = shop.mark()
    batch = [settled(item) for item in marked] + [settled(rejected, AttemptState.REJECTED, error_code=131026)]
    with django_capture_on_commit_callbacks() as callbacks:
        shop.settle(*batch)
    assert heard.told == []
    [announce] = callbacks
    with django_assert_num_queries(2):  # statuses that were quicker than the answer, and the messages
        announce()
        told = {(each["message"].account.pk, each["message"].conversation.contact_id) for each in heard.told}
    assert told == {(shop.account.pk, row.contact_id) for row in accepted}
    assert {each["event_id"] for each in heard.told} == {f"sent:wamid.{row.pk}" for row in accepted}
    for each in heard.told:
        assert each["sender"] is WhatsAppMessage
        assert each["event_id"] == f"sent:{each['message'].message_id}"
        assert each["message"].status == "accepted"


def test_a_receiver_that_fails_keeps_no_other_from_hearing(
    shop: Shop, heard: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ValueError("not today")

    shop.people(2)
    signals.whatsapp_message_sent.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            shop.settle(*map(settled, shop.mark()))
    finally:
        signals.whatsapp_message_sent.disconnect(fail)
    assert len(heard.told) == 2


def test_no_message_is_read_for_an_announcement_that_nobody_hears(
    shop: Shop, django_assert_num_queries: Any, django_capture_on_commit_callbacks: Any
) -> None:
    shop.person()
    with django_capture_on_commit_callbacks() as callbacks:
        shop.settle(*map(settled, shop.mark()))
    [announce] = callbacks
    with django_assert_num_queries(1):  # statuses that were quicker than the answer
        announce()


@pytest.mark.usefixtures("heard")
def test_nothing_is_announced_of_calls_that_were_not_accepted(
    shop: Shop, django_capture_on_commit_callbacks: Any
) -> None:
    shop.people(2)
    first, second = shop.mark()
    with django_capture_on_commit_callbacks() as callbacks:
        shop.settle(
            settled(first, AttemptState.REJECTED, error_code=131026), settled(second, AttemptState.UNKNOWN)
        )
    assert callbacks == []
    assert shop.counts() == {"failed": 1, "unknown": 1}


def test_the_stop_of_marketing_is_noted_for_the_person_whose_answer_said_so(shop: Shop) -> None:
    stopped, _other = shop.people(2)
    first, second = shop.mark()
    before = timezone.now()
    shop.settle(
        settled(first, AttemptState.REJECTED, error_code=131050),
        settled(second, AttemptState.REJECTED, error_code=131049),
    )
    noted = WhatsAppContactAccount.objects.get()
    assert (noted.contact_id, noted.account_id, noted.marketing_opted_out) == (
        stopped.contact_id,
        shop.account.pk,
        True,
    )
    assert noted.marketing_changed_at
    assert before <= noted.marketing_changed_at <= timezone.now()


@pytest.mark.parametrize(
    ("state", "fields", "status"),
    [
        (AttemptState.ACCEPTED, {}, "completed"),
        (AttemptState.REJECTED, {"error_code": 131026}, "completed"),
        (AttemptState.UNKNOWN, {}, "completed"),
        (AttemptState.NOT_SENT, {"retry_at": AT}, "running"),
    ],
)
def test_only_an_unknown_row_that_is_to_be_sent_after_all_opens_a_campaign_again(
    shop: Shop, state: AttemptState, fields: dict[str, Any], status: str
) -> None:
    row = shop.person()
    [marked] = shop.mark()
    shop.settle(settled(marked, AttemptState.UNKNOWN))
    # Somebody found out since; the row waits as it was.
    WhatsAppSendAttempt.objects.filter(recipient=row).update(state="sending")
    WhatsAppCampaign.objects.filter(pk=shop.campaign.pk).update(status="completed")
    shop.settle(settled(marked, state, **fields))
    assert WhatsAppCampaign.objects.get(pk=shop.campaign.pk).status == status


def test_a_row_that_goes_back_from_its_mark_opens_nothing(shop: Shop) -> None:
    shop.person()
    [marked] = shop.mark()
    WhatsAppCampaign.objects.filter(pk=shop.campaign.pk).update(status="completed")
    shop.settle(settled(marked, AttemptState.REJECTED, retry_at=AT))
    assert WhatsAppCampaign.objects.get(pk=shop.campaign.pk).status == "completed"


# --- what Meta's answer teaches


def identities_of(row: WhatsAppCampaignRecipient) -> set[str]:
    found = WhatsAppContactIdentity.objects.filter(contact_id=row.contact_id)
    return set(found.values_list("identity", flat=True))


def test_identities_that_are_learnt_belong_to_the_person_who_was_written_to(shop: Shop) -> None:
    first, second = shop.people(2)
    own, others = identities_of(first), identities_of(second)
    one, two = shop.mark()
    learnt = [one.ready.identity, "p:552187654321", f"u:{PORTFOLIO}:BR.1"]
    shop.settle(settled(one, known_as=learnt), settled(two, known_as=[f"u:{PORTFOLIO}:DK.2"]))
    assert identities_of(first) == own | set(learnt)
    assert identities_of(second) == others | {f"u:{PORTFOLIO}:DK.2"}


def test_an_identity_by_which_we_wrote_is_not_learnt_again_and_one_of_somebody_else_stays_theirs(
    shop: Shop,
) -> None:
    row = shop.person(identity="p:4599999999")
    known = identities_of(row)
    somebody = rows.contact(phone="4588888888")
    [marked] = shop.mark()
    shop.settle(settled(marked, known_as=["p:4599999999", "p:4588888888"]))
    assert identities_of(row) == known
    assert WhatsAppContactIdentity.objects.get(identity="p:4588888888").contact == somebody


@pytest.mark.django_db(transaction=True)
def test_somebody_who_was_erased_before_the_answer_teaches_nothing_and_stops_nobody(shop: Shop) -> None:
    gone, other = shop.people(2)
    one, two = shop.mark()
    WhatsAppContact.objects.filter(pk=gone.contact_id).delete()
    shop.settle(settled(one, known_as=["p:552187654321"]), settled(two, known_as=[f"u:{PORTFOLIO}:DK.2"]))
    assert not WhatsAppContactIdentity.objects.filter(identity="p:552187654321").exists()
    assert f"u:{PORTFOLIO}:DK.2" in identities_of(other)


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
