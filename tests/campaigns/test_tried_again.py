"""Who is tried again after a failure or an unknown outcome: nobody is forgotten on the way; nobody at all once it is over."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections

from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.models import AttemptState, WhatsAppCampaign
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import (
    control,
    ledger,
    reconcile,
    retrying,
    runner,
    states,
    unknowns,
)
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.control_words import OUTAGE, kinds, mixed, rungs, status, tick, times
from tests.campaigns.ledger_steps import answer, mark_one, run_out, statuses
from tests.models import rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def dies_after(transactions: int) -> Callable[[Callable[[], Any]], Any]:
    """`in_transaction` of a process that is killed after so many."""
    right, done = retrying.in_transaction, []

    def in_transaction(work: Callable[[], Any]) -> Any:
        if len(done) == transactions:
            raise KeyboardInterrupt
        done.append(1)
        return right(work)

    return in_transaction


@pytest.mark.parametrize("transactions", [0, 1, 2, 3])
def test_a_crash_while_the_failed_are_tried_again_forgets_nobody(
    simulator: SimulatorServer,
    make_campaign: MakeCampaign,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    transactions: int,
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MAX_ATTEMPTS": 1}
    campaign = make_campaign(people=3)
    simulator.control.fail(OUTAGE, count=2)
    runner.run(campaign.pk)
    monkeypatch.setattr(retrying, "BATCH", 1)
    with monkeypatch.context() as killed:
        killed.setattr(retrying, "in_transaction", dies_after(transactions))
        with pytest.raises(KeyboardInterrupt):
            control.retry_failed(campaign.pk)
    assert status(campaign) == ("scheduled" if transactions else "completed")
    assert tick() == ([campaign.pk] if transactions else [])
    control.retry_failed(campaign.pk)
    assert runner.run(campaign.pk) == Counts(3, 0)
    assert rungs(campaign) == ["accepted"] * 3
    assert times(simulator) == [1] * 3


def test_each_batch_of_those_who_are_tried_again_opens_a_campaign_that_ended_in_between(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MAX_ATTEMPTS": 1}
    campaign = make_campaign(people=2)
    simulator.control.fail(OUTAGE, count=2)
    runner.run(campaign.pk)
    monkeypatch.setattr(retrying, "BATCH", 1)
    right = retrying.in_transaction

    def run_between(work: Any) -> Any:
        done = right(work)
        if getattr(done, "people", 0):
            assert status(campaign) == "scheduled"
            runner.run(campaign.pk)
        return done

    monkeypatch.setattr(retrying, "in_transaction", run_between)
    assert control.retry_failed(campaign.pk, by="ann") == 2
    assert rungs(campaign) == ["accepted"] * 2
    assert kinds(campaign).count("reopened") == 2
    event = campaign.events.get(kind="retried")
    assert (event.by, event.reason) == ("ann", "2 are tried again.")


def test_nobody_is_tried_again_once_the_campaign_has_expired_and_the_failures_stay(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = mixed(simulator, make_campaign, settings)
    before = list(campaign.recipients.order_by("pk").values())
    WhatsAppCampaign.objects.update(expires_at=clock.now())
    with pytest.raises(WrongCampaignState, match=r"has expired; it cannot be tried again"):
        control.retry_failed(campaign.pk)
    assert status(campaign) == "completed"
    assert list(campaign.recipients.order_by("pk").values()) == before
    WhatsAppCampaign.objects.update(expires_at=clock.now() + timedelta(hours=1))
    assert control.retry_failed(campaign.pk) == 1


def test_nobody_of_unknown_outcome_is_sent_to_again_once_the_campaign_has_expired(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    simulator.control.fault("html", count=1)
    campaign = make_campaign(people=1)
    runner.run(campaign.pk)
    row = campaign.recipients.get()
    WhatsAppCampaign.objects.update(expires_at=clock.now())
    with pytest.raises(WrongCampaignState, match=r"has expired; nobody can be sent to again"):
        unknowns.resend([row.pk])
    assert unknowns.listed(campaign.pk).get() == row
    assert (status(campaign), campaign.unknown_count) == ("completed", 1)
    assert unknowns.give_up([row.pk]) == 1


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"expires_at": clock.now() - timedelta(days=1)}])
@pytest.mark.parametrize("again", ["retried", "resent"])
def test_what_is_over_by_the_time_of_the_commit_is_left_as_it_was(
    simulator: SimulatorServer,
    make_campaign: MakeCampaign,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    again: str,
) -> None:
    campaign = mixed(simulator, make_campaign, settings)
    right = states.go_on

    def too_late(*arguments: Any, **kwargs: Any) -> bool:
        WhatsAppCampaign.objects.update(**change)
        return right(*arguments, **kwargs)

    monkeypatch.setattr(states, "go_on", too_late)
    unknown = campaign.recipients.get(status="unknown")
    ask = (
        partial(control.retry_failed, campaign.pk)
        if again == "retried"
        else partial(unknowns.resend, [unknown.pk])
    )
    with pytest.raises(WrongCampaignState, match="cancelled or has expired"):
        ask()
    assert rungs(campaign) == ["accepted", "accepted", "failed", "failed", "unknown"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("completed", "scheduled"), ("failed", "scheduled"), ("paused", "paused"), ("running", "running")],
)
@pytest.mark.django_db
def test_a_campaign_with_new_work_is_due_if_it_had_ended(before: str, after: str) -> None:
    campaign = rows.campaign(status=before)
    assert states.go_on(campaign.pk, by="ann") == (after != before)
    assert status(campaign) == after


@pytest.mark.parametrize(("freed", "after"), [("resent", "scheduled"), ("refused", "running")])
def test_rows_that_are_freed_at_the_moment_in_which_their_campaign_ends_open_it_again(
    frozen: Callable[..., Assignment], monkeypatch: pytest.MonkeyPatch, freed: str, after: str
) -> None:
    assignment = frozen(1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    refusal = answer(marked, AttemptState.REJECTED, retry_at=clock.now())

    def free() -> None:
        if freed == "resent":
            unknowns.resend([marked.ready.recipient_id])
        else:
            ledger.settle(assignment, [refusal])
        connections.close_all()

    with ThreadPoolExecutor(1) as beside:
        right, freeing = states._end, []

        def end(campaign_id: int) -> Any:
            """Nothing was left to send a moment ago, and the campaign is locked."""
            freeing.append(beside.submit(free))
            time.sleep(0.5)
            return right(campaign_id)

        monkeypatch.setattr(states, "_end", end)
        assert states.finish(assignment.campaign_id)
        freeing[0].result(30)
    assert status(WhatsAppCampaign.objects.get()) == after
    assert statuses(assignment) == ["pending"]
