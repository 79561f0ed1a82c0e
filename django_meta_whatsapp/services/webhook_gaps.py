"""How late status webhooks have been: after an outage, ours or Meta's, they come hours later.

An outage shows in the age of what then comes, and a number that sends nothing all night has none. Only what is later than
WEBHOOK_GAP_SECONDS is written down. Real time: Meta's moments are compared with ours.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppWebhookGap
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services.transactions import in_transaction

WRITE_EVERY = 30.0
"""Seconds: after an outage thousands of late webhooks come at once, and tell of the same one."""
_written: dict[int, tuple[datetime, float]] = {}
"""Account to the begin of the gap that this process has last written, and when it did (monotonic)."""


def note(account_id: int, event_times: Iterable[datetime]) -> None:
    """Status events of a number, of these moments by Meta's clock, were applied just now."""
    now, earliest = timezone.now(), min(event_times, default=None)
    if earliest is None or (now - earliest).total_seconds() <= whatsapp_settings.WEBHOOK_GAP_SECONDS:
        return
    began, written = _written.get(account_id, (now, float("-inf")))
    if began <= earliest and time.monotonic() - written < WRITE_EVERY:
        return
    in_transaction(partial(_write, account_id, earliest, now))
    _written[account_id] = (min(earliest, began), time.monotonic())


def _write(account_id: int, began: datetime, ended: datetime) -> None:
    """Gaps that overlap are one."""
    overlapping = WhatsAppWebhookGap.objects.filter(
        account_id=account_id, ended_at__gte=began, began_at__lte=ended
    )
    known = list(locked(overlapping.order_by("pk")))
    if not known:
        WhatsAppWebhookGap.objects.create(account_id=account_id, began_at=began, ended_at=ended)
        return
    first, *others = known
    WhatsAppWebhookGap.objects.filter(pk=first.pk).update(
        began_at=min(began, *(gap.began_at for gap in known)),
        ended_at=max(ended, *(gap.ended_at for gap in known)),
    )
    WhatsAppWebhookGap.objects.filter(pk__in=[gap.pk for gap in others]).delete()


def longest(gaps: Iterable[WhatsAppWebhookGap], since: datetime) -> timedelta:
    """The longest of them that had not ended before `since`."""
    return max((gap.ended_at - gap.began_at for gap in gaps if gap.ended_at > since), default=timedelta())


def recorded(account_id: int, since: datetime) -> list[WhatsAppWebhookGap]:
    """The gaps of a number that had not ended before `since`."""
    return list(WhatsAppWebhookGap.objects.filter(account_id=account_id, ended_at__gt=since))
