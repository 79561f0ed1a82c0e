"""Webhook bodies with messages, applied, and the rows that they are about."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django_meta_whatsapp.cloud_api.content import FlowMessage
from django_meta_whatsapp.cloud_api.events import MessageEvent, parse
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
)
from django_meta_whatsapp.services import inbox
from django_meta_whatsapp.services.delivery import Delivery
from tests.payload_files import load_payload

WRITTEN = datetime.fromtimestamp(1767000000, UTC)
MAYA = "15550001111"


def receive(account: WhatsAppAccount, body: dict[str, Any], *, again: bool = False) -> list[WhatsAppMessage]:
    """Applies the messages of a webhook body; returns all rows of the account in the order of their keys."""
    events = [event for event in parse(body) if isinstance(event, MessageEvent)]
    inbox.receive(account, events, Delivery(received_at=WRITTEN + timedelta(days=1), again=again))
    return list(WhatsAppMessage.objects.filter(account=account, direction="inbound").order_by("pk"))


def received(account: WhatsAppAccount, name: str) -> WhatsAppMessage:
    """The row of the one message in a payload file."""
    [row] = receive(account, load_payload(name))
    return row


def thread_of_maya(account: WhatsAppAccount) -> WhatsAppConversation:
    contact = WhatsAppContact.objects.create(phone=MAYA)
    return WhatsAppConversation.objects.create(account=account, contact=contact)


def outbound(thread: WhatsAppConversation, **fields: Any) -> WhatsAppMessage:
    return WhatsAppMessage.objects.create(
        account=thread.account,
        conversation=thread,
        direction="outbound",
        **{"message_type": "text", **fields},
    )


def flow_answer(token: str, data: dict[str, Any]) -> dict[str, Any]:
    response = json.dumps({"flow_token": token, **data})
    reply = {"name": "flow", "body": "Sent", "response_json": response}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}


def asked(thread: WhatsAppConversation, **fields: Any) -> WhatsAppMessage:
    given = {"flow_id": "77", **fields.pop("given", {})}
    content = FlowMessage(body="How was it?", cta="Tell us", flow_token="tok-1", **given)
    return outbound(thread, message_type="interactive", content=content.payload(), **fields)
