"""Audiences from contacts."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import utils
from django_meta_whatsapp.errors import InvalidAudience
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactIdentity,
    WhatsAppLabel,
)
from django_meta_whatsapp.services.campaigns import audience
from tests.campaigns.audience_words import frozen, phones
from tests.campaigns.conftest import MakeCampaign

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["4511111111", "6522222222", "4733333333"]),
        ({"labels__name": "VIP"}, ["4511111111"]),
        ({"labels__name__icontains": "vip"}, ["4511111111", "6522222222"]),
        ({"labels__name__in": ["VIP", "old VIP"]}, ["4511111111", "6522222222"]),
        ({"labels__name": "VIP", "labels__name__startswith": "old"}, ["4511111111"]),
        ({"name": "Ann"}, ["4511111111"]),
        ({"name__istartswith": "ann"}, ["4511111111", "4733333333"]),
        ({"phone__startswith": "+45"}, ["4511111111"]),
        ({"phone__in": ["+65 2222 2222", "4733333333"]}, ["6522222222", "4733333333"]),
        ({"email__icontains": "shop", "name__icontains": "a"}, ["4511111111"]),
        ({"created_at__gte": "2026-01-01", "name": "nobody"}, []),
        ({"created_at__lt": "2200-01-31T09:30:00+01:00"}, ["4511111111", "6522222222", "4733333333"]),
    ],
)
def test_contacts_are_found_by_declared_fields(
    make_campaign: MakeCampaign, filters: dict[str, Any], found: list[str]
) -> None:
    campaign = make_campaign(audience_type="contacts", audience_filters=filters)
    assert phones(campaign) == [f"+{digits}" for digits in found]


@pytest.fixture
def people(db: None) -> None:
    vip, old = WhatsAppLabel.objects.create(name="VIP"), WhatsAppLabel.objects.create(name="old VIP")
    ann = WhatsAppContact.objects.create(phone="4511111111", name="Ann", email="ann@shop.example")
    bo = WhatsAppContact.objects.create(phone="6522222222", name="Bo", email="bo@home.example")
    ann.labels.add(vip, old)
    bo.labels.add(old)
    WhatsAppContact.objects.create(phone="4733333333", name="anna")
    WhatsAppContact.objects.filter(pk=bo.pk).update(created_at=timezone.now() - timedelta(days=400))


@pytest.mark.usefixtures("people")
def test_contacts_are_found_by_when_they_came(make_campaign: MakeCampaign) -> None:
    year_ago = (timezone.now() - timedelta(days=365)).date().isoformat()
    for operator, found in (("lt", ["+6522222222"]), ("gte", ["+4511111111", "+4733333333"])):
        campaign = make_campaign(
            audience_type="contacts", audience_filters={f"created_at__{operator}": year_ago}
        )
        assert phones(campaign) == found


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"opted_out": True}, "'opted_out' is no filter; the fields are name, phone"),
        ({"labels__contacts__notes__regex": "x"}, "is no filter"),
        ({"name__regex": "(a+)+$"}, "name can be compared by exact"),
        ({"created_at__year": 2020}, "created_at can be compared by"),
        ({"name": 5}, "'name': text is expected"),
        ({"name__in": "Ann"}, "a list is expected"),
        ({"name__in": []}, "a list is expected"),
        ({"created_at": "yesterday"}, "is no date"),
        ({"created_at": "2026-13-01"}, "is no date"),
        ({"created_at": "2026-12-01T99:00"}, "is no date"),
        (["name"], "an object is expected"),
    ],
)
def test_any_other_filter_is_refused_by_name(make_campaign: MakeCampaign, filters: Any, told: str) -> None:
    campaign = make_campaign(audience_type="contacts", audience_filters=filters)
    with pytest.raises(InvalidAudience, match=told):
        utils.resolve_audience(campaign)


def test_contacts_are_read_page_by_page(make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "PAGE", 3)
    for number in range(8):
        WhatsAppContact.objects.create(phone=f"4520000{number:03}", name="P", email=f"{number}@example.com")
    campaign = make_campaign(audience_type="contacts", parameter_mappings={"1": "email", "2": "phone"})
    assert len(phones(campaign)) == 8
    frozen(campaign)
    assert campaign.recipients.order_by("pk")[7].parameters == {"1": "7@example.com", "2": "+4520000007"}


def test_a_contact_without_a_number_is_reached_by_user_id(
    make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount
) -> None:
    for portfolio in (whatsapp_account.portfolio_id, "another"):
        contact = WhatsAppContact.objects.create(phone=None, name="Ann", email="a@example.com")
        WhatsAppContactIdentity.objects.create(
            contact=contact, identity=f"u:{portfolio}:US.13491208655302741918"
        )
    campaign = make_campaign(audience_type="contacts", parameter_mappings={"1": "name", "2": "email"})
    assert phones(campaign) == ["US.13491208655302741918"]
    assert [reason for _, _, reason in frozen(campaign)] == ["", "invalid_phone"]
