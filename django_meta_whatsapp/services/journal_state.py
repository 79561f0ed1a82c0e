"""How the journal stands: what whoever is called at night wants to know first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from django_meta_whatsapp.models import WebhookState, WhatsAppWaitingStatus, WhatsAppWebhookLog
from django_meta_whatsapp.services import unrouted
from django_meta_whatsapp.services.replay import PARKED

LISTED = 20


@dataclass(frozen=True, slots=True)
class JournalState:
    """counts: webhooks by state. parked: those of the failed ones that are not tried again by themselves.

    oldest_waiting: when the oldest webhook came that nobody has tried yet, and lag: for how long it has waited since.
    unrouted: ids of unknown accounts, with how many webhooks wait for each. last_error: of the newest failed webhook.
    """

    counts: dict[str, int]
    parked: int
    oldest_waiting: datetime | None
    lag: timedelta
    unrouted: list[tuple[str, int]]
    waiting_statuses: int
    last_error: tuple[int, datetime, str] | None


def read() -> JournalState:
    """A constant number of queries. On a large journal the counts take a while."""
    rows = WhatsAppWebhookLog.objects.order_by("pk")
    by_state = rows.order_by().values("state").annotate(count=Count("pk")).values_list("state", "count")
    oldest = rows.filter(state=WebhookState.PENDING).values_list("received_at", flat=True).first()
    failed = rows.filter(state=WebhookState.FAILED).values_list("pk", "received_at", "error").last()
    return JournalState(
        counts=dict.fromkeys(WebhookState.values, 0) | dict(by_state),
        parked=rows.filter(PARKED).count(),
        oldest_waiting=oldest,
        lag=timezone.now() - oldest if oldest else timedelta(),
        unrouted=unrouted.waiting(LISTED),
        waiting_statuses=WhatsAppWaitingStatus.objects.count(),
        last_error=failed,
    )
