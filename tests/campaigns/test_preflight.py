"""Everything that is told before anything is sent, and that it is what then happens."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppRate,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services.campaigns import control, freeze, preflight, runner, states
from django_meta_whatsapp.services.pacing.number import full_rate, number_of
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


def test_a_number_that_meta_has_just_slowed_down_is_told_at_the_rate_it_has_now(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = make_campaign(people=20)
    assert campaign.account
    before = preflight.preflight(campaign.pk)
    number_of(campaign.account).throttled(full_rate(campaign.account), 0.0)
    after = preflight.preflight(campaign.pk)
    assert before.rate
    assert after.rate
    assert after.rate < before.rate * 0.7
    assert after.seconds == 20 / after.rate


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
