"""What campaigns may show of our contacts, and what becomes of people whose values are missing or cannot be used."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppContact, WhatsAppLabel
from django_meta_whatsapp.services.campaigns import runner
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.freeze import freeze
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> WhatsAppContact:
    contact = WhatsAppContact.objects.create(phone="4520000000", name="Ann Lee", email="ann@shop.example")
    contact.labels.set(WhatsAppLabel.objects.create(name=name) for name in ("VIP", "Gold"))
    return contact


def frozen(campaign: WhatsAppCampaign) -> list[tuple[Any, ...]]:
    """What became of each row."""
    assert freeze(assign(campaign))
    rows = campaign.recipients.order_by("pk")
    return list(rows.values_list("status", "skip_reason", "error_message", "parameters"))


def test_contacts_fill_variables_with_their_declared_fields_and_labels(
    make_campaign: MakeCampaign, ann: WhatsAppContact
) -> None:
    mappings = {"1": {"field": "Labels"}, "2": "label"}
    campaign = make_campaign(audience_type="contacts", parameter_mappings=mappings)
    assert frozen(campaign) == [("pending", "", "", {"1": "Gold, VIP", "2": "Gold"})]


def test_any_audience_may_show_what_we_know_of_the_contact(
    make_campaign: MakeCampaign, ann: WhatsAppContact
) -> None:
    mappings = {
        "1": {"field": "contact.email", "default": "-"},
        "2": {"field": "contact.labels", "default": "none"},
    }
    campaign = make_campaign(people=2, parameter_mappings=mappings)
    assert [row[3] for row in frozen(campaign)] == [
        {"1": "ann@shop.example", "2": "Gold, VIP"},
        {"1": "-", "2": "none"},
    ]


def test_labels_cost_one_query_for_many_people(make_campaign: MakeCampaign) -> None:
    for number in range(20):
        WhatsAppContact.objects.create(phone=f"45200000{number:02}", name=f"Person {number}")
    plain = make_campaign(audience_type="contacts", parameter_mappings={"1": "name", "2": "name"})
    labelled = make_campaign(
        audience_type="contacts", parameter_mappings={"1": "name", "2": {"field": "label", "default": "none"}}
    )
    counts = []
    for campaign in (plain, labelled):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert freeze(assign(campaign))
        counts.append(len(queries))
    assert counts[1] == counts[0] + 1


@pytest.mark.parametrize(
    ("audience", "field"),
    [("contacts", "password"), ("contacts", "labels__name"), ("csv", "contact.opted_out")],
)
def test_a_field_that_contacts_do_not_have_is_told_with_the_variable(
    make_campaign: MakeCampaign, audience: str, field: str
) -> None:
    campaign = make_campaign(audience_type=audience, parameter_mappings={"1": field, "2": "name"})
    with pytest.raises(
        CampaignNotRunnable, match=rf"variable \{{\{{1\}}\}}: contacts have no field '{field}'"
    ):
        assign(campaign)


def test_whoever_lacks_a_value_or_has_an_unusable_one_is_skipped_and_the_others_are_not(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(
        "phone,name,total\n+4520000001,Ann,12\n+4520000002,,13\n+4520000003,Bob,many\n+4520000004,"
        + "x" * 1010
        + ",14\n",
        parameter_mappings={"1": "name", "2": {"field": "total", "format": "number", "decimals": 2}},
    )
    runner.run(campaign.pk)
    rows = campaign.recipients.order_by("pk").values_list("status", "skip_reason", "error_message")
    ann, nobody, bob, long = list(rows)
    assert ann == ("accepted", "", "")
    assert nobody == ("skipped", "missing_variable", "1, line 3")
    assert bob == ("skipped", "invalid_variable", "variable {{2}}: 'many' is no number; line 4")
    assert (long[:2], "at most 1024" in long[2]) == (("skipped", "invalid_variable"), True)
    assert len(list(simulator.control.messages())) == 1
