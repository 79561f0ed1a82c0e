"""What a campaign's people want is asked for once more while their rows wait for the pace of a slow number."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppContact
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import ledger, runner
from tests.journeys.policy_words import PEOPLE, campaign_to_danes, local, run_until, spring
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def the_gate_holds_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ledger, "GATE_HOLDS", 0.2)
    yield
    clock.reset()


@pytest.fixture
def campaign(whatsapp_account: WhatsAppAccount, simulator: SimulatorServer) -> WhatsAppCampaign:
    return campaign_to_danes(spring(whatsapp_account, simulator))


def test_whoever_opts_out_while_a_run_holds_their_row_gets_nothing(
    simulator: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    last = WhatsAppContact.objects.order_by("pk").last()
    assert last

    def opt_out() -> None:
        assert campaign.recipients.get(contact=last).status == "leased"
        WhatsAppContact.objects.filter(pk=last.pk).update(opted_out=True)

    run_until(campaign, 3, opt_out)
    row = campaign.recipients.get(contact=last)
    assert (row.status, row.skip_reason) == ("skipped", "opted_out")
    assert last.phone not in simulator.control.people()
    assert (campaign.status, campaign.sent_count, campaign.skipped_count) == ("completed", PEOPLE - 1, 1)


def test_quiet_hours_that_begin_while_a_run_holds_rows_are_kept(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "QUIET_HOURS": "21:00-08:00"}
    clock.move(local(20, "Europe/Copenhagen") - clock.now())
    run_until(campaign, 3, lambda: clock.move(timedelta(hours=1, minutes=5)))
    assert campaign.status == "running"
    waiting = campaign.recipients.filter(status="pending")
    assert 0 < len(simulator.control.people()) == PEOPLE - waiting.count() < PEOPLE
    hours = {row.not_before.astimezone(ZoneInfo("Europe/Copenhagen")).hour for row in waiting}
    assert hours == {8}
    clock.move(timedelta(hours=12))
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.sent_count) == ("completed", PEOPLE)
