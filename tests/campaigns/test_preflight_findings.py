"""What a preflight tells of template, number and files."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import utils
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppMedia,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services.campaigns import preflight, runner
from django_meta_whatsapp.services.campaigns.preflight import Extent, Level
from tests.campaigns.conftest import MakeCampaign
from tests.models import rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def told(report: preflight.Preflight, area: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.text) for finding in report.findings if finding.area == area]


# What is told of template, number and files


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize(
    ("template_fields", "account_fields", "area", "level", "text"),
    [
        ({"status": "PAUSED"}, {}, "template", Level.PROBLEM, "is Paused; only an approved one"),
        (
            {"category": "MARKETING"},
            {},
            "template",
            Level.CHECK,
            "Meta has it as UTILITY, here it is MARKETING",
        ),
        ({"name": "unknown_there"}, {}, "template", Level.PROBLEM, "Meta has no template unknown_there"),
        ({}, {"state": "restricted", "state_reason": "Spam"}, "account", Level.PROBLEM, "may not send: Spam"),
        ({}, {"quality_rating": "RED"}, "account", Level.CHECK, "Low"),
        ({}, {"access_token": "wrong"}, "account", Level.CHECK, "Meta could not be asked"),
        ({}, {}, "budget", Level.CHECK, "unknown for this number"),
        ({}, {"messaging_limit": "TIER_UNLIMITED"}, "budget", Level.OK, "no limit"),
        (
            {},
            {"messaging_limit": "TIER_2K"},
            "budget",
            Level.OK,
            "2000 of 2000 people in 24 hours are left for 2.",
        ),
        ({}, {}, "cost", Level.CHECK, "no prices of UTILITY"),
    ],
)
def test_what_is_wrong_with_template_or_number_is_told_and_nothing_stops_the_count(
    make_campaign: MakeCampaign,
    template_fields: dict[str, str],
    account_fields: dict[str, str],
    area: str,
    level: Level,
    text: str,
) -> None:
    campaign = make_campaign(people=2)
    WhatsAppTemplate.objects.update(**template_fields)
    WhatsAppAccount.objects.filter(pk=campaign.account_id).update(**account_fields)
    if "access_token" in account_fields:
        account = WhatsAppAccount.objects.get()
        account.access_token = account_fields["access_token"]
        account.save()
    report = preflight.preflight(campaign.pk)
    assert (report.frozen, report.to_send) == (True, 2)
    assert [found for found in told(report, area) if found[0] == level and text in found[1]]
    assert report.can_run == (level != Level.PROBLEM)


@pytest.mark.usefixtures("simulator")
def test_a_campaign_above_the_messaging_limit_is_told_what_is_left_and_how_long_the_rest_takes(
    make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MESSAGING_LIMIT": 4}
    runner.run(make_campaign(people=1).pk)
    report = preflight.preflight(make_campaign(people=12).pk)
    assert report.budget == 3
    assert told(report, "budget") == [
        (Level.CHECK, "3 of 4 people in 24 hours are left for 12: the others follow over up to 3 more days.")
    ]


@pytest.mark.usefixtures("simulator")
def test_every_running_campaign_of_the_number_is_counted_however_it_came_by_it(
    make_campaign: MakeCampaign,
) -> None:
    campaign = make_campaign(people=1)
    running: dict[str, Any] = {"status": "running", "people": 1}
    make_campaign(account=None, people=1)  # not running
    other = rows.account()
    make_campaign(account=other, **running)
    foreign = WhatsAppTemplate.objects.create(account=other, name="x", language="en")
    make_campaign(account=None, template=foreign, **running)
    make_campaign(**running)
    make_campaign(account=None, **running)
    shared = WhatsAppTemplate.objects.create(account=None, name="y", language="en")
    make_campaign(account=None, template=shared, **running)
    report = preflight.preflight(campaign.pk)
    assert (Level.CHECK, "3 running campaigns share the number: it takes longer.") in told(report, "account")


def test_what_meta_says_of_the_number_now_is_told(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    simulator.control.number("222000222000222", quality="YELLOW")
    report = preflight.preflight(make_campaign(people=1).pk)
    assert (Level.CHECK, "Meta rates it now: Medium.") in told(report, "account")


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize(
    ("fields", "area", "text"),
    [
        ({"template": None}, "template", "has no template"),
        ({"parameter_mappings": {"1": "name"}}, "template", r"variable {{2}} is not filled"),
        ({"audience_type": "nowhere"}, "audience", "'nowhere' is not known"),
        ({"audience_type": "contacts", "audience_filters": {"x": 1}}, "audience", "'x' is no filter"),
    ],
)
def test_a_campaign_that_cannot_be_frozen_is_told_why_and_stays_as_it_is(
    make_campaign: MakeCampaign, fields: dict[str, Any], area: str, text: str
) -> None:
    campaign = make_campaign(**{"parameter_mappings": {"1": "name", "2": "email"}, **fields})
    report = preflight.preflight(campaign.pk)
    assert (report.frozen, report.total, report.can_run) == (False, 0, False)
    assert [each for level, each in told(report, area) if level == Level.PROBLEM and text in each]
    campaign.refresh_from_db()
    assert (campaign.status, campaign.preflight["can_run"]) == ("draft", False)


@pytest.mark.usefixtures("simulator")
def test_a_parameter_that_fills_nothing_is_told(make_campaign: MakeCampaign) -> None:
    mappings = {"1": "name", "2": "order", "9": "other"}
    report = preflight.preflight(make_campaign(people=1, parameter_mappings=mappings).pk)
    assert (Level.CHECK, 'The parameter "9" fills nothing.') in told(report, "template")
    assert report.can_run


@pytest.mark.usefixtures("simulator")
def test_nobody_left_is_told(make_campaign: MakeCampaign) -> None:
    report = preflight.preflight(make_campaign("phone,name,order\nx,Ann,1\n").pk)
    assert (Level.CHECK, "Nobody is to be sent to.") in told(report, "audience")


@pytest.fixture
def with_image(template: WhatsAppTemplate) -> WhatsAppTemplate:
    template.header = {"type": "IMAGE"}
    template.save()
    return template


def upload(simulator: SimulatorServer, account: WhatsAppAccount, days_ago: int) -> str:
    media_id = utils.upload_media(io.BytesIO(b"\x89PNG" + b"x" * 50), "image/png", account)
    WhatsAppMedia.objects.create(
        account=account, media_id=media_id, media_type="image", mime_type="image/png",
        uploaded_at=timezone.now() - timedelta(days=days_ago),
    )  # fmt: skip
    return media_id


@pytest.mark.parametrize(
    ("days_ago", "level", "text"),
    [
        (0, Level.OK, "for 29 more days"),
        (29, Level.CHECK, "for 0 more days"),
        (31, Level.PROBLEM, "will have expired"),
    ],
)
def test_a_file_at_meta_is_asked_for_and_its_age_is_told(
    simulator: SimulatorServer,
    make_campaign: MakeCampaign,
    with_image: WhatsAppTemplate,
    days_ago: int,
    level: Level,
    text: str,
) -> None:
    assert with_image.account
    media_id = upload(simulator, with_image.account, days_ago)
    mappings = {"1": "name", "2": "order", "header": {"id": media_id}}
    report = preflight.preflight(make_campaign(people=2, parameter_mappings=mappings).pk)
    ((found, said),) = told(report, "media")
    assert (found, text in said) == (level, True)


@pytest.mark.usefixtures("simulator", "with_image")
@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"id": "4711"}, "Meta does not know the file 4711"),
        ({"link": "https://127.0.0.1:9/a.png"}, "https://127.0.0.1:9/a.png cannot be fetched"),
        ({"media": 99}, "there is no stored file 99"),
    ],
)
def test_a_file_that_cannot_be_had_is_told(
    make_campaign: MakeCampaign, header: dict[str, Any], text: str
) -> None:
    mappings = {"1": "name", "2": "order", "header": header}
    report = preflight.preflight(make_campaign(people=2, parameter_mappings=mappings).pk)
    ((level, said),) = told(report, "media")
    assert (level, text in said) == (Level.PROBLEM, True)


@pytest.mark.usefixtures("simulator", "with_image")
def test_links_that_differ_by_person_are_asked_for_in_the_messages_that_are_shown(
    make_campaign: MakeCampaign,
) -> None:
    rows = "".join(f"+45{20000000 + n},P,1,https://127.0.0.1:9/{n}.png\n" for n in range(5))
    mappings = {"1": "name", "2": "order", "header": {"link": {"field": "picture"}}}
    campaign = make_campaign(f"phone,name,order,picture\n{rows}", parameter_mappings=mappings)
    report = preflight.preflight(campaign.pk, extent=Extent(samples=2))
    assert len(told(report, "media")) == len(report.samples) == 2
