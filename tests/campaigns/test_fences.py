"""The fences, column by column: a step writes what it must on the rows that are its own, and nothing else anywhere."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from django_meta_whatsapp.models import (
    SkipReason,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.models.bulk.moves import Move
from tests.campaigns.stored import AT, LATER, UNLEASED, Line, database_time, key, mark, out, written
from tests.models import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("somebody_elses")]


def ends_by_the_databases_clock(step: Callable[[], object], line: Line, seconds: float) -> None:
    """The lease of the row ends `seconds` after the step."""
    before = database_time()
    step()
    after = database_time()
    line.row.refresh_from_db()
    assert line.row.lease_expires_at
    leased = line.row.lease_expires_at - timedelta(seconds=seconds)
    # SQLite's clock counts milliseconds.
    tick = timedelta(milliseconds=1)
    assert before - tick <= leased <= after + tick


# --- claiming


def test_a_claim_leases_rows_that_had_to_wait_first_then_the_others_and_writes_the_lease_alone() -> None:
    campaign = rows.campaign()
    second, _later, _held, first, third = (
        Line(status, lease=lease, campaign=campaign, not_before=due)
        for status, lease, due in [
            ("pending", "", None),
            ("pending", "", LATER),
            ("leased", "theirs", None),
            ("pending", "", AT),
            ("pending", "", None),
        ]
    )
    with written() as changes:
        claimed = claims.claim(campaign.pk, lease="mine", seconds=60, limit=2, due=AT)
    assert [row.pk for row in claimed] == [
        first.row.pk,
        second.row.pk,
    ]
    assert set(changes) == {key(first.row), key(second.row)}
    for columns in changes.values():
        assert columns.pop("lease_expires_at")
        assert columns == {"status": "leased", "lease": "mine"}
    assert [row.pk for row in claims.claim(campaign.pk, lease="next", seconds=60, limit=9, due=AT)] == [
        third.row.pk
    ]
    assert claims.claim(campaign.pk, lease="last", seconds=60, limit=9, due=AT) == []


def test_a_claims_lease_ends_by_the_databases_clock() -> None:
    line = Line("pending", lease="", not_before=None)
    campaign_id = line.row.campaign_id
    ends_by_the_databases_clock(
        lambda: claims.claim(campaign_id, lease="mine", seconds=90, limit=1, due=AT), line, 90
    )


# --- marking


def test_a_mark_writes_the_state_the_count_and_the_end_of_its_lease_on_the_named_rows_alone() -> None:
    one, other, unnamed = Line("leased"), Line("leased"), Line("leased")
    with written() as changes:
        assert mark(out(one), out(other)) == {one.row.pk, other.row.pk}
    for line in (one, other):
        columns = changes.pop(key(line.row))
        assert columns.pop("lease_expires_at")
        assert columns == {"status": "sending", "attempt_count": 3}
        attempt = changes.pop(key(WhatsAppSendAttempt.objects.get(token=f"new-{line.row.pk}")))
        assert (attempt["recipient_id"], attempt["chat_message_id"], attempt["state"]) == (
            line.row.pk,
            line.message.pk,
            "sending",
        )
    assert changes == {}
    unnamed.row.refresh_from_db()
    assert unnamed.row.status == "leased"


def test_a_marks_lease_ends_by_the_databases_clock() -> None:
    line = Line("leased")
    ends_by_the_databases_clock(lambda: mark(out(line), seconds=120), line, 120)


OUT_OF_REACH = [
    ("leased", "theirs"),
    ("sending", "theirs"),
    ("pending", ""),
    ("unknown", ""),
    ("accepted", ""),
    ("failed", ""),
    # By its lease the row would be ours, but what became of it says that nobody may call.
    ("unknown", "mine"),
    ("delivered", "mine"),
]


@pytest.mark.parametrize(("status", "lease"), OUT_OF_REACH)
def test_a_mark_passes_over_rows_that_are_no_longer_leased_by_it(status: str, lease: str) -> None:
    ours, lost = Line("leased"), Line(status, lease=lease)
    with written() as changes:
        assert mark(out(lost)) == set()
    assert changes == {}
    assert WhatsAppConversation.objects.filter(last_message_at=AT).count() == 0
    with written() as changes:
        assert mark(out(lost), out(ours)) == {ours.row.pk}
    assert set(changes) == {key(ours.row), key(WhatsAppSendAttempt.objects.get(token=f"new-{ours.row.pk}"))}


def test_a_mark_that_was_committed_before_the_connection_was_lost_counts_as_a_call_under_way() -> None:
    """Whoever hears nothing of a commit tries once more, with the same tokens: nobody may be called twice."""
    lost, ours = Line("leased"), Line("leased")
    assert mark(out(lost)) == {lost.row.pk}
    with written() as changes:
        assert mark(out(lost), out(ours)) == {ours.row.pk}
    assert set(changes) == {key(ours.row), key(WhatsAppSendAttempt.objects.get(token=f"new-{ours.row.pk}"))}


def test_a_mark_passes_over_rows_of_people_who_were_erased_since_the_claim() -> None:
    erased = Line("leased", chat_message=None)
    WhatsAppContact.objects.filter(pk=erased.row.contact_id).delete()
    with written() as changes:
        assert mark(out(erased)) == set()
    assert changes == {}


def test_a_first_mark_makes_a_message_in_the_persons_thread_and_a_further_one_adds_an_attempt() -> None:
    account = rows.account()
    first, unnumbered = (
        Line("leased", chat_message=None, contact=contact)
        for contact in (rows.contact(phone="4520000001"), WhatsAppContact.objects.create())
    )
    known = Line("leased", chat_message=None)
    known_phone = known.row.contact.phone if known.row.contact else ""
    thread = rows.conversation(account=account, contact=known.row.contact, phone_number=known_phone)
    again = Line("leased")
    with written() as changes:
        marked = mark(out(first), out(unnumbered), out(known), out(again), account=account)
    assert marked == {first.row.pk, unnumbered.row.pk, known.row.pk, again.row.pk}
    for line in (first, unnumbered, known):
        line.row.refresh_from_db()
        message = line.row.chat_message
        assert message
        assert message.conversation.account == message.account == account
        assert message.conversation.contact == line.row.contact
        assert message.conversation.last_message_at == message.timestamp == AT
        assert message.conversation.phone_number == (line.row.contact.phone or "")  # type: ignore[union-attr]
        assert (message.message_body, message.content) == ("Hello 'Ann' %s", out(line).content)
        assert changes.pop(key(message))
        assert changes.pop(key(line.row)).keys() == {
            "status",
            "attempt_count",
            "lease_expires_at",
            "chat_message_id",
        }
        attempt = WhatsAppSendAttempt.objects.get(token=f"new-{line.row.pk}")
        assert (attempt.chat_message, attempt.recipient, attempt.created_at) == (message, line.row, AT)
        assert changes.pop(key(attempt))
    known.row.refresh_from_db()
    assert known.row.chat_message
    assert known.row.chat_message.conversation == thread
    retried = WhatsAppSendAttempt.objects.get(token=f"new-{again.row.pk}")
    assert (retried.chat_message, retried.recipient) == (again.message, again.row)
    assert changes.keys() == {key(again.row), key(retried)}


def test_a_threads_time_never_goes_back() -> None:
    account, line = rows.account(), Line("leased", chat_message=None)
    thread = rows.conversation(account=account, contact=line.row.contact, last_message_at=LATER)
    assert mark(out(line), account=account)
    thread.refresh_from_db()
    assert thread.last_message_at == LATER


def test_two_rows_of_one_person_share_a_thread() -> None:
    account, contact = rows.account(), rows.contact()
    one, other = (Line("leased", chat_message=None, contact=contact) for _ in range(2))
    assert mark(out(one), out(other), account=account) == {one.row.pk, other.row.pk}
    thread = WhatsAppConversation.objects.get(account=account, contact=contact)
    assert thread.messages.count() == 2


def test_a_message_that_was_erased_since_the_claim_is_made_anew() -> None:
    line = Line("leased")
    erased = out(line)
    line.message.delete()
    assert mark(erased) == {line.row.pk}
    line.row.refresh_from_db()
    attempt = WhatsAppSendAttempt.objects.get(token=erased.token)
    assert line.row.chat_message
    assert attempt.chat_message == line.row.chat_message


# --- giving rows back


Step = Callable[[list[int]], list[Move] | None]


def skip(ids: list[int]) -> list[Move]:
    return claims.skip(ids, lease="mine", reason=SkipReason.BLOCKED, at=AT)


def refuse(ids: list[int]) -> list[Move]:
    return claims.refuse(ids, lease="mine", why="Does not fill", at=AT)


def postpone(ids: list[int]) -> None:
    claims.postpone(ids, lease="mine", until=LATER)


FAILED = {"status": "failed", "failed_at": AT, "error_class": "request", "error_message": "Does not fill"}

DROPS: list[tuple[Step, dict[str, Any], str]] = [
    (skip, {"status": "skipped", "skip_reason": "blocked"}, "Not sent again: Blocked."),
    (refuse, FAILED, "Does not fill"),
    (postpone, {"status": "pending", "not_before": LATER}, ""),
]


@pytest.mark.parametrize(("step", "columns", "told"), DROPS)
def test_rows_that_are_given_up_before_their_mark_are_the_named_ones_of_ones_own_lease(
    step: Step, columns: dict[str, Any], told: str
) -> None:
    named, other, unnamed = (Line("leased", attempt="rejected") for _ in range(3))
    lost = [Line(status, lease=lease) for status, lease in [*OUT_OF_REACH, ("sending", "mine")]]
    ids = [line.row.pk for line in (named, *lost, other)]
    with written() as changes:
        moves = step(ids)
    ended = {"status": "failed", "failed_at": AT, "error_message": told}
    assert changes == {key(line.row): columns | UNLEASED for line in (named, other)} | {
        key(line.message): ended for line in (named, other) if told
    }
    if moves is not None:
        after = columns["status"]
        assert moves == [Move(line.row.campaign_id, "leased", after) for line in (named, other)]
    unnamed.row.refresh_from_db()
    assert (unnamed.row.status, unnamed.row.lease) == ("leased", "mine")


def test_a_release_frees_what_its_lease_has_claimed_and_not_marked() -> None:
    claimed = [Line("leased"), Line("leased")]
    Line("sending")
    with written() as changes:
        assert claims.release("mine") == 2
    assert changes == {key(line.row): {"status": "pending", **UNLEASED} for line in claimed}


# --- leases that run out


def past(rows_of: QuerySet[WhatsAppCampaignRecipient]) -> None:
    rows_of.update(lease_expires_at=database_time() - timedelta(seconds=1))


def test_a_lease_that_has_run_out_frees_a_claim_and_leaves_a_mark_unknown() -> None:
    claimed, marked, current = Line("leased"), Line("sending"), Line("sending")
    known = marked.attempt
    settled_before = marked.tried("rejected")
    past(WhatsAppCampaignRecipient.objects.filter(pk__in=[claimed.row.pk, marked.row.pk]))
    with written() as changes:
        moves = claims.expire()
    assert moves == [
        Move(claimed.row.campaign_id, "leased", "pending"),
        Move(marked.row.campaign_id, "sending", "unknown"),
    ]
    assert changes == {
        key(claimed.row): {"status": "pending", **UNLEASED},
        key(marked.row): {"status": "unknown", "error_message": claims.MARK_RAN_OUT, **UNLEASED},
        key(marked.message): {"status": "unknown"},
        key(known): {"state": "unknown", "error_message": claims.MARK_RAN_OUT},
    }
    settled_before.refresh_from_db()
    assert settled_before.state == "rejected"
    current.row.refresh_from_db()
    assert current.row.status == "sending"
    assert claims.expire() == []


def test_an_expiry_leaves_a_message_alone_that_has_climbed_meanwhile() -> None:
    line = Line("sending", chat="accepted")
    past(WhatsAppCampaignRecipient.objects.filter(pk=line.row.pk))
    with written() as changes:
        assert len(claims.expire()) == 1
    assert set(changes) == {key(line.row), key(line.attempt)}


def test_an_expiry_keeps_to_its_campaign_and_its_number_of_rows() -> None:
    campaign = rows.campaign()
    here = [Line("leased", campaign=campaign) for _ in range(3)]
    elsewhere = Line("leased")
    past(WhatsAppCampaignRecipient.objects.filter(lease="mine"))
    with written() as changes:
        moves = claims.expire(campaign_id=campaign.pk, limit=2)
    assert moves == [Move(campaign.pk, "leased", "pending")] * 2
    assert set(changes) == {key(line.row) for line in here[:2]}
    assert len(claims.expire(campaign_id=campaign.pk)) == 1
    assert claims.expire(campaign_id=campaign.pk) == []
    assert claims.expire() == [Move(elsewhere.row.campaign_id, "leased", "pending")]


def test_a_row_that_nobody_holds_never_expires() -> None:
    line = Line("unknown", lease="", lease_expires_at=AT)
    Line("accepted", lease="", lease_expires_at=AT)
    with written() as changes:
        assert claims.expire() == []
    assert changes == {}
    assert line.row.pk
