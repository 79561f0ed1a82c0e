"""What stops a running campaign, what becomes of its people, and what lets it go on; time is moved by the policy clock."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import clock, upkeep
from django_meta_whatsapp.services.campaigns import control, guard, runner
from django_meta_whatsapp.services.pacing.rules import PAIR_INTERVAL, PAIR_WINDOW
from tests.journeys.policy_words import (
    PEOPLE,
    campaign_of,
    campaign_to_danes,
    local,
    run_until,
    spring,
)
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    monkeypatch.setattr(guard, "LOOK_EVERY", 0.05)
    settings.WHATSAPP = {**settings.WHATSAPP, "RUN_MAX_WAIT": 10.0}
    yield
    clock.reset()


@pytest.fixture
def template(whatsapp_account: WhatsAppAccount, simulator: SimulatorServer) -> WhatsAppTemplate:
    return spring(whatsapp_account, simulator)


@pytest.fixture
def campaign(template: WhatsAppTemplate) -> WhatsAppCampaign:
    """A campaign to people in Denmark, over a number that is slow enough to stop it in the middle."""
    return campaign_to_danes(template)


def run_to_the_end(campaign: WhatsAppCampaign) -> None:
    runner.run(campaign.pk, due_only=True)
    campaign.refresh_from_db()


def tick() -> list[int]:
    """What one tick hands over. The second one finds what the first has made due."""
    found: list[int] = []
    upkeep.tick(found.append)
    upkeep.tick(found.append)
    return found


def assert_everybody_got_one(simulator: SimulatorServer, campaign: WhatsAppCampaign) -> None:
    assert campaign.status == "completed"
    assert {person["count"] for person in simulator.control.people().values()} == {1}
    assert len(simulator.control.people()) == PEOPLE == campaign.sent_count


def assert_stopped(campaign: WhatsAppCampaign, cause: str) -> None:
    """It is paused in the middle: nobody is unknown, nobody has failed, and some have not been tried."""
    assert (campaign.status, campaign.pause_cause) == ("paused", cause)
    assert campaign.status_reason
    assert set(campaign.recipients.values_list("status", flat=True)) <= {
        "pending",
        "accepted",
        "sent",
        "delivered",
        "read",
    }
    assert campaign.recipients.filter(status="pending").exists()
    assert campaign.events.filter(kind="paused").count() == 1


def test_people_asleep_wait_for_their_morning_and_the_others_get_it_now(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "QUIET_HOURS": "21:00-08:00"}
    WhatsAppContact.objects.create(phone="919876543210")
    clock.move(local(22, "Europe/Copenhagen") - clock.now())  # half past two in the night in India
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.sent_count) == ("running", 0)
    assert campaign.status_reason.startswith("Waits: nobody may be messaged before ")
    moments = dict(campaign.recipients.values_list("phone_number", "not_before"))
    india = moments.pop("919876543210")
    assert india.astimezone(ZoneInfo("Asia/Kolkata")).hour == 8
    assert {each.astimezone(ZoneInfo("Europe/Copenhagen")).hour for each in moments.values()} == {8}
    clock.move(india - clock.now() + timedelta(minutes=1))
    WhatsAppCampaign.objects.update(updated_at=campaign.updated_at - timedelta(hours=1))
    assert tick() == [campaign.pk]
    run_to_the_end(campaign)
    assert (campaign.status, campaign.sent_count) == ("running", 1)
    assert set(simulator.control.people()) == {"919876543210"}
    clock.move(timedelta(hours=5))
    run_to_the_end(campaign)
    assert (campaign.status, campaign.sent_count) == ("completed", PEOPLE + 1)
    assert campaign.status_reason == ""


def test_a_campaigns_own_hours_come_before_those_of_the_settings(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "QUIET_HOURS": "21:00-08:00", "SEND_WINDOW": "09:00-18:00"}
    WhatsAppCampaign.objects.update(quiet_hours="never", send_window="always")
    clock.move(local(23, "Europe/Copenhagen") - clock.now())
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert_everybody_got_one(simulator, campaign)


def test_a_campaign_that_is_resumed_too_late_skips_whoever_is_left(
    simulator: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    WhatsAppCampaign.objects.update(expires_at=clock.now() + timedelta(hours=1))
    run_until(campaign, 3, lambda: control.pause(campaign.pk, by="ann"))
    assert_stopped(campaign, "person")
    sent = campaign.sent_count
    clock.move(timedelta(hours=2))
    assert control.resume(campaign.pk, by="ann")
    run_to_the_end(campaign)
    assert (campaign.status, campaign.sent_count) == ("completed", sent)
    skipped = campaign.recipients.filter(status="skipped", skip_reason="expired")
    assert (skipped.count(), campaign.skipped_count) == (PEOPLE - sent, PEOPLE - sent)
    assert len(simulator.control.people()) == sent


def test_a_running_campaign_that_expires_ends_without_anybody_asking(
    simulator: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    WhatsAppCampaign.objects.update(expires_at=clock.now() + timedelta(hours=1))
    run_until(campaign, 3, lambda: clock.move(timedelta(hours=2)))
    assert (campaign.status, campaign.sent_count + campaign.skipped_count) == ("completed", PEOPLE)
    assert 3 <= campaign.sent_count < PEOPLE


def test_the_error_budget_stops_a_list_that_is_bad_and_a_person_lets_it_go_on(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "ERROR_BUDGET_SAMPLE": 8, "SEND_CONCURRENCY": 4}
    simulator.control.fail(131026, count=None)
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.pause_cause) == ("paused", "error_budget")
    assert "100%" in campaign.status_reason
    assert 8 <= campaign.failed_count < PEOPLE
    assert tick() == []
    simulator.control.clear_faults()
    failed = campaign.failed_count
    assert control.resume(campaign.pk, by="ann")
    run_to_the_end(campaign)
    assert (campaign.status, campaign.failed_count) == ("completed", failed)
    assert campaign.sent_count == PEOPLE - failed


def test_a_template_that_meta_pauses_stops_it_and_its_approval_lets_it_go_on(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign, template: WhatsAppTemplate
) -> None:
    pause = lambda: webhook_site.control.template("spring", status="PAUSED")  # noqa: E731
    run_until(campaign, 3, pause)
    assert_stopped(campaign, "template")
    webhook_site.control.drain()
    assert tick() == []
    webhook_site.control.clock(advance=2)  # Meta's times are whole seconds
    webhook_site.control.template("spring", status="APPROVED")
    webhook_site.control.drain()
    assert tick() == [campaign.pk]
    run_to_the_end(campaign)
    assert_everybody_got_one(webhook_site, campaign)
    assert campaign.events.get(kind="resumed").reason == "The template is approved again."


def test_without_webhooks_metas_refusal_tells_of_the_template_and_stops_other_campaigns_with_it(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, template: WhatsAppTemplate
) -> None:
    other = campaign_of(template, status="running")
    run_until(campaign, 3, lambda: simulator.control.template("spring", status="PAUSED"))
    assert_stopped(campaign, "template")
    template.refresh_from_db()
    other.refresh_from_db()
    assert (template.status, other.status, other.pause_cause) == ("PAUSED", "paused", "template")


def test_a_person_who_pauses_what_the_template_has_stopped_keeps_it_stopped(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, template: WhatsAppTemplate
) -> None:
    WhatsAppCampaign.objects.update(status="paused", pause_cause="template")
    assert control.pause(campaign.pk, by="ann")
    assert not control.pause(campaign.pk, by="ann")
    assert tick() == []


def test_a_revoked_token_stops_it_and_a_person_lets_it_go_on(
    simulator: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    run_until(campaign, 3, lambda: simulator.control.token("simulator-token", revoked=True))
    assert_stopped(campaign, "token")
    simulator.control.token("simulator-token", revoked=False)
    assert tick() == []
    assert control.resume(campaign.pk, by="ann")
    run_to_the_end(campaign)
    assert_everybody_got_one(simulator, campaign)


def ban(state: str) -> dict[str, Any]:
    return {
        "event": "DISABLED_UPDATE",
        "ban_info": {"waba_ban_state": state, "waba_ban_date": "March 3, 2026"},
    }


def test_a_banned_account_stops_it_and_its_reinstatement_lets_it_go_on(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    run_until(campaign, 3, lambda: webhook_site.control.send_webhook("account_update", ban("DISABLE")))
    assert_stopped(campaign, "account")
    webhook_site.control.drain()
    assert tick() == []
    webhook_site.control.clock(advance=2)  # Meta's times are whole seconds
    webhook_site.control.send_webhook("account_update", ban("REINSTATE"))
    webhook_site.control.drain()
    assert tick() == [campaign.pk]
    run_to_the_end(campaign)
    assert_everybody_got_one(webhook_site, campaign)


def test_an_account_that_meta_refuses_before_its_webhook_comes_goes_on_with_the_reinstatement(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    run_until(campaign, 3, lambda: webhook_site.control.fail(131031, count=None))
    assert_stopped(campaign, "account_refused")
    webhook_site.control.clear_faults()
    assert tick() == []
    webhook_site.control.send_webhook("account_update", ban("DISABLE"))
    webhook_site.control.drain()
    campaign.refresh_from_db()
    assert campaign.pause_cause == "account"
    webhook_site.control.clock(advance=2)  # Meta's times are whole seconds
    webhook_site.control.send_webhook("account_update", ban("REINSTATE"))
    webhook_site.control.drain()
    assert tick() == [campaign.pk]


def test_a_quality_that_drops_stops_it_until_it_is_better(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    run_until(campaign, 3, lambda: webhook_site.control.template("spring", quality="RED"))
    assert_stopped(campaign, "quality")
    webhook_site.control.drain()
    assert tick() == []
    webhook_site.control.clock(advance=2)  # Meta's times are whole seconds
    webhook_site.control.template("spring", quality="YELLOW")
    webhook_site.control.drain()
    assert tick() == [campaign.pk]
    run_to_the_end(campaign)
    assert_everybody_got_one(webhook_site, campaign)


def test_a_person_may_go_on_with_a_low_quality(
    simulator: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    WhatsAppAccount.objects.update(quality_rating="RED")
    WhatsAppCampaign.objects.update(status="paused", pause_cause="quality")
    assert tick() == []
    assert control.resume(campaign.pk, by="ann")
    run_to_the_end(campaign)
    assert_everybody_got_one(simulator, campaign)


def test_meta_out_of_reach_is_tried_again_by_itself_after_a_while(
    campaign: WhatsAppCampaign, settings: Any
) -> None:
    WhatsAppCampaign.objects.update(status="paused", pause_cause="unreachable", status_changed_at=clock.now())
    assert tick() == []
    settings.WHATSAPP = {**settings.WHATSAPP, "RESUME_AFTER_OUTAGE_SECONDS": 300.0}
    clock.move(timedelta(seconds=301))
    assert tick() == [campaign.pk]


def test_nobody_gets_more_marketing_than_the_cap_until_the_time_is_over(
    simulator: SimulatorServer, template: WhatsAppTemplate, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "FREQUENCY_CAP": 2, "FREQUENCY_CAP_SECONDS": 3600.0}
    WhatsAppContact.objects.create(phone="4520000001")
    for _ in range(2):
        assert runner.run(campaign_of(template).pk).sent == 1
    third = campaign_of(template)
    assert runner.run(third.pk).sent == 0
    assert third.recipients.get().skip_reason == "frequency_cap"
    clock.move(timedelta(seconds=3601))
    assert runner.run(campaign_of(template).pk).sent == 1


def test_a_message_that_meta_refused_for_now_does_not_count_against_its_own_next_try(
    simulator: SimulatorServer, template: WhatsAppTemplate, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "FREQUENCY_CAP": 1, "RUN_MAX_WAIT": 30.0}
    WhatsAppContact.objects.create(phone="4520000001")
    simulator.control.fail(131016, count=1)
    assert runner.run(campaign_of(template).pk).sent == 1


def test_a_person_gets_a_second_campaign_when_the_pair_rate_allows_it_and_not_before(
    simulator: SimulatorServer, template: WhatsAppTemplate
) -> None:
    person = WhatsAppContact.objects.create(phone="4520000000")
    first, second = campaign_of(template), campaign_of(template, name="Spring again")
    runner.run(first.pk)
    # Past the burst that Meta grants, before the six seconds of the first message are over.
    time.sleep(PAIR_WINDOW + 0.2)
    runner.run(second.pk)
    one, two = sorted(message["at"] for message in simulator.control.messages())
    assert PAIR_INTERVAL <= two - one < PAIR_INTERVAL + 3
    assert simulator.control.people()[person.phone]["count"] == 2
    assert set(WhatsAppSendAttempt.objects.values_list("state", flat=True)) == {"accepted"}
    for campaign in (first, second):
        campaign.refresh_from_db()
        assert (campaign.status, campaign.sent_count) == ("completed", 1)
