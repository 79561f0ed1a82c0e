"""What Maya says in messages, what she chooses in Meta's app, and where she stands then."""

from datetime import UTC, datetime
from typing import Any

from django_meta_whatsapp.cloud_api.events import MessageEvent, UserPreferenceEvent, parse
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContactAccount
from django_meta_whatsapp.services import inbox, preferences
from django_meta_whatsapp.services.delivery import Delivery
from tests.webhooks import posting

MAYA = "15550001111"
START = 1767000000


def message(content: dict[str, Any], second: int = 0, **parts: Any) -> dict[str, Any]:
    return {
        "from": MAYA,
        "id": f"wamid.{second}",
        "timestamp": str(START + second),
        **content,
        **parts,
    }


def text(body: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": body}}


def reply(kind: str, id_: str, title: str) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, kind: {"id": id_, "title": title}}}


def receive(account: WhatsAppAccount, *messages: dict[str, Any], again: bool = False) -> None:
    events = [event for event in parse(posting.inbound(*messages)) if isinstance(event, MessageEvent)]
    inbox.receive(account, events, Delivery(received_at=datetime.now(UTC), again=again))


def prefer(account: WhatsAppAccount, value: str, second: int) -> None:
    wish = {"wa_id": MAYA, "category": "marketing_messages", "value": value, "timestamp": START + second}
    body = posting.change("user_preferences", posting.value(user_preferences=[wish]))
    events = [event for event in parse(body) if isinstance(event, UserPreferenceEvent)]
    preferences.apply(account, events, Delivery(received_at=datetime.now(UTC)))


def standing() -> tuple[bool, bool]:
    """Whether Maya has opted out of everything, and of the number's marketing."""
    row = WhatsAppContactAccount.objects.get()
    return row.contact.opted_out, row.marketing_opted_out
