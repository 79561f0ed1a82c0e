"""The doors of a preflight: tests to numbers of one's own, the command, the functions, the admin."""

import json
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_meta_whatsapp import utils
from django_meta_whatsapp.admin import campaigns as campaign_admin
from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidInput
from django_meta_whatsapp.models import (
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services.campaigns import freeze, preflight, runner
from django_meta_whatsapp.services.campaigns.preflight import Extent
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

# A test to numbers of one's own


def test_a_test_is_what_the_first_recipient_would_read_and_makes_nobody_a_recipient(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=3)
    preflight.preflight(campaign.pk)
    trials = preflight.send_trial(campaign.pk, ["+4511111111", "+45 2222 2222", "+4511111111"], key="t1")
    assert [(trial.phone, trial.status, trial.why) for trial in trials] == [
        ("+4511111111", "accepted", ""),
        ("+45 2222 2222", "accepted", ""),
    ]
    assert {message.message_body for message in WhatsAppMessage.objects.all()} == {
        WhatsAppMessage.objects.all()[0].message_body
    }
    assert WhatsAppMessage.objects.filter(campaign=None).count() == 2
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.sent_count, campaign.status) == (3, 0, "draft")
    assert not campaign.recipients.filter(phone_number="4511111111").exists()
    sent = next(iter(simulator.control.messages()))["body"]["template"]["components"][0]["parameters"]
    assert [each["text"] for each in sent] == ["Person 0", "A-0"]

    again = preflight.send_trial(campaign.pk, ["+4511111111"], key="t1")
    assert again[0].message_id == trials[0].message_id
    assert simulator.control.ledger()["count"] == 2
    preflight.send_trial(campaign.pk, ["+4511111111"])
    assert simulator.control.ledger()["count"] == 3
    # Whoever got the test and is in the audience gets the campaign all the same.
    assert runner.run(campaign.pk).sent == 3


@pytest.mark.usefixtures("simulator")
def test_the_gate_holds_for_tests_and_one_number_does_not_stop_the_others(
    make_campaign: MakeCampaign,
) -> None:
    campaign = make_campaign(people=1)
    preflight.preflight(campaign.pk)
    WhatsAppContact.objects.create(phone="4511111111", opted_out=True)
    out, nonsense, good = preflight.send_trial(campaign.pk, ["+4511111111", "call me", "+4522222222"])
    assert (out.status, out.why) == ("", "This person has opted out.")
    assert "is not a phone number" in nonsense.why
    assert good.status == "accepted"


@pytest.mark.usefixtures("simulator")
def test_a_test_that_cannot_be_sent_is_told(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=1)
    with pytest.raises(CampaignNotRunnable, match="Preflight the campaign first"):
        preflight.send_trial(campaign.pk, ["+4511111111"])
    for numbers in ([], ["+4511111111"] * 11):
        with pytest.raises(InvalidInput, match="1 to 10 numbers"):
            preflight.send_trial(campaign.pk, numbers)
    with pytest.raises(InvalidInput, match="at most 64"):
        preflight.send_trial(campaign.pk, ["+4511111111"], key="x" * 65)
    with pytest.raises(InvalidInput, match="samples: 0 to 1000"):
        Extent(samples=-1)


# The doors


def test_the_command_tells_takes_back_and_tests(
    simulator: SimulatorServer, make_campaign: MakeCampaign, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = make_campaign(people=3)
    key = str(campaign.pk)
    call_command("whatsapp_campaign", "preflight", key, "--test", "+4511111111")
    told_ = capsys.readouterr()
    assert "3 people, 3 of them to be sent to." in told_.out
    assert "Test to +4511111111: accepted" in told_.err
    assert simulator.control.ledger()["count"] == 1
    call_command("whatsapp_campaign", "preflight", key, "--json", "--again", "--samples", "1")
    report = json.loads(capsys.readouterr().out)
    assert (report["to_send"], len(report["samples"])) == (3, 1)
    call_command("whatsapp_campaign", "preflight", key, "--discard")
    assert not campaign.recipients.exists()
    WhatsAppTemplate.objects.update(status="PAUSED")
    with pytest.raises(CommandError, match="cannot run as it stands"):
        call_command("whatsapp_campaign", "preflight", key)
    with pytest.raises(CommandError, match="There is no campaign 0"):
        call_command("whatsapp_campaign", "preflight", "0")


@pytest.mark.usefixtures("simulator")
async def test_a_host_preflights_and_exports_by_functions(make_campaign: MakeCampaign) -> None:
    campaign = await sync_to_async(make_campaign)(people=2)
    report = await utils.apreflight_campaign(campaign.pk)
    assert report == await sync_to_async(utils.preflight_campaign)(campaign.pk) | {"at": report["at"]}
    assert (report["can_run"], report["to_send"], report["total"]) == (True, 2, 2)
    lines = await sync_to_async(lambda: list(utils.export_recipients(campaign.pk)))()
    assert len(lines) == 3


@pytest.fixture
def act(admin_client: Client) -> Callable[[str, WhatsAppCampaign], str]:
    """Chooses an action of the admin; the text of the page that follows."""

    def choose(action: str, campaign: WhatsAppCampaign) -> str:
        address = reverse("admin:django_meta_whatsapp_whatsappcampaign_changelist")
        chosen = {"action": action, "_selected_action": [campaign.pk]}
        return admin_client.post(address, chosen, follow=True).content.decode()

    return choose


def test_the_admin_preflights_shows_the_report_and_takes_it_back(
    simulator: SimulatorServer,
    make_campaign: MakeCampaign,
    act: Callable[[str, WhatsAppCampaign], str],
    admin_client: Client,
) -> None:
    campaign = make_campaign("phone,name,order\n+4512345678,<b>Ann</b>,1\n")
    assert "Orders can be sent to 1 people." in act("preflight", campaign)
    page = admin_client.get(reverse("admin:django_meta_whatsapp_whatsappcampaign_change", args=[campaign.pk]))
    assert "1 people, 1 of them to be sent to." in page.content.decode()
    assert "Hi &lt;b&gt;Ann&lt;/b&gt;, your order 1" in page.content.decode()
    assert "is not frozen any more" in act("discard_preflight", campaign)
    WhatsAppTemplate.objects.update(status="PAUSED")
    assert "cannot run as it stands" in act("preflight", campaign)
    WhatsAppCampaign.objects.update(status="running", started_at=timezone.now())
    assert "has been started" in act("preflight", campaign)
    assert "has been started" in act("discard_preflight", campaign)


@pytest.mark.usefixtures("simulator")
def test_the_admin_preflights_a_long_audience_in_parts(
    make_campaign: MakeCampaign,
    act: Callable[[str, WhatsAppCampaign], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freeze, "most", lambda: 20)
    campaign = make_campaign(people=50)
    answers = iter([False, True, True])
    real = campaign_admin.preflight
    monkeypatch.setattr(
        campaign_admin, "preflight", lambda pk, stopped: real(pk, stopped=lambda: next(answers))
    )
    assert "20 so far. Choose Preflight again to go on." in act("preflight", campaign)
    monkeypatch.setattr(campaign_admin, "preflight", real)
    assert "can be sent to 50 people" in act("preflight", campaign)
