"""Who a campaign goes to: the documented order, every source, every reason to leave somebody out."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import utils
from django_meta_whatsapp.errors import InvalidAudience, InvalidFile, InvalidSetting
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppLabel,
)
from django_meta_whatsapp.services.campaigns import audience, freeze, states
from django_meta_whatsapp.services.campaigns.assignment import assign
from tests.campaigns.conftest import MakeCampaign

pytestmark = pytest.mark.django_db

HERE = "tests.campaigns.sources"


def configure(settings: Any, **keys: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, **keys}


def phones(campaign: WhatsAppCampaign) -> list[str]:
    return [person["phone"] for person in utils.resolve_audience(campaign)]


def frozen(campaign: WhatsAppCampaign) -> list[tuple[str, str, str]]:
    states.start(campaign.pk)
    assert freeze.freeze(assign(campaign))
    rows = campaign.recipients.order_by("pk")
    return list(rows.values_list("phone_number", "status", "skip_reason"))


def test_the_resolver_comes_first(make_campaign: MakeCampaign, settings: Any) -> None:
    configure(settings, CAMPAIGN_RESOLVER=f"{HERE}.resolver", AUDIENCES={"csv": f"{HERE}.customers"})
    assert utils.resolve_audience(make_campaign(name="May")) == [
        {"phone": "+4512345678", "name": "Ann", "params": {"order": "May"}},
        {"phone": "+919876543210", "name": "", "params": {}},
    ]


def test_a_resolver_may_decline(make_campaign: MakeCampaign, settings: Any) -> None:
    configure(settings, CAMPAIGN_RESOLVER=f"{HERE}.declining")
    assert phones(make_campaign(people=2)) == ["+4520000000", "+4520000001"]


def test_a_named_provider_comes_before_the_built_in_types(make_campaign: MakeCampaign, settings: Any) -> None:
    configure(settings, AUDIENCES={"csv": f"{HERE}.customers"})
    assert utils.resolve_audience(make_campaign()) == [
        {"phone": "+919876543210", "name": "Ann", "params": {"name": "Ann", "order": 7}}
    ]


def test_a_provider_may_have_fields_of_its_own(make_campaign: MakeCampaign, settings: Any) -> None:
    spec = {"provider": f"{HERE}.customers", "phone_field": "profile__mobile", "name_field": "order"}
    configure(settings, AUDIENCES={"shop": spec})
    people = utils.resolve_audience(make_campaign(audience_type="shop"))
    assert [(person["phone"], person["name"]) for person in people] == [
        ("+4512345678", "7"),
        ("+4512345679", "7"),
    ]


def test_the_settings_name_the_fields_of_all_providers(make_campaign: MakeCampaign, settings: Any) -> None:
    configure(
        settings, AUDIENCES={"shop": f"{HERE}.customers"}, PHONE_FIELD="profile__mobile", NAME_FIELD="name"
    )
    assert phones(make_campaign(audience_type="shop")) == ["+4512345678", "+4512345679"]


def test_a_provider_may_return_dicts_or_a_queryset(make_campaign: MakeCampaign, settings: Any) -> None:
    WhatsAppContact.objects.create(phone="4512345679", name="Bo")
    configure(settings, AUDIENCES={"a": f"{HERE}.dicts", "b": f"{HERE}.contacts_as_customers"})
    assert utils.resolve_audience(make_campaign(audience_type="a")) == [
        {"phone": "+4512345678", "name": "Ann", "params": {"name": "Ann", "order": 3}}
    ]
    # A contact's number is complete: the 10-digit rule is for what people type.
    assert phones(make_campaign(audience_type="b")) == ["+4512345679"]


def test_a_provider_is_asked_for_every_field_that_the_mappings_name(
    make_campaign: MakeCampaign, settings: Any
) -> None:
    configure(settings, AUDIENCES={"shop": f"{HERE}.customers"})
    mappings = {"1": {"field": "profile__mobile", "format": "upper"}, "cards": [{"1": "order"}]}
    campaign = make_campaign(audience_type="shop", parameter_mappings=mappings)
    params = utils.resolve_audience(campaign)[0]["params"]
    assert params == {"profile__mobile": "+4512345678", "order": 7}


@pytest.mark.parametrize(
    ("keys", "kind", "told"),
    [
        ({"CAMPAIGN_RESOLVER": "nowhere.at.all"}, InvalidSetting, "CAMPAIGN_RESOLVER.*cannot be imported"),
        ({"CAMPAIGN_RESOLVER": f"{HERE}.broken"}, InvalidAudience, "broken raised KeyError: 'customers'"),
        ({"CAMPAIGN_RESOLVER": f"{HERE}.breaks_halfway"}, InvalidAudience, "raised KeyError: 'page 2'"),
        ({"CAMPAIGN_RESOLVER": f"{HERE}.refusing"}, InvalidAudience, "^audience: the shop is closed$"),
        ({"CAMPAIGN_RESOLVER": f"{HERE}.nonsense"}, InvalidAudience, "entry 2 is no dict"),
        ({"AUDIENCES": {"csv": f"{HERE}.number"}}, InvalidAudience, "returned int, not a list or queryset"),
        ({"AUDIENCES": {"csv": {"phone_field": "x"}}}, InvalidSetting, "'csv' names no provider"),
        ({"AUDIENCES": {"csv": f"{HERE}.missing"}}, InvalidSetting, "AUDIENCES.*cannot be imported"),
    ],
)
def test_a_source_that_cannot_be_read_is_told_by_name(
    make_campaign: MakeCampaign, settings: Any, keys: dict[str, Any], kind: type[Exception], told: str
) -> None:
    configure(settings, **keys)
    with pytest.raises(kind, match=told):
        utils.resolve_audience(make_campaign())


def test_a_csv_campaign_without_its_file_is_told(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign()
    campaign.csv_file.storage.delete(campaign.csv_file.name)
    with pytest.raises(InvalidAudience, match="cannot be opened"):
        utils.resolve_audience(campaign)
    with pytest.raises(InvalidAudience, match="has no CSV file"):
        utils.resolve_audience(WhatsAppCampaign(audience_type="csv"))


MESSY = (
    "\ufeffPHONE;Full name;NAME;Order ID\r\n"
    "+45 12 34 56 78;Ann Lee;Ann;A-1\r\n"
    "004512345678;Ann again;Ann;A-2\r\n"
    "9876543210;Bo Rao;Bo;A-3\r\n"
    "+4520000001;Opted;Out;A-4\r\n"
    "+4520000002;Blocked;By us;A-5\r\n"
    "not a number;Cid;Cid;A-6\r\n"
    ";Nobody;No;A-7\r\n"
    "+4512345679;Dee;Dee;\r\n"
    ";;;\r\n"
)


def keep_out() -> None:
    WhatsAppContact.objects.create(phone="4520000001", opted_out=True)
    WhatsAppContact.objects.create(phone="4520000002", is_blocked=True)


def test_a_messy_file_is_understood(make_campaign: MakeCampaign) -> None:
    keep_out()
    campaign = make_campaign(MESSY, parameter_mappings={"1": "name", "2": "order id"})
    people = utils.resolve_audience(campaign)
    assert [(person["phone"], person["name"]) for person in people] == [
        ("+4512345678", "Ann"),
        ("+919876543210", "Bo"),
        ("+4512345679", "Dee"),
    ]
    assert people[0]["params"] == {
        "PHONE": "+45 12 34 56 78",
        "Full name": "Ann Lee",
        "NAME": "Ann",
        "Order ID": "A-1",
    }


def test_everybody_who_is_left_out_keeps_a_row_with_the_reason(make_campaign: MakeCampaign) -> None:
    keep_out()
    campaign = make_campaign(MESSY, parameter_mappings={"1": "name", "2": "order id"})
    assert frozen(campaign) == [
        ("4512345678", "pending", ""),
        ("4512345678", "skipped", "duplicate"),
        ("919876543210", "pending", ""),
        ("4520000001", "skipped", "opted_out"),
        ("4520000002", "skipped", "blocked"),
        ("not a number".replace(" ", ""), "skipped", "invalid_phone"),
        ("", "skipped", "invalid_phone"),
        ("4512345679", "skipped", "missing_variable"),
    ]
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.skipped_count) == (8, 6)
    assert campaign.frozen_at
    row = campaign.recipients.get(phone_number="919876543210")
    assert (row.identity, row.parameters, row.name) == ("p:919876543210", {"1": "Bo", "2": "A-3"}, "Bo")
    assert row.contact
    assert row.contact.name == "Bo"


@pytest.mark.parametrize("source", ["resolver", "provider", "contacts", "csv"])
def test_whoever_is_blocked_or_opted_out_is_left_out_of_every_source(
    make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount, settings: Any, source: str
) -> None:
    out = WhatsAppContact.objects.create(phone="4512345678", name="Ann")
    WhatsAppContactAccount.objects.create(contact=out, account=whatsapp_account, is_blocked=True)
    WhatsAppBlockedUser.objects.create(
        account=whatsapp_account, identity="p:4512345677", phone_number="4512345677"
    )
    WhatsAppContact.objects.create(phone="4512345677", name="Bo")
    if source == "resolver":
        configure(settings, CAMPAIGN_RESOLVER=f"{HERE}.resolver")
    elif source == "provider":
        configure(settings, AUDIENCES={"shop": f"{HERE}.contacts_as_customers"})
    kind = {"resolver": "csv", "provider": "shop"}.get(source, source)
    WhatsAppContact.objects.create(phone="4512345676", name="Cid")
    everybody = "phone,name\n+4512345678,Ann\n+4512345677,Bo\n+4512345676,Cid\n"
    campaign = make_campaign(everybody, audience_type=kind)
    assert phones(campaign) == (["+919876543210"] if source == "resolver" else ["+4512345676"])


def test_a_stop_of_marketing_keeps_people_out_of_marketing_only(
    make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount
) -> None:
    contact = WhatsAppContact.objects.create(phone="4520000001")
    WhatsAppContactAccount.objects.create(contact=contact, account=whatsapp_account, marketing_opted_out=True)
    campaign = make_campaign(people=3)
    assert len(phones(campaign)) == 3
    assert campaign.template
    campaign.template.category = "MARKETING"
    assert phones(campaign) == ["+4520000000", "+4520000002"]


def test_two_numbers_of_one_person_are_one_person(make_campaign: MakeCampaign) -> None:
    contact = WhatsAppContact.objects.create(phone="5531912345678")
    WhatsAppContactIdentity.objects.create(contact=contact, identity="p:553112345678")
    campaign = make_campaign("phone,name,order\n+5531912345678,Ana,1\n+553112345678,Ana,2\n")
    assert phones(campaign) == ["+5531912345678"]
    assert [reason for _, _, reason in frozen(campaign)] == ["", "duplicate"]


def test_a_better_entry_further_down_counts(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign("phone,name,order\n+4512345678,Ann,\n+4512345678,Ann,A-1\n")
    assert [reason for _, _, reason in frozen(campaign)] == ["missing_variable", ""]


@pytest.mark.parametrize(("allowed", "reason"), [(False, "us_marketing"), (True, "")])
def test_marketing_to_the_us_is_skipped_unless_a_setting_says_otherwise(
    make_campaign: MakeCampaign, settings: Any, allowed: bool, reason: str
) -> None:
    configure(settings, SEND_MARKETING_TO_US=allowed)
    campaign = make_campaign("phone,name,order\n+12125550123,Ann,1\n+14165550123,Bo,2\n")
    assert campaign.template
    campaign.template.category = "MARKETING"
    campaign.template.save()
    assert [why for _, _, why in frozen(campaign)] == [reason, ""]


def test_duplicates_are_found_across_batches(make_campaign: MakeCampaign) -> None:
    once = "".join(f"+45{20000000 + n},P,{n}\n" for n in range(450))
    campaign = make_campaign(f"phone,name,order\n{once}{once}")
    rows = frozen(campaign)
    assert (len(rows), sum(reason == "duplicate" for _, _, reason in rows)) == (900, 450)
    assert len(phones(campaign)) == 450


def test_freezing_costs_queries_by_the_batch(
    make_campaign: MakeCampaign, django_assert_max_num_queries: Any
) -> None:
    campaign = make_campaign(people=800)
    states.start(campaign.pk)
    assignment = assign(campaign)
    with django_assert_max_num_queries(150):
        assert freeze.freeze(assignment)


def test_resolving_costs_queries_by_the_batch(
    make_campaign: MakeCampaign, django_assert_max_num_queries: Any
) -> None:
    campaign = make_campaign(people=800)
    with django_assert_max_num_queries(40):
        assert len(phones(campaign)) == 800


def test_the_audience_comes_as_a_stream(make_campaign: MakeCampaign) -> None:
    stream = utils.iter_audience(make_campaign(f"phone,name,order\n{'+4512345678,Ann,1' + chr(10)}"))
    assert iter(stream) is stream
    assert next(stream)["phone"] == "+4512345678"
    with pytest.raises(StopIteration):
        next(stream)


def test_an_audience_can_be_looked_at_before_there_is_a_template(make_campaign: MakeCampaign) -> None:
    assert len(phones(make_campaign(template=None, account=None, people=2))) == 2


# Contacts


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


def test_a_row_with_more_cells_than_columns_is_told(make_campaign: MakeCampaign) -> None:
    with pytest.raises(InvalidFile, match="line 2 has 4 cells for 3 columns"):
        phones(make_campaign("phone,name,order\n+4512345678,Lee, Ann,1\n"))
