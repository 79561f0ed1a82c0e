"""How the journal stands: what whoever is called at night wants to know first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from django_meta_whatsapp.models import WebhookState, WhatsAppWaitingStatus, WhatsAppWebhookLog
from django_meta_whatsapp.models.webhook_log import APPLIED
from django_meta_whatsapp.services import unrouted
from django_meta_whatsapp.services.replay import PARKED

LISTED = 20
RECEIVERS_FAILED = Q(state__in=APPLIED) & ~Q(error="")
"""Webhooks that are applied, and that a receiver of signals failed with."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """counts: webhooks by state. parked: those of the failed ones that are not tried again by themselves.

    oldest_waiting: when the oldest webhook came that nobody has tried yet, and lag: for how long it has waited since.
    receivers_failed: applied webhooks, and statuses that waited for their message, with which a receiver of signals failed.
    unrouted: ids of unknown accounts, with how many webhooks wait for each. last_error: of the newest failed webhook.
    """

    counts: dict[str, int]
    parked: int
    oldest_waiting: datetime | None
    lag: timedelta
    unrouted: list[tuple[str, int]]
    receivers_failed: int
    waiting_statuses: int
    last_error: tuple[int, datetime, str] | None


def read() -> JournalState:
    """A constant number of queries. On a large journal the counts take a while."""
    rows = WhatsAppWebhookLog.objects.order_by("pk")
    by_state = rows.order_by().values("state").annotate(count=Count("pk")).values_list("state", "count")
    oldest = rows.filter(state=WebhookState.PENDING).values_list("received_at", flat=True).first()
    failed = rows.filter(state=WebhookState.FAILED).values_list("pk", "received_at", "error").last()
    waiting = WhatsAppWaitingStatus.objects.all()
    return JournalState(
        counts=dict.fromkeys(WebhookState.values, 0) | dict(by_state),
        parked=rows.filter(PARKED).count(),
        oldest_waiting=oldest,
        lag=timezone.now() - oldest if oldest else timedelta(),
        unrouted=unrouted.waiting(LISTED),
        receivers_failed=rows.filter(RECEIVERS_FAILED).count() + waiting.exclude(receiver_error="").count(),
        waiting_statuses=waiting.filter(receiver_error="").count(),
        last_error=failed,
    )
