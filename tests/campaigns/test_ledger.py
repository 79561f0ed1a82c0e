"""The rules that keep anybody from being messaged twice: claims, marks, leases, settling."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    MessageStatus,
    PauseCause,
    RecipientStatus,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import freeze, ledger, reconcile, states, tally
from django_meta_whatsapp.services.campaigns.assignment import Assignment, assign
from django_meta_whatsapp.services.campaigns.ledger import Claimed, Marked, Settled
from tests.campaigns.conftest import MakeCampaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def frozen(make_campaign: MakeCampaign) -> Callable[..., Assignment]:
    def make(people: int = 3) -> Assignment:
        campaign = make_campaign(people=people)
        assignment = assign(campaign)
        states.start(campaign.pk)
        assert freeze.freeze(assignment)
        return assignment

    return make


MOST = 40
"""SQLite takes a bulk insert in pieces of 999 values; the other databases need half of this."""


def statuses(assignment: Assignment) -> list[str]:
    rows = WhatsAppCampaignRecipient.objects.filter(campaign_id=assignment.campaign_id)
    return list(rows.order_by("pk").values_list("status", flat=True))


def answer(marked: Marked, state: AttemptState, **fields: Any) -> Settled:
    values = {"at": timezone.now(), **fields}
    return Settled(marked, Answer(marked.token, marked.ready.lease, state, **values))


def counts(assignment: Assignment) -> dict[str, int]:
    campaign = WhatsAppCampaign.objects.get(pk=assignment.campaign_id)
    names = ("sent_count", "failed_count", "unknown_count", "skipped_count")
    stored = {name: getattr(campaign, name) for name in names}
    tally.recount(campaign)
    assert stored == {name: getattr(campaign, name) for name in names}, "the tally has drifted"
    return {name.removesuffix("_count"): value for name, value in stored.items() if value}


def run_out(assignment: Assignment) -> None:
    """The leases of all rows have run out."""
    held = WhatsAppCampaignRecipient.objects.filter(campaign_id=assignment.campaign_id)
    held.exclude(lease_expires_at=None).update(lease_expires_at=timezone.now() - timedelta(days=2))


def mark_one(assignment: Assignment) -> Marked:
    return ledger.mark(assignment, ledger.claim(assignment, 1).ready)[0]


def test_two_claims_never_get_the_same_row(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=5)
    first, second = ledger.claim(assignment, 3), ledger.claim(assignment, 3)
    ids = [ready.recipient_id for ready in first.ready + second.ready]
    assert (first.taken, second.taken, len(set(ids))) == (3, 2, 5)
    assert ledger.claim(assignment, 3).taken == 0


def test_claims_at_the_same_moment_share_the_rows(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=60)

    def claim_all() -> list[int]:
        taken: list[int] = []
        while (claimed := ledger.claim(assignment, 4)).taken:
            taken += [ready.recipient_id for ready in claimed.ready]
        connections.close_all()
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [pk for future in [pool.submit(claim_all) for _ in range(4)] for pk in future.result()]
    assert len(taken) == len(set(taken)) == 60


def test_a_row_is_claimed_only_when_its_time_has_come(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=2)
    later = clock.now() + timedelta(hours=1)
    WhatsAppCampaignRecipient.objects.filter(phone_number="4520000000").update(not_before=later)
    assert [ready.phone_number for ready in ledger.claim(assignment, 9).ready] == ["4520000001"]
    with clock.moved(timedelta(hours=2)):
        assert [ready.phone_number for ready in ledger.claim(assignment, 9).ready] == ["4520000000"]


def test_only_rows_whose_mark_is_committed_may_be_called(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=2)
    claimed = ledger.claim(assignment, 2)
    run_out(assignment)
    assert reconcile.expire_leases(assignment.campaign_id) == (2, 0)
    again = ledger.claim(assignment, 1)
    # One row is free, the other belongs to a later claim: neither is ours any more.
    assert ledger.mark(assignment, claimed.ready) == []
    assert WhatsAppSendAttempt.objects.count() == 0
    assert len(ledger.mark(assignment, again.ready)) == 1
    assert sorted(statuses(assignment)) == ["pending", "sending"]


def test_a_row_is_marked_once_by_one_claim(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    stale = ledger.claim(assignment, 1)
    run_out(assignment)
    reconcile.expire_leases()
    fresh = ledger.claim(assignment, 1)
    assert len(ledger.mark(assignment, fresh.ready)) == 1
    assert ledger.mark(assignment, stale.ready) == []
    assert WhatsAppSendAttempt.objects.count() == 1


def test_a_mark_inside_somebodys_transaction_is_refused(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    claimed = ledger.claim(assignment, 1)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        ledger.mark(assignment, claimed.ready)


def test_a_paused_campaign_marks_and_claims_nobody(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=2)
    claimed = ledger.claim(assignment, 1)
    states.pause(assignment.campaign_id, "enough", PauseCause.PERSON)
    assert ledger.mark(assignment, claimed.ready) == []
    assert ledger.claim(assignment, 1) == Claimed("", 0, [])


def test_a_claim_that_runs_out_frees_the_row_and_a_mark_that_runs_out_is_unknown(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=3)
    marked = mark_one(assignment)
    ledger.claim(assignment, 1)
    assert reconcile.expire_leases() == (0, 0), "no lease has run out yet"
    run_out(assignment)
    assert reconcile.expire_leases() == (1, 1)
    assert statuses(assignment) == ["unknown", "pending", "pending"]
    attempt = WhatsAppSendAttempt.objects.get()
    assert (attempt.token, attempt.state, attempt.error_message) == (
        marked.token,
        "unknown",
        claims.MARK_RAN_OUT,
    )
    assert WhatsAppMessage.objects.get().status == MessageStatus.UNKNOWN
    assert counts(assignment) == {"unknown": 1}


def test_leases_run_on_the_databases_clock(frozen: Callable[..., Assignment], settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "LEASE_SECONDS": 0.05}
    assignment = frozen(people=1)
    ledger.claim(assignment, 1)
    with clock.moved(timedelta(days=-9)):
        deadline = time.monotonic() + 5
        while reconcile.expire_leases() != (1, 0):
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("expired", [False, True])
def test_a_late_acceptance_settles_the_row_even_after_its_mark_ran_out(
    frozen: Callable[..., Assignment], expired: bool
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    if expired:
        run_out(assignment)
        reconcile.expire_leases()
    ledger.settle(assignment, [answer(marked, AttemptState.ACCEPTED, message_id="wamid.1")])
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.message_id, row.lease, row.lease_expires_at) == ("accepted", "wamid.1", "", None)
    assert row.accepted_at == row.attempts.get().answered_at
    assert counts(assignment) == {"sent": 1}


def test_settling_twice_changes_nothing(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    settled = answer(mark_one(assignment), AttemptState.ACCEPTED, message_id="wamid.1")
    for _ in range(2):
        ledger.settle(assignment, [settled])
    assert statuses(assignment) == ["accepted"]
    assert counts(assignment) == {"sent": 1}


@pytest.mark.parametrize(
    "late",
    [
        {"state": AttemptState.ACCEPTED, "message_id": "wamid.1"},
        {"state": AttemptState.UNKNOWN},
        {"state": AttemptState.REJECTED, "error_code": 131026},
    ],
)
def test_an_answer_after_the_webhook_undoes_nothing(
    frozen: Callable[..., Assignment], late: dict[str, Any]
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    told = timezone.now() - timedelta(seconds=5)
    # What the status webhook leaves behind: the attempt settled, row and message on a higher rung.
    WhatsAppSendAttempt.objects.update(state="accepted", message_id="wamid.1", answered_at=told)
    WhatsAppCampaignRecipient.objects.update(
        status="delivered",
        message_id="wamid.1",
        accepted_at=told,
        delivered_at=told,
        lease="",
        lease_expires_at=None,
    )
    WhatsAppMessage.objects.update(status="delivered", message_id="wamid.1", accepted_at=told)
    ledger.settle(assignment, [answer(marked, **late)])
    row, message = WhatsAppCampaignRecipient.objects.get(), WhatsAppMessage.objects.get()
    assert (row.status, row.message_id, row.accepted_at, row.error_code) == (
        "delivered",
        "wamid.1",
        told,
        None,
    )
    assert (message.status, message.accepted_at, message.error_code) == ("delivered", told, None)
    assert WhatsAppSendAttempt.objects.get().state == AttemptState.ACCEPTED


def test_an_acceptance_climbs_and_never_lowers_a_row(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    WhatsAppCampaignRecipient.objects.update(status="read", lease="", lease_expires_at=None)
    WhatsAppMessage.objects.update(status="read")
    ledger.settle(assignment, [answer(marked, AttemptState.ACCEPTED, message_id="wamid.1")])
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.message_id) == ("read", "wamid.1")
    assert row.accepted_at
    assert WhatsAppMessage.objects.get().status == "read"


def test_a_rejection_does_not_free_a_row_that_somebody_else_has_taken(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    WhatsAppCampaignRecipient.objects.update(lease="another")
    ledger.settle(
        assignment, [answer(marked, AttemptState.REJECTED, retry_at=timezone.now(), error_code=130429)]
    )
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.lease) == ("sending", "another")
    assert WhatsAppSendAttempt.objects.get().state == AttemptState.REJECTED


def test_a_rejected_row_goes_back_with_its_time_and_reason(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    due = timezone.now() + timedelta(seconds=30)
    rejected = answer(
        marked,
        AttemptState.REJECTED,
        retry_at=due,
        error_code=130429,
        error_class="retry_now",
        error_message="Slower, please",
    )
    ledger.settle(assignment, [rejected])
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.not_before, row.attempt_count) == ("pending", due, 1)
    assert (row.error_code, row.error_class, row.error_message) == (130429, "retry_now", "Slower, please")
    assert WhatsAppMessage.objects.get().status == MessageStatus.SENDING
    assert counts(assignment) == {}


def test_a_refusal_that_comes_after_the_end_opens_the_campaign_again(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    assert states.finish(assignment.campaign_id)
    ledger.settle(assignment, [answer(marked, AttemptState.REJECTED, retry_at=clock.now())])
    assert statuses(assignment) == ["pending"]
    assert states.is_running(assignment.campaign_id)
    again = mark_one(assignment)
    ledger.settle(assignment, [answer(again, AttemptState.ACCEPTED, message_id="wamid.2")])
    assert states.finish(assignment.campaign_id)
    assert counts(assignment) == {"sent": 1}


def test_a_cancelled_campaign_stays_so_whatever_comes_late(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    WhatsAppCampaign.objects.update(status="cancelled")
    ledger.settle(assignment, [answer(marked, AttemptState.REJECTED, retry_at=clock.now())])
    assert WhatsAppCampaign.objects.get().status == "cancelled"


def test_a_second_attempt_uses_the_same_message_and_another_token(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    first = mark_one(assignment)
    ledger.settle(assignment, [answer(first, AttemptState.REJECTED, retry_at=clock.now())])
    second = mark_one(assignment)
    assert second.attempts == 2
    assert second.token != first.token
    ledger.settle(assignment, [answer(second, AttemptState.ACCEPTED, message_id="wamid.2")])
    message = WhatsAppMessage.objects.get()
    assert (message.status, message.message_id, message.attempts.count()) == ("accepted", "wamid.2", 2)


def test_an_unknown_row_is_never_claimed(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    ledger.settle(assignment, [answer(mark_one(assignment), AttemptState.UNKNOWN, error_message="no answer")])
    assert statuses(assignment) == ["unknown"]
    with clock.moved(timedelta(days=30)):
        assert ledger.claim(assignment, 9).taken == 0


def test_a_mixed_batch_settles_each_row_by_its_own_answer(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=5)
    marked = ledger.mark(assignment, ledger.claim(assignment, 5).ready)
    at = timezone.now()
    states_given: list[dict[str, Any]] = [
        {"state": AttemptState.ACCEPTED, "message_id": "wamid.0"},
        {"state": AttemptState.REJECTED, "error_code": 131026, "error_class": "recipient"},
        {"state": AttemptState.NOT_SENT, "retry_at": at},
        {"state": AttemptState.UNKNOWN},
        {"state": AttemptState.ACCEPTED, "message_id": "wamid.4"},
    ]
    ledger.settle(
        assignment, [answer(item, **given) for item, given in zip(marked, states_given, strict=True)]
    )
    assert statuses(assignment) == ["accepted", "failed", "pending", "unknown", "accepted"]
    ids = WhatsAppCampaignRecipient.objects.order_by("pk").values_list("message_id", flat=True)
    assert list(ids) == ["wamid.0", None, None, None, "wamid.4"]
    messages = WhatsAppMessage.objects.order_by("phone_number").values_list("status", "message_id")
    assert list(messages) == [
        ("accepted", "wamid.0"),
        ("failed", None),
        ("sending", None),
        ("unknown", None),
        ("accepted", "wamid.4"),
    ]
    assert counts(assignment) == {"sent": 2, "failed": 1, "unknown": 1}
    assert WhatsAppCampaignRecipient.objects.get(status="pending").attempt_count == 0


def test_a_claim_that_is_given_back_is_free_at_once_and_a_mark_stays(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=3)
    claimed = ledger.claim(assignment, 3)
    ledger.mark(assignment, claimed.ready[:1])
    ledger.release(claimed.lease)
    assert statuses(assignment) == ["sending", "pending", "pending"]


def test_a_row_that_is_postponed_waits(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    until = clock.now() + timedelta(minutes=1)
    ledger.postpone(ledger.claim(assignment, 1).ready, until)
    assert WhatsAppCampaignRecipient.objects.get().not_before == until
    assert ledger.claim(assignment, 1).taken == 0


def test_a_row_that_no_longer_fills_its_template_fails_without_a_call(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=1)
    WhatsAppCampaignRecipient.objects.update(parameters={"1": "Ann"})
    assert ledger.claim(assignment, 1).ready == []
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.attempt_count) == ("failed", 0)
    assert "body_params" in row.error_message
    assert counts(assignment) == {"failed": 1}


def test_statements_do_not_grow_with_the_rows(
    frozen: Callable[..., Assignment], django_assert_max_num_queries: Any
) -> None:
    assignment = frozen(people=300)
    with django_assert_max_num_queries(MOST):
        claimed = ledger.claim(assignment, 300)
    with django_assert_max_num_queries(MOST):
        marked = ledger.mark(assignment, claimed.ready)
    assert len(marked) == 300
    accepted = [answer(item, AttemptState.ACCEPTED, message_id=f"wamid.{n}") for n, item in enumerate(marked)]
    with django_assert_max_num_queries(MOST):
        ledger.settle(assignment, accepted)
    assert counts(assignment) == {"sent": 300}


def test_expiring_at_the_same_moment_counts_each_row_once(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=40)
    ledger.mark(assignment, ledger.claim(assignment, 20).ready)
    ledger.claim(assignment, 20)
    run_out(assignment)

    def expire() -> tuple[int, int]:
        result = reconcile.expire_leases()
        connections.close_all()
        return result

    with ThreadPoolExecutor(3) as pool:
        results = [future.result() for future in [pool.submit(expire) for _ in range(3)]]
    assert tuple(map(sum, zip(*results, strict=True))) == (20, 20)
    assert counts(assignment) == {"unknown": 20}


def test_a_settling_that_races_with_the_expiry_ends_in_the_truth(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=30)
    marked = ledger.mark(assignment, ledger.claim(assignment, 30).ready)
    run_out(assignment)
    accepted = [answer(item, AttemptState.ACCEPTED, message_id=f"wamid.{n}") for n, item in enumerate(marked)]

    def closing(work: Callable[[], object]) -> None:
        work()
        connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        jobs: list[Callable[[], object]] = [
            partial(ledger.settle, assignment, accepted[:15]),
            reconcile.expire_leases,
            partial(ledger.settle, assignment, accepted[15:]),
        ]
        for future in [pool.submit(closing, job) for job in jobs]:
            future.result()
    assert statuses(assignment) == ["accepted"] * 30
    assert counts(assignment) == {"sent": 30}
    assert RecipientStatus.UNKNOWN not in statuses(assignment)
