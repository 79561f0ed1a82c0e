"""What Meta tells about our flows."""

from collections.abc import Sequence
from functools import partial

from django_meta_whatsapp.cloud_api.events import FlowStatusEvent
from django_meta_whatsapp.models import WhatsAppFlow
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.flow import FlowStatus
from django_meta_whatsapp.services import news
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.routing import Business
from django_meta_whatsapp.services.transactions import in_transaction

_WEIGHTS = {
    FlowStatus.DRAFT: 0,
    FlowStatus.PUBLISHED: 1,
    FlowStatus.THROTTLED: 2,
    FlowStatus.BLOCKED: 3,
    FlowStatus.DEPRECATED: 4,
}
"""Of states of the same second the worse one holds."""


def apply_status(business: Business, events: Sequence[FlowStatusEvent], delivery: Delivery) -> None:
    """States of flows. Numbers of one business account share a flow, and each may have a row of it."""
    delivery.unmatched += in_transaction(partial(_apply, business, events, delivery))
    news.tell(business, events, delivery)


def _apply(business: Business, events: Sequence[FlowStatusEvent], delivery: Delivery) -> int:
    """Returns how many events are about flows that are not ours."""
    unmatched = 0
    for event in events:
        rows = WhatsAppFlow.objects.filter(account__in=business.accounts, meta_flow_id=event.flow_id)
        flows = list(locked(rows.order_by("pk")))
        for flow in flows:
            if _follows(event, flow.status) and _is_news(flow, event, delivery):
                flow.status = event.status
                flow.save(update_fields=["status", "heard_at", "updated_at"])
        unmatched += not flows
    return unmatched


def _follows(event: FlowStatusEvent, known: str) -> bool:
    """Whether the event can come after what we know: a flow is a draft only at first, and deprecated for ever."""
    if event.status not in FlowStatus or known == FlowStatus.DEPRECATED:
        return False
    return event.previous_status != FlowStatus.DRAFT or known in (FlowStatus.DRAFT, event.status)


def _is_news(flow: WhatsAppFlow, event: FlowStatusEvent, delivery: Delivery) -> bool:
    weight = _WEIGHTS[FlowStatus(event.status)]
    return news.is_news(flow, "status", event, delivery, weight) or event.status == FlowStatus.DEPRECATED
