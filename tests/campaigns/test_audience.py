"""Who a campaign goes to: the documented order, every source, every reason to leave somebody out."""

from typing import Any

import pytest

from django_meta_whatsapp import utils
from django_meta_whatsapp.errors import InvalidAudience, InvalidFile, InvalidSetting
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
)
from django_meta_whatsapp.services.campaigns import freeze, states
from django_meta_whatsapp.services.campaigns.assignment import assign
from tests.campaigns.audience_words import frozen, phones
from tests.campaigns.conftest import MakeCampaign

pytestmark = pytest.mark.django_db

HERE = "tests.campaigns.sources"


def configure(settings: Any, **keys: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, **keys}


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


def test_numbers_and_gaps_of_a_data_frame_are_what_they_stand_for(
    make_campaign: MakeCampaign, settings: Any
) -> None:
    configure(settings, AUDIENCES={"frame": f"{HERE}.decimals"})
    campaign = make_campaign(audience_type="frame")
    assert utils.resolve_audience(campaign) == [{"phone": "+436641234567", "name": "", "params": {}}]
    assert sorted(frozen(campaign)) == [
        ("", "skipped", "invalid_phone"),
        ("436641234567", "skipped", "missing_variable"),
    ]


def test_a_gap_in_the_parameters_of_a_resolver_is_a_missing_variable(
    make_campaign: MakeCampaign, settings: Any
) -> None:
    configure(settings, CAMPAIGN_RESOLVER=f"{HERE}.gaps")
    assert frozen(make_campaign()) == [("4520123456", "skipped", "missing_variable")]


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


def test_a_row_with_more_cells_than_columns_is_told(make_campaign: MakeCampaign) -> None:
    with pytest.raises(InvalidFile, match="line 2 has 4 cells for 3 columns"):
        phones(make_campaign("phone,name,order\n+4512345678,Lee, Ann,1\n"))
