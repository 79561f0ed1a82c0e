"""What people ask of a campaign happens once, however often and by however many it is asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidInput, WrongCampaignState
from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import control, retrying, runner, runs, states, unknowns
from django_meta_whatsapp.services.campaigns.states import Counts, Progress
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.control_words import (
    OUTAGE,
    UNDELIVERABLE,
    at_once,
    kinds,
    mixed,
    rungs,
    status,
    tick,
    times,
)
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_thread(work: Callable[[], Any]) -> Any:
    return at_once(work)[0]


def test_a_scheduled_campaign_starts_at_its_time_and_not_before(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign()
    at = clock.now() + timedelta(hours=1)
    assert control.schedule(campaign.pk, at, by="ann")
    assert not control.schedule(campaign.pk, at, by="ann")
    assert tick() == []
    later = at + timedelta(hours=1)
    assert control.schedule(campaign.pk, later, by="bob")
    clock.move(timedelta(minutes=61))
    assert tick() == []
    clock.move(timedelta(hours=1))
    assert tick() == [campaign.pk]
    assert kinds(campaign) == ["scheduled", "scheduled"]
    with pytest.raises(WrongCampaignState, match=r"is running; it cannot be scheduled"):
        control.schedule(campaign.pk, later + timedelta(hours=9))


def test_what_is_started_is_due_and_told_once(make_campaign: MakeCampaign, hints: list[int]) -> None:
    campaign = make_campaign()
    assert control.start(campaign.pk, by="ann")
    assert not control.start(campaign.pk, by="ann")
    assert (status(campaign), hints, kinds(campaign)) == ("scheduled", [campaign.pk], ["scheduled"])
    assert campaign.events.get().by == "ann"
    assert tick() == [campaign.pk]
    assert not control.start(campaign.pk)
    assert status(campaign) == "running"


def test_a_campaign_that_waits_for_its_time_can_be_started_now(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign()
    control.schedule(campaign.pk, clock.now() + timedelta(days=1))
    assert control.start(campaign.pk)
    assert tick() == [campaign.pk]


def test_what_cannot_run_is_not_started(make_campaign: MakeCampaign, hints: list[int]) -> None:
    campaign = make_campaign(template=None)
    with pytest.raises(CampaignNotRunnable, match="has no template"):
        control.start(campaign.pk)
    assert (status(campaign), hints, kinds(campaign)) == ("draft", [], [])


@pytest.mark.parametrize("ended", ["completed", "cancelled", "paused"])
def test_what_makes_no_sense_in_a_state_names_it(make_campaign: MakeCampaign, ended: str) -> None:
    campaign = make_campaign(status=ended, frozen_at=timezone.now())
    with pytest.raises(WrongCampaignState, match=rf"is {ended}; it cannot be started"):
        control.start(campaign.pk)
    if ended != "paused":
        for wrong in (control.pause, control.resume):
            with pytest.raises(WrongCampaignState, match=rf"is {ended}"):
                wrong(campaign.pk)
    if ended == "completed":
        with pytest.raises(WrongCampaignState, match=r"is completed; it cannot be cancelled"):
            control.cancel(campaign.pk)
    assert (status(campaign), kinds(campaign)) == (ended, [])


def test_what_is_resumed_before_its_time_waits_for_it(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign()
    control.schedule(campaign.pk, clock.now() + timedelta(hours=1))
    assert control.pause(campaign.pk, by="ann")
    with clock.moved(timedelta(hours=2)):
        assert tick() == []
    assert control.resume(campaign.pk, by="ann")
    assert not control.resume(campaign.pk, by="ann")
    assert tick() == []
    with clock.moved(timedelta(hours=2)):
        assert tick() == [campaign.pk]


def test_a_campaign_that_is_paused_while_it_waits_goes_on_at_once_when_it_is_resumed(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(status="running", started_at=timezone.now())
    runs.wait_until(campaign.pk, clock.now() + timedelta(hours=20), "The messaging limit is used up.")
    assert control.pause(campaign.pk, by="ann")
    campaign.refresh_from_db()
    assert campaign.wake_at is None
    assert control.resume(campaign.pk, by="ann")
    assert states.take_due(campaign.pk)  # whoever took it dies before anybody is told
    assert tick() == [campaign.pk]
    assert runner.run(campaign.pk) == Counts(3, 0)


def test_a_cancelled_run_stops_and_nobody_else_is_ever_sent_to(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "SEND_CONCURRENCY": 4}
    campaign = make_campaign(people=60)
    answers: list[bool] = []

    def cancel_twice(progress: Progress) -> None:
        if not answers:
            answers.extend(in_a_thread(lambda: control.cancel(campaign.pk, by="ann")) for _ in range(2))

    runner.run(campaign.pk, on_progress=cancel_twice)
    assert answers == [True, False]
    assert (status(campaign), kinds(campaign)) == ("cancelled", ["started", "cancelled"])
    assert set(rungs(campaign)) == {"accepted", "pending"}
    sent = campaign.sent_count
    assert tick() == []
    assert runner.run(campaign.pk) == Counts(sent, 0)
    assert times(simulator) == [1] * sent
    with pytest.raises(WrongCampaignState, match="is cancelled"):
        control.retry_failed(campaign.pk)


def test_only_certain_failures_of_the_chosen_classes_are_tried_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any, hints: list[int]
) -> None:
    campaign = mixed(simulator, make_campaign, settings)
    before = set(campaign.recipients.filter(status="failed").values_list("error_code", flat=True))
    assert before == {UNDELIVERABLE, OUTAGE}
    assert control.retry_failed(campaign.pk, by="ann") == 1
    assert control.retry_failed(campaign.pk, by="ann") == 0
    assert (status(campaign), hints) == ("scheduled", [campaign.pk])
    assert runner.run(campaign.pk).sent == 3
    assert rungs(campaign) == ["accepted", "accepted", "accepted", "failed", "unknown"]
    assert control.retry_failed(campaign.pk, ["recipient"]) == 1
    assert runner.run(campaign.pk) == Counts(4, 0)
    assert rungs(campaign) == ["accepted"] * 4 + ["unknown"]
    assert times(simulator) == [1] * 4
    assert kinds(campaign).count("retried") == 2


def test_nobody_whose_message_meta_has_or_may_have_is_tried_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = mixed(simulator, make_campaign, settings)
    every_class = [each.value for each in retrying.ErrorClass]
    # Accepted, and then refused by a later status; unknown, and given up.
    campaign.recipients.filter(status="accepted").update(status="failed", error_class="retry_later")
    unknown = campaign.recipients.get(status="unknown")
    unknowns.give_up([unknown.pk], by="ann")
    campaign.recipients.filter(pk=unknown.pk).update(error_class="retry_later")
    assert control.retry_failed(campaign.pk, every_class) == 2
    assert rungs(campaign) == ["failed"] * 3 + ["pending"] * 2
    runner.run(campaign.pk)
    assert set(times(simulator)) == {1}
    campaign.recipients.get(pk=unknown.pk, status="failed")


def test_a_paused_campaign_stays_paused_when_its_failed_ones_are_tried_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = mixed(simulator, make_campaign, settings)
    WhatsAppCampaign.objects.update(status="paused", pause_cause="person")
    assert control.retry_failed(campaign.pk) == 1
    assert status(campaign) == "paused"
    assert tick() == []


@pytest.mark.parametrize("classes", [[], ["typo"]])
def test_a_class_that_does_not_exist_is_told_with_those_that_do(
    make_campaign: MakeCampaign, classes: list[str]
) -> None:
    campaign = make_campaign(frozen_at=timezone.now())
    with pytest.raises(InvalidInput, match=r"error_classes.*there are retry_now"):
        control.retry_failed(campaign.pk, classes)


def test_a_campaign_that_was_never_frozen_has_nobody_to_try_again(make_campaign: MakeCampaign) -> None:
    with pytest.raises(WrongCampaignState, match=r"is draft; it cannot be tried again"):
        control.retry_failed(make_campaign().pk)


def test_a_copy_has_the_plan_and_nothing_of_what_has_happened(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    plan = {"priority": 9, "send_window": "always", "quiet_hours": "never"}
    source = make_campaign(**plan, scheduled_at=tomorrow, expires_at=tomorrow)
    runner.run(source.pk)
    copied = control.clone(source.pk, by="ann")
    copied.refresh_from_db()
    assert (copied.status, copied.name, copied.cloned_from) == ("draft", "Orders (copy)", source)
    assert {name: getattr(copied, name) for name in plan} == plan
    assert (copied.template, copied.csv_file.name) == (source.template, source.csv_file.name)
    assert (copied.scheduled_at, copied.expires_at, copied.frozen_at) == (None, None, None)
    assert (copied.total_count, copied.sent_count, copied.started_at) == (0, 0, None)
    assert runner.run(copied.pk) == Counts(3, 0)
    assert times(simulator) == [2] * 3


def test_a_second_click_on_copy_gives_the_same_draft_and_another_wish_another(
    make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_campaign()
    first = control.clone(source.pk, by="ann")
    assert control.clone(source.pk, by="ann").pk == first.pk
    named = control.clone(source.pk, by="ann", name="June")
    assert (named.name, named.pk != first.pk) == ("June", True)
    assert control.clone(source.pk, by="bob").pk not in (first.pk, named.pk)
    monkeypatch.setattr(retrying, "DOUBLE_CLICK", timedelta(0))
    assert control.clone(source.pk, by="ann").pk > named.pk
