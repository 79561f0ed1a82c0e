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
            if news.is_news(flow, "status", delivery.time_of(event)):
                flow.status = event.status if _follows(event, flow.status) else flow.status
                flow.save(update_fields=["status", "heard_at", "updated_at"])
        unmatched += not flows
    return unmatched


def _follows(event: FlowStatusEvent, known: str) -> bool:
    """Whether the event can come after what we know, also of news of the same second: a flow is a draft only at first, and
    deprecated for ever.
    """
    if event.status not in FlowStatus or event.status == known or known == FlowStatus.DEPRECATED:
        return False
    return event.previous_status != FlowStatus.DRAFT or known == FlowStatus.DRAFT
