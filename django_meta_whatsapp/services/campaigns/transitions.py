"""How a campaign changes its state: by one guarded update, so each change happens once, whoever asks for it and how often.

Every change leaves a line in the campaign's history and is announced after the commit. A change whose announcement was cut
off by a crash is announced again by the tick.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.dispatch import Signal
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    CampaignEventKind,
    CampaignStatus,
    PauseCause,
    WhatsAppCampaign,
    WhatsAppCampaignEvent,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.transactions import database, in_transaction

_REASON_LIMIT = 500
_BY_LIMIT = 255
_TOLD = (CampaignStatus.PAUSED, CampaignStatus.FAILED, CampaignStatus.CANCELLED)
"""States that say why."""
_GOING = (CampaignStatus.SCHEDULED, CampaignStatus.RUNNING)
_FRESH_BUDGET: dict[str, Any] = {
    "budget_from_tried": F("sent_count") + F("rejected_count"),
    "budget_from_failed": F("failed_count"),
}
"""What had failed before somebody had it go on does not stop it again."""
_OVERDUE = timedelta(minutes=1)
"""An event not announced for so long was cut off."""
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state. kind: its line in the history, None for none; by: the person who asked for it; fields: other
    columns that change with it.
    """

    to: CampaignStatus
    kind: CampaignEventKind | None
    by: str = ""
    reason: str = ""
    cause: PauseCause | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def change(campaign_id: int, allowed: Q, wanted: Change) -> bool:
    """Changes the campaign's state if it is one of `allowed` now; whether it did."""
    return in_transaction(partial(change_inside, campaign_id, allowed, wanted))


def change_inside(campaign_id: int, allowed: Q, wanted: Change) -> bool:
    """`change`, in the caller's transaction."""
    now = timezone.now()
    reason = wanted.reason[:_REASON_LIMIT]
    changed = WhatsAppCampaign.objects.filter(allowed, pk=campaign_id).update(
        status=wanted.to,
        status_reason=reason if wanted.to in _TOLD else "",
        pause_cause=wanted.cause or "",
        status_changed_at=clock.now(),
        wake_at=None,  # what it waited for as it was is no reason to leave it alone as it is now
        updated_at=now,
        **(_FRESH_BUDGET if wanted.to in _GOING and wanted.kind else {}),
        **wanted.fields,
    )
    if changed and wanted.kind:
        note(campaign_id, wanted.kind, wanted.by, reason, now)
    return bool(changed)


def note(campaign_id: int, kind: CampaignEventKind, by: str, reason: str, at: datetime) -> None:
    """Writes a line of history and announces it after the commit of the caller's transaction."""
    event = WhatsAppCampaignEvent.objects.create(
        campaign_id=campaign_id, kind=kind, by=by[:_BY_LIMIT], reason=reason[:_REASON_LIMIT], at=at
    )
    transaction.on_commit(partial(_announce, event.pk), using=database())


def announce_overdue() -> int:
    """Announces what a crash has kept back; how many there were."""
    untold = WhatsAppCampaignEvent.objects.filter(announced_at=None, at__lt=timezone.now() - _OVERDUE)
    keys = list(untold.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE])
    for key in keys:
        _announce(key)
    return len(keys)


def _announce(event_id: int) -> None:
    event = WhatsAppCampaignEvent.objects.select_related("campaign").get(pk=event_id)
    for signal, arguments in _news(event):
        # Robust: a failing receiver must not stop the run, nor keep the others from hearing.
        signal.send_robust(
            sender=WhatsAppCampaign,
            campaign=event.campaign,
            event_id=f"campaign:{event.campaign_id}:{event.kind}:{event.pk}",
            **arguments,
        )
    WhatsAppCampaignEvent.objects.filter(pk=event_id).update(announced_at=timezone.now())


def _news(event: WhatsAppCampaignEvent) -> list[tuple[Signal, dict[str, Any]]]:
    campaign = event.campaign
    counts = {"sent": campaign.sent_count, "failed": campaign.failed_count}
    match event.kind:
        case CampaignEventKind.STARTED:
            return [(signals.whatsapp_campaign_started, {})]
        case CampaignEventKind.PAUSED:
            cause = {"cause": campaign.pause_cause}
            return [(signals.whatsapp_campaign_paused, {"reason": event.reason, **cause})]
        case CampaignEventKind.RESUMED:
            return [(signals.whatsapp_campaign_resumed, {"reason": event.reason})]
        case CampaignEventKind.CANCELLED:
            return [(signals.whatsapp_campaign_cancelled, {"reason": event.reason})]
        case CampaignEventKind.COMPLETED:
            return [(signals.whatsapp_campaign_completed, counts)]
        case CampaignEventKind.FAILED:
            failed = (signals.whatsapp_campaign_failed, {"reason": event.reason})
            ended = [(signals.whatsapp_campaign_completed, counts)] if campaign.frozen_at else []
            return [*ended, failed]
        case _:
            return []
