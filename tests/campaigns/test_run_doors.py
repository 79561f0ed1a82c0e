"""The doors of a run: the command, the functions, and the queue."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from django_meta_whatsapp import queue, utils
from django_meta_whatsapp.errors import (
    CampaignNotRunnable,
    QueueUnavailable,
)
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services.campaigns import runner, states
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_command_tells_what_forbids_a_run(make_campaign: MakeCampaign) -> None:
    with pytest.raises(CommandError, match="There is no campaign 404"):
        call_command("whatsapp_campaign", "run", 404)
    with pytest.raises(CommandError, match="has no template"):
        call_command("whatsapp_campaign", "run", make_campaign(template=None).pk)


def test_without_celery_the_campaign_runs_at_once_for_the_account_named(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    second = WhatsAppAccount.objects.create(
        name="Second",
        phone_number_id="222000222000333",
        waba_id="111000111000111",
        access_token="simulator-token",
    )
    simulator.control.number("222000222000333", waba_id="111000111000111")
    campaign = make_campaign(people=2)
    assert utils.run_campaign_async(campaign.pk, second.pk) == {"sent": 2, "failed": 0}
    assert {message["phone_number_id"] for message in simulator.control.messages()} == {"222000222000333"}
    assert set(WhatsAppSendAttempt.objects.values_list("account", flat=True)) == {second.pk}


def test_with_celery_the_campaign_is_queued_and_due(
    make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    asked: list[tuple[int, int | None]] = []
    monkeypatch.setitem(queue._takers, "campaign", lambda *work: asked.append(work))
    campaign = make_campaign()
    second = WhatsAppAccount.objects.create(name="Second", phone_number_id="2")
    assert utils.run_campaign_async(campaign.pk, second.pk) == {"queued": True}
    assert asked == [(campaign.pk, second.pk)]
    campaign.refresh_from_db()
    assert campaign.status == "scheduled"
    assert campaign.scheduled_at is not None
    # Should the task get lost, the tick's run speaks for the same account.
    assert campaign.account == second
    with pytest.raises(WhatsAppAccount.DoesNotExist):
        utils.run_campaign_async(campaign.pk, second.pk + 1)
    assert len(asked) == 1


def test_a_campaign_is_queued_when_its_due_date_is_committed_and_not_when_it_is_undone(
    make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    asked: list[str] = []

    def taken(campaign_id: int, account_id: int | None) -> None:
        asked.append(WhatsAppCampaign.objects.get(pk=campaign_id).status)
        assert not connection.in_atomic_block

    monkeypatch.setitem(queue._takers, "campaign", taken)
    campaign = make_campaign()
    with transaction.atomic():
        utils.run_campaign_async(campaign.pk)
        transaction.set_rollback(True)
    assert asked == []
    with transaction.atomic():
        assert utils.run_campaign_async(campaign.pk) == {"queued": True}
    assert asked == ["scheduled"]


def test_a_run_that_goes_on_speaks_for_the_account_that_began_it(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    second = WhatsAppAccount.objects.create(
        name="Second",
        phone_number_id="222000222000333",
        waba_id="111000111000111",
        access_token="simulator-token",
    )
    simulator.control.number("222000222000333", waba_id="111000111000111")
    campaign = make_campaign(people=3)
    simulator.control.fail(190, count=1, path="messages")
    runner.run(campaign.pk, second)
    assert WhatsAppCampaign.objects.get(pk=campaign.pk).status == "paused"
    assert runner.run(campaign.pk) == Counts(sent=3, failed=0)
    assert {message["phone_number_id"] for message in simulator.control.messages()} == {"222000222000333"}


def test_what_forbids_a_run_is_told_without_another_error_around_it(make_campaign: MakeCampaign) -> None:
    with pytest.raises(CampaignNotRunnable) as told:
        runner.run(make_campaign(template=None).pk)
    assert told.value.__context__ is None


def test_a_campaign_stays_due_when_the_broker_is_down(
    make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WHATSAPP_USE_CELERY = True

    def unreachable(*work: Any) -> None:
        raise QueueUnavailable

    monkeypatch.setitem(queue._takers, "campaign", unreachable)
    campaign = make_campaign()
    with pytest.raises(QueueUnavailable):
        utils.run_campaign_async(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "scheduled"


def test_a_campaign_that_has_ended_does_not_start_again(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(status="cancelled")
    with pytest.raises(CampaignNotRunnable, match="has ended"):
        states.start(campaign.pk)
    assert runner.run(campaign.pk) == Counts(0, 0)
