"""Control when two do it at the same moment, or a task is delivered again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import tasks
from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import control, retrying, runner
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.control_words import at_once, kinds, mixed, status, times
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

CLICKS: dict[str, tuple[dict[str, Any], Callable[[int], Any], str]] = {
    "schedule": ({}, lambda pk: control.schedule(pk, AT, by="ann"), "scheduled"),
    "start": ({}, lambda pk: control.start(pk, by="ann"), "scheduled"),
    "pause": ({"status": "running"}, lambda pk: control.pause(pk, by="ann"), "paused"),
    "resume": (
        {"status": "paused", "pause_cause": "person"},
        lambda pk: control.resume(pk, by="ann"),
        "resumed",
    ),
    "cancel": ({"status": "running"}, lambda pk: control.cancel(pk, by="ann"), "cancelled"),
}

AT = timezone.now() + timedelta(days=1)


@pytest.mark.parametrize("click", CLICKS)
def test_of_clicks_at_the_same_moment_one_counts(
    make_campaign: MakeCampaign, hints: list[int], click: str
) -> None:
    fields, ask, kind = CLICKS[click]
    campaign = make_campaign(**fields)
    assert sorted(at_once(*[lambda: ask(campaign.pk)] * 4)) == [False, False, False, True]
    assert kinds(campaign) == [kind]
    assert hints == ([campaign.pk] if click in ("start", "resume") else [])


def test_of_two_who_cancel_and_pause_at_the_same_moment_the_end_holds(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(status="running")

    def pause() -> bool:
        try:
            return control.pause(campaign.pk, by="bob")
        except WrongCampaignState:
            return False

    _, cancelled = at_once(pause, lambda: control.cancel(campaign.pk, by="ann"))
    assert cancelled
    assert (status(campaign), kinds(campaign)[-1]) == ("cancelled", "cancelled")


def test_two_who_try_the_failed_again_at_the_same_moment_free_each_once(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = mixed(simulator, make_campaign, settings)
    both = [each.value for each in retrying.ErrorClass]
    assert sorted(at_once(*[lambda: control.retry_failed(campaign.pk, both)] * 2)) == [0, 2]
    assert kinds(campaign).count("retried") == 1
    campaign.refresh_from_db()
    assert (campaign.failed_count, campaign.rejected_count) == (0, 0)
    runner.run(campaign.pk)
    assert times(simulator) == [1] * 4


def test_a_double_click_on_copy_makes_one_draft(make_campaign: MakeCampaign) -> None:
    source = make_campaign()
    made = at_once(*[lambda: control.clone(source.pk, by="ann").pk] * 4)
    assert len(set(made)) == 1
    assert source.clones.count() == 1


@pytest.mark.parametrize("runners", [1, 2])
def test_two_workers_told_of_one_campaign_message_everybody_once(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any, runners: int
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "RUNNERS_PER_CAMPAIGN": runners, "CLAIM_BATCH": 10}
    campaign = make_campaign(people=40)
    control.start(campaign.pk)
    at_once(*[lambda: runner.work(campaign.pk)] * 2)
    runner.work(campaign.pk)
    assert status(campaign) == "completed"
    assert kinds(campaign) == ["scheduled", "started", "completed"]
    assert times(simulator) == [1] * 40


def test_a_task_that_is_delivered_again_sends_nothing_more(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=20)
    control.start(campaign.pk)
    at_once(*[lambda: tasks.run_campaign(campaign.pk)] * 2)
    tasks.run_campaign(campaign.pk)
    assert status(campaign) == "completed"
    assert kinds(campaign) == ["scheduled", "started", "completed"]
    assert times(simulator) == [1] * 20


@pytest.mark.parametrize("ask", [control.pause, control.cancel])
def test_a_task_that_is_delivered_after_a_pause_or_the_end_leaves_it_so(
    simulator: SimulatorServer, make_campaign: MakeCampaign, ask: Callable[..., bool]
) -> None:
    campaign = make_campaign()
    control.start(campaign.pk)
    assert ask(campaign.pk, by="ann")
    asked = status(campaign)
    tasks.run_campaign(campaign.pk)
    tasks.run_campaign(campaign.pk)
    assert (status(campaign), times(simulator)) == (asked, [])


def test_a_task_that_comes_before_the_time_of_its_campaign_leaves_it_alone(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign()
    control.schedule(campaign.pk, clock.now() + timedelta(hours=1))
    tasks.run_campaign(campaign.pk)
    assert (status(campaign), times(simulator)) == ("scheduled", [])
