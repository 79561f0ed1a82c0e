"""The forms of campaigns and segments."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from django_meta_whatsapp.models import (
    WhatsAppCampaign,
    WhatsAppSegment,
    WhatsAppTemplate,
)
from tests.admin.pages import text_of, url
from tests.models import rows

pytestmark = pytest.mark.django_db

CAMPAIGN = {
    "name": "Spring",
    "audience_type": "contacts",
    "parameter_mappings": "{}",
    "audience_filters": "{}",
}


@pytest.mark.parametrize(
    ("filters", "why"),
    [('{"password": "x"}', "is no filter"), ('["VIP"]', "an object is expected"), ("{", "valid JSON")],
)
def test_filters_that_an_audience_cannot_have_are_refused_when_they_are_saved(
    filters: str, why: str, admin_client: Client
) -> None:
    page = admin_client.post(url("whatsappcampaign", "add"), {**CAMPAIGN, "audience_filters": filters})
    assert why in str(page.context["adminform"].form.errors["audience_filters"])


@pytest.mark.parametrize(
    ("mappings", "told"),
    [
        ("{}", "is not filled"),
        ('{"1": "name", "header": {"file": true}}', "the campaign has no header file"),
        (
            '{"1": {"field": "name", "format": "loud"}, "header": {"id": "9"}}',
            "&quot;format&quot; must be one of",
        ),
        ('{"1": "surname", "header": {"id": "9"}}', "contacts have no field"),
    ],
)
def test_parameters_that_do_not_fill_the_template_are_told_at_their_field(
    admin_client: Client, mappings: str, told: str
) -> None:
    template = WhatsAppTemplate.objects.create(name="offer", header={"type": "IMAGE"}, body_text="Hi {{1}}!")
    given = {**CAMPAIGN, "template": template.pk, "parameter_mappings": mappings}
    page = admin_client.post(url("whatsappcampaign", "add"), given)
    assert page.status_code == 200
    assert told in str(page.context["adminform"].form.errors["parameter_mappings"]).replace("&#x27;", "'")


def test_a_header_file_fills_the_header_by_itself(admin_client: Client, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    template = WhatsAppTemplate.objects.create(name="offer", header={"type": "IMAGE"}, body_text="Hi {{1}}!")
    picture = SimpleUploadedFile("p.png", b"png")
    given = {
        **CAMPAIGN,
        "template": template.pk,
        "parameter_mappings": '{"1": "name"}',
        "header_file": picture,
    }
    assert admin_client.post(url("whatsappcampaign", "add"), given).status_code == 302
    assert WhatsAppCampaign.objects.get().header_file.name.startswith("whatsapp_campaign_media/p")


def test_a_campaign_is_planned(admin_client: Client) -> None:
    given = {**CAMPAIGN, "audience_filters": '{"labels__name": "VIP"}'}
    assert admin_client.post(url("whatsappcampaign", "add"), given).status_code == 302
    campaign = WhatsAppCampaign.objects.get()
    assert (campaign.status, campaign.audience_filters) == ("draft", {"labels__name": "VIP"})


def test_a_campaign_takes_ready_made_filters(admin_client: Client, settings: Any) -> None:
    ready = {"VIP": {"labels__name": "VIP"}, "Bad": {"password": 1}}
    settings.WHATSAPP = {**settings.WHATSAPP, "CONTACT_FILTERS": ready}
    address = url("whatsappcampaign", "add")
    for given, why in (({"ready_made": "Bad"}, "is no filter"), ({"ready_made": "None"}, "valid choice")):
        page = admin_client.post(address, {**CAMPAIGN, **given})
        assert why in str(page.context["adminform"].form.errors["ready_made"])
    both = {**CAMPAIGN, "ready_made": "VIP", "audience_filters": '{"name": "Ann"}'}
    page = admin_client.post(address, both)
    assert "not both" in str(page.context["adminform"].form.errors["ready_made"])
    assert admin_client.post(address, {**CAMPAIGN, "ready_made": "VIP"}).status_code == 302
    campaign = WhatsAppCampaign.objects.get()
    assert campaign.audience_filters == {"labels__name": "VIP"}
    WhatsAppCampaign.objects.update(audience_filters={}, total_count=0)
    admin_client.post(url("whatsappcampaign", "change", campaign.pk), {**CAMPAIGN, "ready_made": "VIP"})
    campaign.refresh_from_db()
    assert campaign.audience_filters == {"labels__name": "VIP"}


def test_a_campaigns_page_writes_what_was_typed_and_nothing_that_has_moved_on_meanwhile(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = rows.campaign(name="Spring")
    clean = WhatsAppCampaign.clean

    def clean_while_it_is_frozen(row: WhatsAppCampaign) -> None:
        clean(row)
        WhatsAppCampaign.objects.update(total_count=7, status="running", frozen_at=timezone.now())

    monkeypatch.setattr(WhatsAppCampaign, "clean", clean_while_it_is_frozen)
    address = url("whatsappcampaign", "change", campaign.pk)
    assert admin_client.post(address, {**CAMPAIGN, "name": "Renamed"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.total_count, campaign.status) == ("Renamed", 7, "running")
    assert campaign.frozen_at


def test_a_segments_page_counts_its_people(admin_client: Client) -> None:
    rows.contact()
    rows.contact(opted_out=True)
    given = {"name": "All", "filters": "{}"}
    assert admin_client.post(url("whatsappsegment", "add"), given).status_code == 302
    segment = WhatsAppSegment.objects.get()
    page = text_of(admin_client.get(url("whatsappsegment", "change", segment.pk)))
    assert "2, of whom 1 can be reached" in page


def test_a_segment_that_a_campaign_goes_to_is_not_deleted(admin_client: Client) -> None:
    segment = WhatsAppSegment.objects.create(name="VIP")
    rows.campaign(segment=segment)
    admin_client.post(url("whatsappsegment", "delete", segment.pk), {"post": "yes"})
    assert WhatsAppSegment.objects.exists()


def test_a_frozen_campaign_keeps_its_plan_and_shows_counts_and_the_reason(admin_client: Client) -> None:
    campaign = rows.campaign(
        name="Spring",
        frozen_at=timezone.now(),
        status="paused",
        status_reason="The token has expired.",
        sent_count=4711,
    )
    address = url("whatsappcampaign", "change", campaign.pk)
    page = text_of(admin_client.get(address))
    assert "The token has expired." in page
    assert "4711" in page
    admin_client.post(address, {**CAMPAIGN, "name": "Renamed", "audience_type": "csv"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.audience_type, campaign.status) == ("Renamed", "contacts", "paused")


def test_a_campaign_with_recipients_is_not_deleted(admin_client: Client) -> None:
    campaign = rows.recipient().campaign
    admin_client.post(url("whatsappcampaign", "delete", campaign.pk), {"post": "yes"})
    assert WhatsAppCampaign.objects.filter(pk=campaign.pk).exists()
    empty = rows.campaign()
    admin_client.post(url("whatsappcampaign", "delete", empty.pk), {"post": "yes"})
    assert not WhatsAppCampaign.objects.filter(pk=empty.pk).exists()
