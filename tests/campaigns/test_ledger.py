"""The rules that keep anybody from being messaged twice: claims, marks, leases, settling."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections, transaction

from django_meta_whatsapp.models import (
    AttemptState,
    MessageStatus,
    PauseCause,
    RecipientStatus,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import ledger, reconcile, states
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.ledger import Claimed
from tests.campaigns.ledger_steps import answer, counts, mark_one, run_out, statuses

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 40
"""SQLite takes a bulk insert in pieces of 999 values; the other databases need half of this."""


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
