"""News from Meta about our templates, flows and accounts may come late, or twice: each kind keeps the time of the newest."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import Event
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppFlow, WhatsAppTemplate
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.routing import Business


def is_news(row: WhatsAppAccount | WhatsAppTemplate | WhatsAppFlow, kind: str, at: datetime) -> bool:
    """Whether news of `kind` from the moment `at` are newer than what the row knows, and if so notes the moment on it.

    News of the same second count: Meta's times are whole seconds.
    """
    known = row.heard_at.get(kind, "")
    moment = at.astimezone(UTC).isoformat(timespec="seconds")
    if moment < known:
        return False
    row.heard_at = {**row.heard_at, kind: moment}
    return True


def tell(target: WhatsAppAccount | Business, events: Sequence[Event], delivery: Delivery) -> None:
    """Tells the host of events that have no signal of their own. Whatever they change is committed before."""
    for event in events:
        account = target if isinstance(target, WhatsAppAccount) else _number(target, event)
        delivery.announce(
            signals.whatsapp_event_received, type(event), event.event_id, event=event, account=account
        )


def _number(business: Business, event: Event) -> WhatsAppAccount | None:
    return business.number(event.display_phone_number) if event.display_phone_number else None
