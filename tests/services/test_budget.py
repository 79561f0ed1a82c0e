"""The messaging limit of a portfolio: people in 24 hours outside an open window, on a policy clock that the test moves."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.cloud_api.content import Template
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppReachedPerson,
)
from django_meta_whatsapp.services import budget, clock, outbox
from django_meta_whatsapp.services.campaigns import runner
from django_meta_whatsapp.services.campaigns.states import Counts
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(whatsapp_account: WhatsAppAccount) -> WhatsAppAccount:
    whatsapp_account.messaging_limit = "TIER_250"
    whatsapp_account.save()
    return whatsapp_account


@pytest.mark.parametrize(
    ("told", "people"),
    [
        ("TIER_50", 50),
        ("TIER_250", 250),
        ("TIER_1K", 1000),
        ("TIER_2K", 2000),
        ("TIER_100K", 100_000),
        ("tier_10k", 10_000),
        ("TIER_UNLIMITED", None),
        ("UNLIMITED", None),
        ("", None),
    ],
)
def test_the_limit_is_what_meta_tells(told: str, people: int | None) -> None:
    assert budget.limit(WhatsAppAccount(phone_number_id="1", messaging_limit=told)) == people


def test_the_limit_can_be_set_and_switched_off(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MESSAGING_LIMIT": 7}
    assert budget.remaining_budget(account) == 7
    settings.WHATSAPP = {**settings.WHATSAPP, "KEEP_MESSAGING_LIMIT": False}
    assert budget.remaining_budget(account) is None
    assert budget.reserve(account, [1, 2]).contacts == {1, 2}
    assert not WhatsAppReachedPerson.objects.exists()


def test_everybody_is_counted_once_for_24_hours(account: WhatsAppAccount) -> None:
    assert budget.reserve(account, range(200)).until is None
    assert budget.remaining_budget(account) == 50
    with clock.moved(timedelta(hours=1)):
        assert budget.reserve(account, range(100, 220)).contacts == set(range(100, 220))
        assert budget.remaining_budget(account) == 30
    with clock.moved(timedelta(hours=24, minutes=1)):
        # Who was written to again counts from then.
        assert budget.remaining_budget(account) == 250 - 120
    with clock.moved(timedelta(hours=25, minutes=1)):
        assert budget.remaining_budget(account) == 250
        assert budget.forget_old() == 220


def test_whoever_is_beyond_the_limit_waits_until_a_place_is_free(account: WhatsAppAccount) -> None:
    began = clock.now()
    budget.reserve(account, range(200))
    with clock.moved(timedelta(hours=3)):
        reserved = budget.reserve(account, range(190, 300))
    assert reserved.contacts == set(range(190, 250))
    assert reserved.until is not None
    assert timedelta(0) <= reserved.until - began - budget.DAY < timedelta(minutes=6)
    with clock.moved(timedelta(hours=24, minutes=6)):
        assert budget.reserve(account, range(250, 300)).contacts == set(range(250, 300))


def test_people_who_have_just_written_do_not_count(account: WhatsAppAccount) -> None:
    keys = [WhatsAppContact.objects.create(phone=f"4520000{number:03}").pk for number in range(3)]
    for key, hours in zip(keys, (1, 30), strict=False):
        WhatsAppContactAccount.objects.create(
            account=account, contact_id=key, last_inbound_at=clock.now() - timedelta(hours=hours)
        )
    assert budget.reserve(account, keys).contacts == set(keys)
    counted = set(WhatsAppReachedPerson.objects.values_list("contact_key", flat=True))
    assert counted == set(keys[1:])


def test_numbers_of_one_portfolio_share_its_limit_and_other_portfolios_have_their_own(
    account: WhatsAppAccount,
) -> None:
    values = {"messaging_limit": "TIER_250", "name": "Shop"}
    same = WhatsAppAccount.objects.create(phone_number_id="2", portfolio_id=account.portfolio_id, **values)
    other = WhatsAppAccount.objects.create(phone_number_id="3", portfolio_id="9", **values)
    budget.reserve(account, range(100))
    assert (budget.remaining_budget(same), budget.remaining_budget(other)) == (150, 250)


def test_many_people_cost_no_query_each(account: WhatsAppAccount) -> None:
    asked = []
    for first in (0, 100):
        with CaptureQueriesContext(connection) as queries:
            budget.reserve(account, range(first, first + 10 + first))
        asked.append(len(queries))
    assert asked[1] <= asked[0] <= 12


def test_a_template_outside_campaigns_counts_and_goes_out_whatever_the_limit(
    account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MESSAGING_LIMIT": 1}
    template = Template("hello_world", "en_US", [])
    for number in ("+4520000001", "+4520000002"):
        message = outbox.send_message(account, number, template, category="UTILITY")
        assert message.status == "accepted"
    assert WhatsAppReachedPerson.objects.count() == 2
    assert budget.remaining_budget(account) == 0


def test_a_campaign_waits_for_the_budget_and_then_goes_on(
    simulator: SimulatorServer, account: WhatsAppAccount, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MESSAGING_LIMIT": 4}
    assert runner.run(campaign.pk) == Counts(4, 0)
    campaign.refresh_from_db()
    assert campaign.status == "running"
    assert "24 hours" in campaign.status_reason
    assert campaign.wake_at
    assert dict(campaign.recipients.values_list("status", "attempt_count")) == {"accepted": 1, "pending": 0}
    assert set(campaign.recipients.values_list("lease", "not_before")) == {("", None)}
    with clock.moved(timedelta(hours=24, minutes=6)):
        assert runner.run(campaign.pk) == Counts(8, 0)
    with clock.moved(timedelta(hours=49)):
        assert runner.run(campaign.pk) == Counts(10, 0)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("completed", "")
    assert {person["count"] for person in simulator.control.people().values()} == {1}


@pytest.fixture
def campaign(account: WhatsAppAccount) -> WhatsAppCampaign:
    """To ten people."""
    for number in range(10):
        WhatsAppContact.objects.create(phone=f"4520000{number:03}")
    template = account.templates.create(
        name="hello_world", language="en_US", status="APPROVED", category="UTILITY"
    )
    return WhatsAppCampaign.objects.create(
        name="All", account=account, template=template, audience_type="contacts"
    )
