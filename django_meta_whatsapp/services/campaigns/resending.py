"""UNKNOWN_POLICY "resend": unknown recipients are sent to again when their status would have come long ago.

The risk is stated by a system check: whoever's status is later than that gets two messages. Conditions, all of them:

- the quiet period has passed since the attempt, and twice the longest delay of webhooks since then;
- a status of something later has come for the same number, so webhooks do arrive;
- no webhook waits to be applied: it may be the one.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    AttemptState,
    CampaignEventKind,
    CampaignStatus,
    MessageDirection,
    MessageStatus,
    RecipientStatus,
    WebhookState,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.models.bulk.claims import NOT_AGAIN, locked
from django_meta_whatsapp.services import clock, webhook_gaps
from django_meta_whatsapp.services.campaigns import states, tally, unknowns
from django_meta_whatsapp.services.campaigns.transitions import note
from django_meta_whatsapp.services.transactions import in_transaction

BATCH = 500
LOOK_EVERY = 30.0
"""Seconds between two looks of a process; a tenth of a shorter quiet period."""
_NEWEST = 100
"""Messages with a status that are looked at for the newest one."""
_TOLD = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.PLAYED)
WAITS = timedelta(seconds=60)
"""A webhook that has not been applied for so long is one that waits."""


@dataclass(slots=True)
class _Look:
    at: float = float("-inf")


_last = _Look()


def resend_due() -> int:
    """Sends again what the policy says, by making it pending; how many recipients."""
    quiet = whatsapp_settings.UNKNOWN_QUIET_SECONDS
    now = time.monotonic()
    if whatsapp_settings.UNKNOWN_POLICY != "resend" or now - _last.at < min(LOOK_EVERY, quiet / 10):
        return 0
    _last.at = now
    cutoff = clock.now() - timedelta(seconds=quiet)
    accounts = _lost(cutoff).order_by("account_id").values_list("account_id", flat=True).distinct()
    return sum(_resend_of(account_id, cutoff) for account_id in list(accounts))


def _lost(cutoff: datetime) -> QuerySet[WhatsAppSendAttempt]:
    """The newest attempt of each unknown recipient that may be sent to again, as far as the quiet period goes."""
    newer = WhatsAppSendAttempt.objects.filter(recipient=OuterRef("recipient"), pk__gt=OuterRef("pk"))
    not_expired = Q(recipient__campaign__expires_at=None) | Q(recipient__campaign__expires_at__gt=clock.now())
    lost = WhatsAppSendAttempt.objects.filter(
        not_expired,
        ~Exists(newer),
        state=AttemptState.UNKNOWN,
        created_at__lte=cutoff,
        recipient__status=RecipientStatus.UNKNOWN,
        recipient__attempt_count__lt=whatsapp_settings.MAX_ATTEMPTS,
    )
    # Nobody who was kept from a second message by the gate: they would come back to it for ever.
    lost = lost.filter(~Q(recipient__error_class=NOT_AGAIN))
    # Attempts that were accepted are not in the index.
    lost = lost.exclude(state=AttemptState.ACCEPTED)
    return lost.exclude(recipient__campaign__status=CampaignStatus.CANCELLED)


def _resend_of(account_id: int, cutoff: datetime) -> int:
    heard = _newest_status(account_id)
    if heard is None or _webhooks_wait():
        return 0
    count = 0
    for attempts in _in_batches(_lost(cutoff).filter(account_id=account_id, created_at__lt=heard)):
        gaps = webhook_gaps.recorded(account_id, min(each.created_at for each in attempts))
        due = [
            each
            for each in attempts
            if each.created_at + 2 * webhook_gaps.longest(gaps, each.created_at) <= clock.now()
        ]
        count += in_transaction(partial(_free, due))
    return count


def _newest_status(account_id: int) -> datetime | None:
    """Meta's time of the newest status of the number, as its newest messages show it."""
    outbound = WhatsAppMessage.objects.filter(
        account_id=account_id, direction=MessageDirection.OUTBOUND, status__in=_TOLD
    )
    newest = outbound.order_by("-timestamp").values_list("sent_at", "delivered_at", "read_at", "played_at")
    times = [moment for row in newest[:_NEWEST] for moment in row if moment]
    return max(times, default=None)


def _webhooks_wait() -> bool:
    due = Q(state=WebhookState.PENDING) | Q(state=WebhookState.FAILED, not_before__isnull=False)
    return WhatsAppWebhookLog.objects.filter(due, received_at__lt=timezone.now() - WAITS).exists()


def _in_batches(attempts: QuerySet[WhatsAppSendAttempt]) -> Iterator[list[WhatsAppSendAttempt]]:
    after = 0
    while batch := list(attempts.filter(pk__gt=after).order_by("pk")[:BATCH]):
        after = batch[-1].pk
        yield batch


def _free(attempts: Sequence[WhatsAppSendAttempt]) -> int:
    newest = {each.recipient_id: each.pk for each in attempts if each.recipient_id}
    wanted = WhatsAppCampaignRecipient.objects.filter(pk__in=newest, status=RecipientStatus.UNKNOWN)
    held = list(locked(wanted.order_by("pk")))
    # Somebody may have sent it again since, and lost that answer too.
    overtaken = set(
        WhatsAppSendAttempt.objects.filter(recipient__in=held, pk__gt=min(newest.values(), default=0))
        .exclude(pk__in=newest.values())
        .values_list("recipient_id", flat=True)
    )
    # And somebody may have ended the campaign: then nothing is sent again, and the next look finds nobody of it.
    open_campaigns = states.to_be_gone_on_with({row.campaign_id for row in held})
    rows = [
        row
        for row in held
        if row.status == RecipientStatus.UNKNOWN
        and row.error_class != NOT_AGAIN
        and row.pk not in overtaken
        and row.campaign_id in open_campaigns
    ]
    now = timezone.now()
    moves = unknowns.free(rows, now)
    tally.apply(moves)
    for campaign_id in sorted({row.campaign_id for row in rows}):
        count = sum(row.campaign_id == campaign_id for row in rows)
        note(campaign_id, CampaignEventKind.RESOLVED, "", f"{count} of unknown outcome sent again.", now)
    return len(rows)
