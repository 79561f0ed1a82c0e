"""Somebody writes to us at the simulator, whose webhook comes to a live site."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Template, Text
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppTemplate,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.utils import run_campaign, send_message
from whatsapp_simulator.testing import SimulatorServer

TEN_DIGITS = {"SG": "6591234567", "NO": "4791234567", "DK": "4512345678", "EE": "3725123456"}


def writes(site: SimulatorServer, wa_id: str, text: str = "hi", **options: Any) -> None:
    """Somebody writes, and our site has applied it."""
    site.control.inbound(wa_id, {"type": "text", "text": {"body": text}}, **options)
    assert site.control.drain()["drained"]


def sent_to(site: SimulatorServer) -> list[str]:
    return [message["to"] for message in site.control.messages()]


def test_a_message_opens_a_thread_and_the_window_for_an_answer(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    writes(webhook_site, "919876543210", "Do you have it in blue? \U0001f499", name="Asha")
    thread = WhatsAppConversation.objects.get()
    assert (thread.contact.name, thread.unread_count) == ("Asha", 1)
    question = thread.messages.get()
    assert question.message_body == "Do you have it in blue? \U0001f499"
    standing = WhatsAppContactAccount.objects.get()
    assert standing.last_inbound_at is not None
    assert abs(standing.last_inbound_at - timezone.now()) < timedelta(minutes=1)
    answer = send_message(whatsapp_account, thread.contact, Text("We do."))
    assert webhook_site.control.drain()["drained"]
    answer.refresh_from_db()
    assert (answer.status, answer.conversation) == ("read", thread)


def test_somebody_who_hides_their_number_can_be_answered(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    writes(webhook_site, "919876543210", hide_phone=True, user_id="IN.99120865530274")
    contact = WhatsAppContact.objects.get()
    assert contact.phone is None
    message = send_message(whatsapp_account, contact, Text("Hello"))
    assert webhook_site.control.drain()["drained"]
    message.refresh_from_db()
    assert message.status == "read"


@pytest.mark.parametrize("wa_id", TEN_DIGITS.values(), ids=TEN_DIGITS)
def test_a_number_of_ten_digits_goes_round_unchanged(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount, wa_id: str
) -> None:
    writes(webhook_site, wa_id)
    contact = WhatsAppContact.objects.get()
    assert contact.phone == wa_id
    send_message(whatsapp_account, contact, Text("by the contact"))
    send_message(whatsapp_account, f"+{wa_id}", Text("by the number"))
    template = WhatsAppTemplate.objects.create(
        account=whatsapp_account, name="hello_world", language="en_US", status="APPROVED", category="UTILITY"
    )
    campaign = WhatsAppCampaign.objects.create(
        name="All", account=whatsapp_account, template=template, audience_type="contacts"
    )
    assert run_campaign(campaign.pk) == {"sent": 1, "failed": 0}
    assert webhook_site.control.drain()["drained"]
    assert sent_to(webhook_site) == [f"+{wa_id}"] * 3
    assert WhatsAppContact.objects.count() == 1
    statuses = WhatsAppMessage.objects.filter(direction="outbound").values_list("status", flat=True)
    assert set(statuses) == {"read"}


def test_the_ten_digit_rule_is_for_what_people_type(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    send_message(whatsapp_account, "9876543210", Template("hello_world", "en_US"), category="UTILITY")
    assert sent_to(webhook_site) == ["+919876543210"]


def test_every_kind_of_message_arrives(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    given = [
        {"type": "image", "image": {"caption": "the box"}},
        {"type": "audio", "audio": {"voice": True}},
        {"type": "location", "location": {"latitude": 59.43, "longitude": 24.75, "name": "Old Town"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "\U0001f44d"}},
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}},
        },
    ]
    for message in given:
        webhook_site.control.inbound("3725123456", message)
    assert webhook_site.control.drain()["drained"]
    kinds = WhatsAppMessage.objects.values_list("message_type", flat=True)
    assert sorted(kinds) == ["audio", "image", "interactive", "location", "reaction"]
    assert WhatsAppMessage.objects.get(message_type="image").media_id
    assert not WhatsAppWebhookLog.objects.exclude(state="done").exists()


def test_webhooks_that_come_twice_and_out_of_order_make_each_row_once(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    webhook_site.control.webhooks(double=1.0, reorder=True)
    for number in range(5):
        webhook_site.control.inbound("4512345678", {"type": "text", "text": {"body": str(number)}})
    assert webhook_site.control.drain()["drained"]
    bodies = WhatsAppMessage.objects.values_list("message_body", flat=True)
    assert sorted(bodies) == ["0", "1", "2", "3", "4"]
    assert WhatsAppConversation.objects.get().unread_count == 5


def test_a_webhook_signed_with_another_secret_is_refused(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    webhook_site.control.webhooks(app_secret="another")
    webhook_site.control.inbound("4512345678", {"type": "text", "text": {"body": "hi"}})
    assert not webhook_site.control.drain(timeout=0.5)["drained"]
    assert not WhatsAppWebhookLog.objects.exists()
    webhook_site.control.webhooks(app_secret="simulator-app-secret")
    assert webhook_site.control.drain()["drained"]
    assert WhatsAppMessage.objects.count() == 1


def test_somebody_who_stops_marketing_gets_no_more_of_it(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    writes(webhook_site, "4512345678")
    template = WhatsAppTemplate.objects.create(
        account=whatsapp_account,
        name="hello_world",
        language="en_US",
        status="APPROVED",
        category="MARKETING",
    )

    def campaign() -> dict[str, int]:
        row = WhatsAppCampaign.objects.create(
            name="Offer", account=whatsapp_account, template=template, audience_type="contacts"
        )
        return run_campaign(row.pk)

    webhook_site.control.preference("4512345678", "stop")
    assert webhook_site.control.drain()["drained"]
    assert campaign() == {"sent": 0, "failed": 0}
    webhook_site.control.clock(advance=2)  # Meta's times are whole seconds
    webhook_site.control.preference("4512345678", "resume")
    assert webhook_site.control.drain()["drained"]
    assert campaign() == {"sent": 1, "failed": 0}
