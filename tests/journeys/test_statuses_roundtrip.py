"""What we send climbs by the simulator's webhooks, posted to a live site: late, doubled, reordered, or instead of an answer."""

import pytest

from django_meta_whatsapp.cloud_api.content import Template
from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
)
from django_meta_whatsapp.utils import run_campaign, send_message
from whatsapp_simulator.testing import SimulatorServer

HELLO = Template("hello_world", "en_US")


def send(account: WhatsAppAccount, number: str = "+4512345678") -> WhatsAppMessage:
    return send_message(account, number, HELLO, category="UTILITY")


@pytest.fixture
def campaign(whatsapp_account: WhatsAppAccount) -> WhatsAppCampaign:
    """A campaign to 20 people."""
    for number in range(20):
        WhatsAppContact.objects.create(phone=f"45200000{number:02}", name=f"Person {number}")
    template = WhatsAppTemplate.objects.create(
        account=whatsapp_account, name="hello_world", language="en_US", status="APPROVED", category="UTILITY"
    )
    return WhatsAppCampaign.objects.create(
        name="All", account=whatsapp_account, template=template, audience_type="contacts"
    )


def counts(campaign: WhatsAppCampaign) -> tuple[int, int, int, int, int]:
    campaign.refresh_from_db()
    return (
        campaign.sent_count,
        campaign.delivered_count,
        campaign.read_count,
        campaign.failed_count,
        campaign.unknown_count,
    )


def times_messaged(site: SimulatorServer) -> set[int]:
    """How often people were messaged, by the simulator's ledger."""
    return {person["count"] for person in site.control.people().values()}


def test_a_message_climbs_to_read_with_the_time_of_each_rung(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    message = send(whatsapp_account)
    assert webhook_site.control.drain()["drained"]
    message.refresh_from_db()
    assert message.status == "read"
    assert message.sent_at is not None
    assert message.delivered_at is not None
    assert message.read_at is not None
    assert message.sent_at <= message.delivered_at <= message.read_at
    assert message.pricing is not None
    assert message.pricing["category"] == "utility"


@pytest.mark.parametrize("double", [0.0, 1.0])
def test_a_campaign_climbs_whatever_the_order_of_its_webhooks(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign, double: float
) -> None:
    webhook_site.control.webhooks(reorder=True, double=double, delay=[0, 0.2], batch_size=7)
    assert run_campaign(campaign.pk) == {"sent": 20, "failed": 0}
    assert webhook_site.control.drain()["drained"]
    assert counts(campaign) == (20, 20, 20, 0, 0)
    assert times_messaged(webhook_site) == {1}
    assert {row.status for row in campaign.recipients.all()} == {"read"}


def test_answers_that_were_lost_are_settled_by_their_statuses(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    webhook_site.control.fault("drop", probability=0.5, seed=3)
    run_campaign(campaign.pk)
    assert webhook_site.control.drain()["drained"]
    assert counts(campaign) == (20, 20, 20, 0, 0)
    assert times_messaged(webhook_site) == {1}
    assert not WhatsAppSendAttempt.objects.exclude(state=AttemptState.ACCEPTED).exists()


def test_a_message_whose_answer_was_lost_is_settled_by_its_status(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    webhook_site.control.webhooks(enabled=False)
    webhook_site.control.fault("drop", probability=1.0, count=1)
    message = send(whatsapp_account)
    assert message.status == "unknown"
    webhook_site.control.webhooks(enabled=True)
    assert webhook_site.control.drain()["drained"]
    message.refresh_from_db()
    [entry] = webhook_site.control.messages()
    assert (message.status, message.message_id, message.error_message) == ("read", entry["wamid"], "")
    assert message.attempts.get().state == AttemptState.ACCEPTED


def test_a_failure_that_comes_later_is_told_with_its_reason(
    webhook_site: SimulatorServer, campaign: WhatsAppCampaign
) -> None:
    webhook_site.control.person("4520000003", on_whatsapp=False)
    assert run_campaign(campaign.pk)["sent"] == 20
    assert webhook_site.control.drain()["drained"]
    assert counts(campaign) == (20, 19, 19, 1, 0)
    row = campaign.recipients.get(status="failed")
    assert (row.phone_number, row.error_code, row.error_class) == ("4520000003", 131026, "recipient")
    assert row.error_message
    assert row.failed_at is not None
