"""News from Meta about our templates, flows and accounts may come late, or twice: each kind keeps the time of the newest."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import Event
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppFlow, WhatsAppTemplate
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.routing import Business


def is_news(
    row: WhatsAppAccount | WhatsAppTemplate | WhatsAppFlow,
    kind: str,
    event: Event,
    delivery: Delivery,
    weight: int = 0,
) -> bool:
    """Whether an event is newer than what the row knows of this kind, and if so notes it on the row.

    Facts that do not replace each other are of different kinds. Meta's times are whole seconds: of two events of the same
    second the one of more weight holds, so that any order ends in the same row.
    """
    told = [second_of(delivery.time_of(event)), int(weight), event.event_id]
    if told < row.heard_at.get(kind, []):
        return False
    row.heard_at = {**row.heard_at, kind: told}
    return True


def note(row: WhatsAppAccount, kind: str, at: datetime) -> None:
    """What we have asked Meta for at the moment `at` is newer than any earlier event of the kind."""
    row.heard_at = {**row.heard_at, kind: [second_of(at), 0, ""]}


def heard_at(row: WhatsAppAccount, kind: str) -> str:
    """The second of the newest news of a kind, as `second_of` writes it; empty when there were none."""
    return str(next(iter(row.heard_at.get(kind, [])), ""))


def second_of(at: datetime) -> str:
    """A moment as text: the later one is the greater."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def tell(target: WhatsAppAccount | Business, events: Sequence[Event], delivery: Delivery) -> None:
    """Tells the host of events that have no signal of their own. Whatever they change is committed before."""
    for event in events:
        account = target if isinstance(target, WhatsAppAccount) else _number(target, event)
        delivery.announce(
            signals.whatsapp_event_received, type(event), event.event_id, event=event, account=account
        )


def _number(business: Business, event: Event) -> WhatsAppAccount | None:
    return business.number(event.display_phone_number) if event.display_phone_number else None
