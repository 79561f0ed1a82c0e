"""The filters of contacts: what each field and operator finds, how they connect, and what is refused by name."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from django_meta_whatsapp.errors import InvalidAudience
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppLabel,
    WhatsAppSegment,
    WhatsAppSignup,
    filters,
)
from django_meta_whatsapp.services import clock, segments
from django_meta_whatsapp.services.campaigns import audience
from django_meta_whatsapp.services.campaigns.contact_filters import filtered
from tests.models import rows

pytestmark = pytest.mark.django_db
EVERYBODY = {"Ann", "Bo", "Cid", "Dee"}


@pytest.fixture
def shops() -> tuple[WhatsAppAccount, WhatsAppAccount]:
    """Ann wrote to both an hour and ten days ago, Bo to the first 40 days ago; Cid stopped the first's marketing."""
    first, second = rows.account(name="First"), rows.account(name="Second")
    now = timezone.now()
    vip, old = (WhatsAppLabel.objects.create(name=name) for name in ("VIP", "Old"))
    signup = WhatsAppSignup.objects.create(account=first, signup_id="77", display_name="Spring news")
    ann = rows.contact(name="Ann", phone="4511111111", email="ann@shop.example")
    bo = rows.contact(name="Bo", phone="12125550101", subscribed_via_signup=signup)
    cid = rows.contact(name="Cid", phone="6522222222", notes="Late payer")
    rows.contact(name="Dee", phone=None, opted_out=True)
    WhatsAppContact.objects.filter(pk=bo.pk).update(subscribed_at=now - timedelta(days=3))
    ann.labels.add(vip, old)
    bo.labels.add(old)
    WhatsAppContactAccount.objects.bulk_create(
        [
            WhatsAppContactAccount(contact=ann, account=first, last_inbound_at=now - timedelta(hours=1)),
            WhatsAppContactAccount(contact=ann, account=second, last_inbound_at=now - timedelta(days=10)),
            WhatsAppContactAccount(contact=bo, account=first, last_inbound_at=now - timedelta(days=40)),
            WhatsAppContactAccount(contact=cid, account=first, marketing_opted_out=True),
        ]
    )
    return first, second


def found(given: Any, account: WhatsAppAccount | None = None) -> set[str]:
    names = list(filtered(WhatsAppContact.objects.all(), given, account).values_list("name", flat=True))
    assert len(names) == len(set(names))  # nobody twice
    return set(names)


@pytest.mark.usefixtures("shops")
@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, EVERYBODY),
        ({"name__not": "Ann"}, EVERYBODY - {"Ann"}),
        ({"name__not_in": ["Ann", "Bo"]}, {"Cid", "Dee"}),
        ({"phone__not": "+45 1111 1111"}, EVERYBODY - {"Ann"}),
        ({"phone__empty": True}, {"Dee"}),
        ({"phone__empty": False}, EVERYBODY - {"Dee"}),
        ({"email__empty": False}, {"Ann"}),
        ({"notes__icontains": "late"}, {"Cid"}),
        ({"country_code": "45"}, {"Ann"}),
        ({"country_code__in": ["+45", "65"]}, {"Ann", "Cid"}),
        ({"country_code__not": "1"}, EVERYBODY - {"Bo"}),
        ({"country_code__not_in": ["1212", "45"]}, {"Cid", "Dee"}),
        ({"labels__any": ["VIP", "Old"]}, {"Ann", "Bo"}),
        ({"labels__all": ["VIP", "Old"]}, {"Ann"}),
        ({"labels__none": ["VIP"]}, EVERYBODY - {"Ann"}),
        ({"labels__empty": True}, {"Cid", "Dee"}),
        ({"labels__empty": False}, {"Ann", "Bo"}),
        ({"labels__name": "VIP"}, {"Ann"}),
        ({"subscribed_at__within_days": 7}, {"Bo"}),
        ({"subscribed_at__older_than_days": 2.5}, {"Bo"}),
        ({"subscribed_at__older_than_days": 7}, set()),
        ({"subscribed_at__empty": True}, EVERYBODY - {"Bo"}),
        ({"created_at__within_days": 1}, EVERYBODY),
        ({"signup": "77"}, {"Bo"}),
        ({"signup__not": "77"}, EVERYBODY - {"Bo"}),
        ({"signup__empty": True}, EVERYBODY - {"Bo"}),
        ({"signup__name__istartswith": "spring"}, {"Bo"}),
        ({"consent": "allowed"}, {"Ann", "Bo"}),
        ({"consent": "opted_out"}, {"Dee"}),
        ({"consent__in": ["opted_out", "marketing_stopped"]}, {"Cid", "Dee"}),
        ({"consent__not": "opted_out"}, EVERYBODY - {"Dee"}),
        ({"window": "open"}, {"Ann"}),
        ({"window": "closed"}, EVERYBODY - {"Ann"}),
        ({"last_inbound_at__within_days": 1}, {"Ann"}),
        ({"last_inbound_at__older_than_days": 30}, {"Bo"}),
        ({"last_inbound_at__older_than_days": 5}, {"Bo"}),
        ({"last_inbound_at__gte": "2000-01-01"}, {"Ann", "Bo"}),
        ({"last_inbound_at__lte": "2000-01-01"}, set()),
        ({"last_inbound_at__empty": True}, {"Cid", "Dee"}),
        ({"or": [{"name": "Ann"}, {"name": "Cid"}]}, {"Ann", "Cid"}),
        ({"or": [{"name": "Ann"}, {}]}, EVERYBODY),
        ({"and": [{"labels__name": "Old"}, {"name__not": "Ann"}]}, {"Bo"}),
        ({"not": {"labels__name": "VIP"}}, EVERYBODY - {"Ann"}),
        ({"not": {"phone__startswith": "45"}}, EVERYBODY - {"Ann"}),
        ({"not": {"subscribed_at__within_days": 7}}, EVERYBODY - {"Bo"}),
        ({"not": {"signup__name": "Spring news"}}, EVERYBODY - {"Bo"}),
        ({"not": {}}, set()),
        ({"not": {"not": {}}}, EVERYBODY),
        (
            {
                "or": [
                    {"labels__name": "VIP"},
                    {"and": [{"not": {"consent": "allowed"}}, {"phone__empty": False}]},
                ]
            },
            {"Ann", "Cid"},
        ),
        ({"name": "Bo", "or": [{"country_code": "1"}, {"country_code": "45"}]}, {"Bo"}),
    ],
)
def test_each_field_and_operator_finds_whom_it_names(given: dict[str, Any], names: set[str]) -> None:
    assert found(given) == names
    assert found({"not": given}) == EVERYBODY - names


def test_consent_window_and_messages_are_those_of_the_campaigns_number(
    shops: tuple[WhatsAppAccount, WhatsAppAccount],
) -> None:
    first, second = shops
    assert found({"window": "open"}, first) == {"Ann"}
    assert found({"window": "open"}, second) == set()
    assert found({"last_inbound_at__older_than_days": 5}, second) == {"Ann"}
    assert found({"consent": "marketing_stopped"}, second) == set()


@pytest.mark.usefixtures("shops")
def test_relative_times_and_the_window_go_by_policy_time() -> None:
    with clock.moved(timedelta(days=2)):
        assert found({"window": "open"}) == set()
        assert found({"last_inbound_at__within_days": 1}) == set()
        assert found({"last_inbound_at__within_days": 3}) == {"Ann"}


def deep(levels: int) -> dict[str, Any]:
    return {"not": deep(levels - 1)} if levels > 1 else {"name": "Ann"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"labels": ["VIP"]}, "'labels': labels can be compared by any, all, none, empty"),
        ({"labels__any": "VIP"}, "'labels__any': a list is expected"),
        ({"labels__any": []}, "a list is expected"),
        ({"labels__any": [5]}, "'labels__any': text is expected"),
        ({"name__in": ["x"] * (filters.MAX_VALUES + 1)}, "at most 1000"),
        ({"name": "x" * 1001}, "at most 1000 characters"),
        ({"name": "a\0b"}, "plain text"),
        ({"name": "\ud800"}, "plain text"),
        ({"name__empty": "yes"}, "'name__empty': true or false is expected"),
        ({"country_code": "DK"}, "'DK' is no country code"),
        ({"country_code": "045"}, "is no country code"),
        ({"country_code": "\u0664\u0665"}, "is no country code"),
        ({"created_at__within_days": 0}, "a number of days"),
        ({"created_at__within_days": True}, "a number of days"),
        ({"created_at__within_days": float("nan")}, "a number of days"),
        ({"created_at__within_days": 1e9}, "up to 36500"),
        ({"created_at__gt": "0001-01-01T00:00:00+14:00"}, "'created_at__gt': .* a year from 2 to 9998"),
        ({"created_at__gt": "9999-12-31"}, "a year from 2 to 9998"),
        ({"consent": "maybe"}, "'allowed' or 'marketing_stopped' or 'opted_out' is expected"),
        ({"window__not": "open"}, "window can be compared by exact"),
        ({"last_inbound_at": "2026-01-01"}, "last_inbound_at can be compared by gt"),
        ({"account_states__account__access_token__startswith": "E"}, "is no filter"),
        ({"subscribed_via_signup__account__app_secret": "E"}, "is no filter"),
        ({"or": []}, "'or': a list of objects is expected"),
        ({"or": {"name": "Ann"}}, "'or': a list of objects is expected"),
        ({"or": ["name"]}, "an object is expected"),
        ({"not": [{"name": "Ann"}]}, "an object is expected"),
        ({"or": [{"name": "Ann"}, {"and": [{"pasword": "x"}]}]}, "'pasword' is no filter"),
        ({"": "x"}, "'' is no filter"),
        (deep(filters.MAX_DEPTH + 1), "a nesting of at most 5"),
        ({"or": [{"name": "Ann"}] * filters.MAX_CONDITIONS}, "at most 50 conditions"),
    ],
)
def test_what_is_no_filter_is_refused_by_its_key_and_asks_nothing(
    given: Any, why: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0), pytest.raises(InvalidAudience, match=why):
        filters.check(given)


def test_a_nesting_that_python_could_not_follow_is_refused_like_any_other() -> None:
    given: dict[str, Any] = {}
    for _ in range(100_000):
        given = {"not": given}
    with pytest.raises(InvalidAudience, match="a nesting of at most 5"):
        filters.check(given)
    while given:  # taken apart by hand: the garbage collector follows nestings, too
        given = given.pop("not")


def test_the_deepest_and_widest_filters_that_are_allowed_can_be_asked() -> None:
    wide = {"or": [{"name": f"Ann {n}"} for n in range(filters.MAX_CONDITIONS - 1)]}
    assert found(deep(filters.MAX_DEPTH)) == found(wide) == set()
    assert found({"phone__in": [f"45{n:08}" for n in range(filters.MAX_VALUES)]}) == set()
    assert found({"labels__all": [f"Label {n}" for n in range(filters.MAX_VALUES)]}) == set()
    assert found({"created_at__gt": "0002-01-01"}) == found({"created_at__lt": "9998-12-31"}) == set()


def test_no_operator_of_any_field_fails_in_the_database() -> None:
    samples: dict[str, Any] = {
        "country_code": "45", "consent": "allowed", "window": "open", "phone": "4512345678"
    }  # fmt: skip
    for name, field in filters.FIELDS.items():
        for operator in field.operators:
            value: Any = samples.get(name, "2026-01-01")
            if operator in ("in", "not_in", "any", "all", "none"):
                value = [value]
            elif operator == "empty":
                value = True
            elif operator.endswith("_days"):
                value = 3
            assert found({f"{name}__{operator}": value}) == set()


# Where filters are saved


@pytest.mark.usefixtures("shops")
def test_a_segment_is_an_audience_that_filters_narrow_further() -> None:
    segment = WhatsAppSegment.objects.create(name="Old", filters={"labels__name": "Old"})
    account = WhatsAppAccount.objects.get(name="First")
    campaign = rows.campaign(account=account, segment=segment)
    assert [person["name"] for person in audience.resolve_audience(campaign)] == ["Ann", "Bo"]
    campaign.audience_filters = {"country_code": "1"}
    assert [person["name"] for person in audience.resolve_audience(campaign)] == ["Bo"]


@pytest.mark.usefixtures("shops")
def test_a_segment_is_counted_with_and_without_those_who_cannot_be_reached(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(1):
        assert segments.count({"labels__empty": True}) == segments.SegmentCount(2, 1)


def test_a_segment_with_wrong_filters_is_refused_at_save() -> None:
    with pytest.raises(ValidationError) as told:
        WhatsAppSegment(name="X", filters={"or": [{"pasword": "x"}]}).full_clean()
    assert "'pasword' is no filter" in told.value.message_dict["filters"][0]


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"audience_filters": {"password": "x"}}, "audience_filters", "'password' is no filter"),
        ({"audience_type": "shop", "audience_filters": {"town": 1}}, "audience_filters", "it takes city"),
        ({"audience_type": "plain", "audience_filters": {"town": 1}}, "audience_filters", "it takes none"),
        ({"audience_type": "broken"}, "audience_type", "names no provider"),
        ({"audience_type": "nowhere"}, "audience_type", "there are contacts, csv, shop, plain, broken"),
    ],
)
def test_a_campaign_whose_audience_could_never_be_resolved_is_refused_at_save(
    settings: Any, fields: dict[str, Any], field: str, why: str
) -> None:
    shop = {"provider": "tests.campaigns.sources.in_city", "parameters": {"city": "Pune"}}
    providers = {"shop": shop, "plain": "tests.campaigns.sources.dicts", "broken": {}}
    settings.WHATSAPP = {**settings.WHATSAPP, "AUDIENCES": providers}
    with pytest.raises(ValidationError) as told:
        WhatsAppCampaign(name="X", **fields).full_clean()
    assert why in told.value.message_dict[field][0]


def test_a_segment_belongs_to_contacts() -> None:
    segment = WhatsAppSegment.objects.create(name="All")
    with pytest.raises(ValidationError) as told:
        WhatsAppCampaign(name="X", audience_type="csv", segment=segment).full_clean()
    assert "segment" in told.value.message_dict


def test_a_resolver_gives_any_name_a_meaning(settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "CAMPAIGN_RESOLVER": "tests.campaigns.sources.resolver"}
    WhatsAppCampaign(name="X", audience_type="gold", audience_filters={"plan": "gold"}).full_clean()


def test_ready_made_filters_are_objects_or_their_json(settings: Any) -> None:
    ready = {"VIP": {"labels__name": "VIP"}, "Old": '{"labels__name": "Old"}', "Bad": "{", "Worse": {"x": 1}}
    settings.WHATSAPP = {**settings.WHATSAPP, "CONTACT_FILTERS": ready}
    assert segments.ready_made("VIP") == {"labels__name": "VIP"}
    assert segments.ready_made("Old") == {"labels__name": "Old"}
    for label in ("Bad", "Worse", "None"):
        with pytest.raises(ValueError, match=f"CONTACT_FILTERS.*'{label}'"):
            segments.ready_made(label)
