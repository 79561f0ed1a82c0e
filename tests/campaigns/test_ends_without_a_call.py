"""Rows that end without another call: nothing stays under way, and whoever may have a message is not called skipped."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    SkipReason,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.services import clock, upkeep, webhook_gaps
from django_meta_whatsapp.services.campaigns import (
    control,
    expiry,
    ledger,
    reconcile,
    resending,
    runner,
    unknowns,
)
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.control_words import OUTAGE, at_once
from tests.campaigns.ledger_steps import answer, counts, mark_one, run_out, statuses
from tests.campaigns.shop import Shop
from tests.campaigns.stored import AT, UNLEASED, Line, key, written
from tests.models import rows
from whatsapp_simulator.testing import SimulatorServer

WHY = "Not sent again: the campaign was cancelled."
FAILED = {"status": "failed", "failed_at": AT, "error_message": WHY}
DOUBTFUL = {
    "status": "unknown",
    "error_code": None,
    "error_class": "not_again",
    "error_message": f"{WHY} An earlier message may have arrived.",
    "not_before": None,
}


def of_messages() -> list[str]:
    return list(WhatsAppMessage.objects.order_by("pk").values_list("status", flat=True))


def resent(assignment: Assignment) -> ledger.Marked:
    """Somebody whose answer was lost and who is to be sent to again."""
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    assert unknowns.resend([marked.ready.recipient_id], by="ann") == 1
    return marked


# --- column by column


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["pending", "leased"])
@pytest.mark.parametrize("doubt", ["unknown", "sending"])
def test_whoever_may_have_an_earlier_message_is_unknown_instead_of_skipped(status: str, doubt: str) -> None:
    campaign = rows.campaign()
    lease = "mine" if status == "leased" else ""
    line = Line(status, lease=lease, attempt=doubt, campaign=campaign)
    line.tried("rejected")
    certain = Line(status, lease=lease, attempt="rejected", campaign=campaign, identity="p:2")
    certain.tried("not_sent")
    skipped = {"status": "skipped", "skip_reason": "expired"}
    with written() as changes:
        moves = claims.end(campaign.recipients.order_by("pk"), skipped, why=WHY, at=AT)
    assert sorted(moves, key=lambda move: move.after) == [
        Move(campaign.pk, status, "skipped"),
        Move(campaign.pk, status, "unknown"),
    ]
    unleased = UNLEASED if lease else {}
    assert changes == {
        key(line.row): {**DOUBTFUL, **unleased},
        key(line.message): {"status": "unknown"},
        key(certain.row): {**skipped, **unleased},
        key(certain.message): FAILED,
    }


@pytest.mark.django_db
def test_a_message_that_has_climbed_is_left_as_it_is() -> None:
    line = Line("leased", attempt="rejected", chat="delivered")
    with written() as changes:
        claims.skip([line.row.pk], lease="mine", reason=SkipReason.BLOCKED, at=AT)
    assert set(changes) == {key(line.row)}


@pytest.mark.django_db
def test_rows_that_were_never_called_cost_two_statements_and_no_more(shop: Shop) -> None:
    people = shop.people(5)
    ids = [row.pk for row in people]
    claims.claim(shop.campaign.pk, lease="mine", seconds=60, limit=9, due=clock.now())
    with CaptureQueriesContext(connection) as captured:
        assert len(claims.skip(ids, lease="mine", reason=SkipReason.BLOCKED, at=AT)) == 5
    # SQLite locks with an update of no row.
    assert len([query for query in captured if '"id" = 0' not in query["sql"]]) == 2


@pytest.mark.django_db
def test_a_cancelled_campaign_leaves_no_message_under_way_and_no_claim_on_whom_it_has_called() -> None:
    campaign = rows.campaign()

    def line(status: str, **fields: Any) -> Line:
        lease = "mine" if status in ("leased", "sending") else ""
        return Line(
            status, lease=lease, campaign=campaign, identity=f"p:{campaign.recipients.count()}", **fields
        )

    refused, claimed = line("pending", attempt="rejected"), line("leased", attempt="rejected")
    resent = line("pending", attempt="unknown")
    under_way = line("sending")
    fresh = rows.recipient(campaign, status="leased", lease="mine", lease_expires_at=timezone.now())
    Line("pending", lease="", attempt="rejected")
    with written() as changes:
        moves = claims.abandon(campaign.pk, why=WHY, at=AT)
    assert changes == {
        key(refused.message): FAILED,
        key(claimed.row): {"status": "pending", **UNLEASED},
        key(claimed.message): FAILED,
        key(resent.row): DOUBTFUL,
        key(resent.message): {"status": "unknown"},
    }
    assert {(move.before, move.after) for move in moves if move.before != move.after} == {
        ("leased", "pending"),
        ("pending", "unknown"),
    }
    assert fresh.pk
    assert under_way.row.pk


@pytest.mark.django_db
def test_those_who_wait_in_a_cancelled_campaign_end_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_ABANDONED", 2)
    campaign = rows.campaign()
    for n in range(5):
        Line("pending", lease="", attempt="rejected", campaign=campaign, identity=f"p:{n}")
    claims.abandon(campaign.pk, why=WHY, at=AT)
    assert of_messages() == ["failed"] * 5


# --- in a run


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("late", ["person", "answer"])
@pytest.mark.parametrize("end", ["opted out", "expired", "cancelled"])
def test_whatever_ends_a_second_try_a_late_word_of_the_first_one_counts(
    frozen: Callable[..., Assignment], late: str, end: str
) -> None:
    assignment = frozen(1)
    marked = resent(assignment)
    if end == "opted out":
        WhatsAppContact.objects.update(opted_out=True)
        assert ledger.claim(assignment, 5).ready == []
    elif end == "expired":
        WhatsAppCampaign.objects.update(expires_at=clock.now())
        assert expiry.skip_expired(assignment.campaign_id) == 1
    else:
        assert control.cancel(assignment.campaign_id)
    assert (statuses(assignment), of_messages()) == (["unknown"], ["unknown"])
    assert unknowns.listed(assignment.campaign_id).get().error_message.startswith("Not sent again: ")
    assert counts(assignment) == {"unknown": 1}
    if late == "answer":
        ledger.settle(assignment, [answer(marked, AttemptState.ACCEPTED, message_id="wamid.1")])
        assert (statuses(assignment), of_messages()) == (["accepted"], ["accepted"])
    else:
        unknowns.count_as_sent([marked.ready.recipient_id])
    assert counts(assignment) == {"sent": 1}


@pytest.mark.django_db(transaction=True)
def test_a_message_that_was_read_counts_though_its_recipient_has_opted_out_since(
    webhook_site: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    webhook_site.control.webhooks(enabled=False)
    webhook_site.control.fault("drop", count=1)
    campaign = make_campaign(people=1)
    runner.run(campaign.pk)
    row = campaign.recipients.get()
    assert unknowns.resend([row.pk], by="ann") == 1
    WhatsAppContact.objects.update(opted_out=True)
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.unknown_count, campaign.skipped_count) == ("completed", 1, 0)
    webhook_site.control.webhooks(enabled=True)
    assert webhook_site.control.drain()["drained"]
    row.refresh_from_db()
    campaign.refresh_from_db()
    assert row.chat_message
    assert (row.status, row.chat_message.status, row.error_message) == ("read", "read", "")
    assert (campaign.sent_count, campaign.read_count) == (1, 1)
    assert (campaign.unknown_count, campaign.skipped_count, campaign.total_count) == (0, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_late_refusal_of_the_first_try_ends_it_for_good(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(1)
    marked = resent(assignment)
    WhatsAppContact.objects.update(opted_out=True)
    ledger.claim(assignment, 5)
    refusal = answer(marked, AttemptState.REJECTED, retry_at=clock.now())
    ledger.settle(assignment, [refusal])
    assert statuses(assignment) == ["pending"]
    assert ledger.claim(assignment, 5).ready == []
    assert (statuses(assignment), of_messages()) == (["skipped"], ["failed"])
    assert WhatsAppMessage.objects.get().error_message == "Not sent again: Opted out."
    assert counts(assignment) == {"skipped": 1}


@pytest.mark.django_db(transaction=True)
def test_the_resend_policy_leaves_whom_the_gate_has_refused_to_a_person(
    frozen: Callable[..., Assignment], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the row would come back to the gate, and its campaign begin and end, at every tick."""
    settings.WHATSAPP = {**settings.WHATSAPP, "UNKNOWN_POLICY": "resend"}
    monkeypatch.setattr(resending, "LOOK_EVERY", 0.0)
    webhook_gaps._written.clear()
    assignment = frozen(1)
    resent(assignment)
    at = timezone.now() + timedelta(seconds=2)
    thread = rows.conversation(account=assignment.account)
    rows.message(thread, account=assignment.account, status="delivered", timestamp=at, sent_at=at)
    WhatsAppContact.objects.update(opted_out=True)
    ledger.claim(assignment, 5)
    with clock.moved(timedelta(days=2)):
        upkeep.tick(lambda campaign: None)
        assert statuses(assignment) == ["unknown"]
        assert unknowns.resend([unknowns.listed(assignment.campaign_id).get().pk]) == 1


@pytest.mark.django_db(transaction=True)
def test_those_whom_meta_put_off_are_under_way_no_more_once_their_campaign_is_cancelled(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = make_campaign(people=2)
    simulator.control.fail(OUTAGE, count=None, path="messages")
    settings.WHATSAPP = {**settings.WHATSAPP, "RUN_MAX_WAIT": 0.1}
    runner.run(campaign.pk)
    assert of_messages() == ["sending"] * 2
    assert control.cancel(campaign.pk)
    assert of_messages() == ["failed"] * 2
    assert set(campaign.recipients.values_list("status", flat=True)) == {"pending"}
    assert set(WhatsAppMessage.objects.values_list("error_message", flat=True)) == {WHY}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", [AttemptState.REJECTED, AttemptState.NOT_SENT])
def test_a_call_that_is_refused_after_the_cancellation_leaves_nothing_under_way(
    frozen: Callable[..., Assignment], state: AttemptState
) -> None:
    assignment = frozen(2)
    marked = mark_one(assignment)
    assert control.cancel(assignment.campaign_id)
    assert (statuses(assignment), of_messages()) == (["sending", "pending"], ["sending"])
    ledger.settle(assignment, [answer(marked, state, retry_at=clock.now())])
    assert (statuses(assignment), of_messages()) == (["pending", "pending"], ["failed"])
    assert WhatsAppMessage.objects.get().error_message == WHY


@pytest.mark.django_db(transaction=True)
def test_whom_the_cancellation_took_from_a_claim_is_not_called(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(1)
    marked = mark_one(assignment)
    ledger.settle(assignment, [answer(marked, AttemptState.REJECTED, retry_at=clock.now())])
    claimed = ledger.claim(assignment, 5)
    assert control.cancel(assignment.campaign_id)
    WhatsAppCampaign.objects.update(status="running")  # as whoever looked a moment before saw it
    assert ledger.mark(assignment, claimed.ready) == []
    assert (statuses(assignment), of_messages()) == (["pending"], ["failed"])
    assert WhatsAppSendAttempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("impatient")
def test_a_cancellation_amid_refusals_leaves_nothing_under_way(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MAX_ATTEMPTS": 1000}
    campaign = make_campaign(people=40)
    simulator.control.fail(OUTAGE, count=None, path="messages")

    def cancel() -> bool:
        until = time.monotonic() + 60
        while WhatsAppSendAttempt.objects.filter(state="rejected").count() < 60:
            assert time.monotonic() < until
            time.sleep(0.01)
        return control.cancel(campaign.pk)

    at_once(cancel, lambda: runner.run(campaign.pk))
    assert set(of_messages()) == {"failed"}
    assert set(campaign.recipients.values_list("status", "lease")) == {("pending", "")}
    assert not WhatsAppSendAttempt.objects.exclude(state="rejected").exists()
