"""What a run refuses, and how it says so."""

import asyncio
from typing import Any

import pytest
from django.db import transaction

from django_meta_whatsapp import utils
from django_meta_whatsapp.errors import (
    AuthError,
    CampaignNotRunnable,
    InsideTransaction,
    InvalidAudience,
    InvalidFile,
    InvalidSetting,
    RunningEventLoop,
)
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
)
from django_meta_whatsapp.services.campaigns import audience, runner
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.run_words import sent_to
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_sent_inside_a_callers_transaction(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign()
    with transaction.atomic(), pytest.raises(InsideTransaction):
        utils.run_campaign(campaign.pk)
    assert sent_to(simulator) == []
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_a_blocking_run_in_an_event_loop_names_the_one_to_await(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign()

    async def wrong() -> None:
        runner.run(campaign.pk)

    with pytest.raises(RunningEventLoop, match="arun_campaign"):
        asyncio.run(wrong())


@pytest.mark.parametrize(
    ("csv", "error", "told"),
    [
        ("tel,name\n1,x\n", InvalidFile, "'phone' or 'mobile'; the columns are tel, name"),
        (
            "phone,name,order\n+4512345678,Åse,1\n".encode("latin-1"),
            InvalidFile,
            "line 2 is not text in UTF-8",
        ),
        (
            "phone,name,order\n" + "+4512345678,Ann,1\n" * 900 + "+4512345679,Ann,2,x\n",
            InvalidFile,
            "line 902",
        ),
    ],
)
def test_an_unreadable_file_fails_the_campaign_with_the_reason_and_leaves_nothing_behind(
    simulator: SimulatorServer,
    make_campaign: MakeCampaign,
    csv: str | bytes,
    error: type[Exception],
    told: str,
) -> None:
    campaign = make_campaign(csv)
    with pytest.raises(error, match=told):
        runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "failed"
    assert told in campaign.status_reason
    assert (campaign.total_count, campaign.recipients.count()) == (0, 0)
    assert sent_to(simulator) == []


def test_an_audience_that_breaks_our_code_fails_the_campaign_and_is_not_tried_for_ever(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*arguments: Any) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(audience, "filtered", breaking)
    campaign = make_campaign(audience_type="contacts", parameter_mappings={"1": "name", "2": "email"})
    with pytest.raises(OverflowError):
        runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "failed"
    assert campaign.status_reason == (
        "The audience could not be frozen: OverflowError: date value out of range"
    )


def test_texts_that_no_database_holds_are_mended_where_a_source_gives_them(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "CAMPAIGN_RESOLVER": "tests.campaigns.sources.unstorable"}
    campaign = make_campaign()
    assert runner.run(campaign.pk) == Counts(1, 0)
    assert campaign.recipients.get().name == "An\ufffdn"
    (sent,) = simulator.control.messages()
    assert "A\ufffd-1" in str(sent)


def test_a_campaign_with_a_mended_audience_runs_after_all(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(audience_type="customers")
    with pytest.raises(InvalidAudience, match="'customers' is not known; there are contacts, csv"):
        runner.run(campaign.pk)
    WhatsAppContact.objects.create(phone="4512345678", name="Ann", email="a@example.com")
    WhatsAppCampaign.objects.update(audience_type="contacts", parameter_mappings={"1": "name", "2": "email"})
    assert runner.run(campaign.pk) == Counts(1, 0)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("completed", "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"template": None}, "has no template"),
        ({"parameter_mappings": {"1": "name"}}, 'add "2" to the campaign\'s parameters'),
        ({"parameter_mappings": ["name"]}, "must be an object"),
    ],
)
def test_a_campaign_that_cannot_run_says_what_to_change(
    simulator: SimulatorServer, make_campaign: MakeCampaign, change: dict[str, Any], told: str
) -> None:
    campaign = make_campaign(**change)
    with pytest.raises(CampaignNotRunnable, match=told):
        runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "draft"
    assert sent_to(simulator) == []


def test_only_an_approved_template_of_the_same_business_account_is_sent(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign()
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="9", waba_id="8")
    with pytest.raises(CampaignNotRunnable, match="belongs to the account Simulated shop"):
        runner.run(campaign.pk, other)
    assert campaign.template
    campaign.template.status = "PAUSED"
    campaign.template.save()
    with pytest.raises(CampaignNotRunnable, match="is Paused; only an approved one"):
        runner.run(campaign.pk)
    assert sent_to(simulator) == []


def test_timeouts_that_cannot_be_pause_it_with_the_reason(make_campaign: MakeCampaign, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "REQUEST_TIMEOUT": 3.0}
    campaign = make_campaign(status="running")
    with pytest.raises(InvalidSetting, match=r"CONNECT_TIMEOUT.*below REQUEST_TIMEOUT"):
        runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "paused"
    assert "CONNECT_TIMEOUT" in campaign.status_reason


def test_an_account_that_is_switched_off_sends_nothing_and_a_running_campaign_pauses(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(status="running")
    WhatsAppAccount.objects.update(state="restricted", state_reason="spam")
    with pytest.raises(CampaignNotRunnable, match="may not send: spam"):
        runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "paused"
    assert "may not send" in campaign.status_reason


def test_an_account_without_any_token_is_told_before_anything_is_frozen(
    make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "ACCESS_TOKEN": ""}
    campaign = make_campaign()
    WhatsAppAccount.objects.update(access_token="bad token")
    with pytest.raises(AuthError):
        runner.run(campaign.pk)
    assert campaign.recipients.count() == 0
