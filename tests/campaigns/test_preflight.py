"""Everything that is told before anything is sent, and that it is what then happens."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_meta_whatsapp import utils
from django_meta_whatsapp.admin import campaigns as campaign_admin
from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidInput, WrongCampaignState
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppRate,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services.campaigns import control, freeze, preflight, runner, states
from django_meta_whatsapp.services.campaigns.preflight import Extent
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.messy import messy
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = int(os.environ.get("WHATSAPP_TEST_ROWS", "600"))
"""Of the messy file; 10,000 when there is time."""


def skips(campaign: WhatsAppCampaign) -> dict[str, int]:
    rows = campaign.recipients.filter(status="skipped").order_by()
    return dict(rows.values_list("skip_reason").annotate(people=Count("pk")))


@pytest.mark.usefixtures("batches_of_400")
def test_what_a_preflight_counts_is_what_then_happens(
    simulator: SimulatorServer, make_campaign: MakeCampaign, template: WhatsAppTemplate
) -> None:
    WhatsAppTemplate.objects.filter(pk=template.pk).update(category="MARKETING")
    WhatsAppAccount.objects.update(throughput=1000)
    simulator.control.number("222000222000222", throughput=2000)
    file = messy(ROWS)
    campaign = make_campaign(file.content, template=WhatsAppTemplate.objects.get())
    seen: list[int] = []
    report = preflight.preflight(campaign.pk, on_progress=lambda at: seen.append(at.total))
    assert (report.total, report.to_send, report.skipped) == (ROWS, file.expected[""], file.skipped)
    assert seen == [*range(400, ROWS, 400), ROWS]
    assert report.can_run
    assert simulator.control.ledger()["count"] == 0

    assert runner.run(campaign.pk) == states.Counts(report.to_send, 0)
    people = simulator.control.people()
    assert len(people) == report.to_send
    assert {person["count"] for person in people.values()} == {1}
    assert skips(campaign) == report.skipped


def test_what_was_preflighted_is_what_runs(simulator: SimulatorServer, make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=3)
    preflight.preflight(campaign.pk)
    name = str(campaign.csv_file.name)
    campaign.csv_file.storage.delete(name)
    campaign.csv_file.storage.save(name, ContentFile(b"phone,name,order\n+4599999999,Later,1\n"))
    assert runner.run(campaign.pk).sent == 3
    assert "+4599999999" not in {message["to"] for message in simulator.control.messages()}


@pytest.mark.usefixtures("simulator")
def test_whoever_opts_out_after_the_preflight_is_still_kept_out(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=3)
    assert preflight.preflight(campaign.pk).to_send == 3
    WhatsAppContact.objects.filter(phone="4520000001").update(opted_out=True)
    assert runner.run(campaign.pk).sent == 2
    assert skips(campaign) == {"opted_out": 1}


@pytest.mark.usefixtures("simulator")
def test_the_report_is_kept_on_the_campaign_with_its_time(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign("phone,name,order\n+4512345678,Ann,A-1\nx,Bo,A-2\n+4512345679,,\n")
    WhatsAppRate.objects.create(
        country_prefix="45", category="UTILITY", currency="EUR", price="0.02", valid_from="2020-01-01"
    )
    report = preflight.preflight(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.preflight == report.as_json() == json.loads(json.dumps(report.as_json()))
    assert campaign.preflighted_at
    assert (campaign.status, bool(campaign.frozen_at)) == ("draft", True)
    kept = campaign.preflight
    assert (kept["can_run"], kept["to_send"], kept["skipped"]) == (
        True,
        1,
        {"invalid_phone": 1, "missing_variable": 1},
    )
    assert kept["costs"][0]["at_most"] == "0.020000"
    assert kept["samples"] == [
        {"name": "Ann", "phone": "+4512345678", "text": "Hi Ann, your order A-1 is on its way."}
    ]
    assert kept["incomplete"] == [
        {"name": "", "phone": "+4512345679", "reason": "missing_variable", "why": "1, 2, line 4"}
    ]


def test_a_report_reads_as_text(simulator: SimulatorServer, make_campaign: MakeCampaign) -> None:
    WhatsAppRate.objects.create(
        country_prefix="45", category="UTILITY", currency="EUR", price="0.02", valid_from="2020-01-01"
    )
    text = str(
        preflight.preflight(
            make_campaign("phone,name,order\n+4512345678,Ann,1\n+6591234567,Eve,\n+6591234568,Flo,2\n").pk
        )
    )
    for line in (
        "3 people, 2 of them to be sent to.",
        "  1 skipped: A template variable has no value",
        "    Eve +6591234567: 2, line 3",
        "✓ template: order_update (en_US): 2 values filled for each person.",
        "! budget: Meta's limit of people in 24 hours is unknown",
        "! cost: 1 people have no price in EUR.",
        "It costs 0.02 EUR at most.",
        "  No price in EUR for 1 people of +65: they are not in the sum.",
        "— Ann +4512345678 reads:",
        "    Hi Ann, your order 1 is on its way.",
    ):
        assert line in text
    assert preflight.told({}) == ""


def test_how_long_it_takes_goes_by_what_the_number_may_send(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = make_campaign(people=20)
    settings.WHATSAPP = {**settings.WHATSAPP, "HEADROOM": 25}
    report = preflight.preflight(campaign.pk)
    assert report.rate
    assert 0.9 * 60 < report.rate <= 60
    assert report.seconds == 20 / report.rate


# Done again, taken back, stopped


@pytest.mark.usefixtures("simulator")
def test_a_preflight_can_be_taken_back_until_the_campaign_is_started(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=3)
    preflight.preflight(campaign.pk)
    preflight.discard(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.frozen_at, campaign.total_count, campaign.preflight) == (None, 0, {})
    assert not campaign.recipients.exists()
    assert preflight.preflight(campaign.pk).to_send == 3
    control.schedule(campaign.pk, timezone.now() + timedelta(days=1))
    preflight.discard(campaign.pk)
    assert runner.run(campaign.pk).sent == 3
    for change in (preflight.discard, preflight.preflight):
        with pytest.raises(WrongCampaignState, match="completed and has been started"):
            change(campaign.pk)
    assert campaign.recipients.filter(status="accepted").count() == 3


@pytest.mark.usefixtures("simulator")
def test_a_campaign_that_was_paused_after_its_first_messages_is_not_unfrozen(
    make_campaign: MakeCampaign,
) -> None:
    campaign = make_campaign(people=3)
    runner.run(campaign.pk)
    # As resumed or retried campaigns are: due again, after messages have gone.
    WhatsAppCampaign.objects.update(status="scheduled")
    with pytest.raises(WrongCampaignState):
        preflight.discard(campaign.pk)
    assert campaign.recipients.count() == 3


@pytest.mark.usefixtures("simulator")
def test_a_preflight_that_is_stopped_goes_on_where_it_was(
    make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "most", lambda: 20)
    campaign = make_campaign(people=50)
    answers = iter([False, True, True])
    report = preflight.preflight(campaign.pk, stopped=lambda: next(answers))
    assert (report.frozen, report.total, report.can_run, report.seconds) == (False, 20, False, None)
    assert "20 people so far: the audience is not complete" in str(report)
    assert (preflight.preflight(campaign.pk).total, campaign.recipients.count()) == (50, 50)


@pytest.mark.usefixtures("simulator")
def test_a_run_goes_on_with_what_a_stopped_preflight_has_frozen(
    make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "most", lambda: 20)
    campaign = make_campaign(people=30)
    answers = iter([False, True, True])
    preflight.preflight(campaign.pk, stopped=lambda: next(answers))
    first = campaign.recipients.order_by("pk")[0].pk
    campaign.refresh_from_db()
    control.start(campaign.pk)
    assert runner.run(campaign.pk).sent == 30
    assert campaign.recipients.order_by("pk")[0].pk == first
    assert campaign.recipients.count() == 30


@pytest.mark.usefixtures("simulator")
def test_a_preflight_asks_no_more_for_a_larger_audience_but_for_its_batches(
    make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(freeze, "most", lambda: 20)
    for people in (20, 40, 60):
        campaign = make_campaign(people=people)
        preflight.preflight(make_campaign(people=people).pk)  # everybody is known from here on
        with CaptureQueriesContext(connection) as queries:
            preflight.preflight(campaign.pk)
        asked.append(len(queries))
    assert asked[1] - asked[0] == asked[2] - asked[1] < 20


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
