"""What becomes of old webhooks: first the body goes, then the row.

A row of which only the digest is left still recognises an identical delivery. Rows are walked in the order of their keys, which
is that of their arrival, and changed a few hundred at a time: no lock is held for long.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WebhookState, WhatsAppWebhookLog
from django_meta_whatsapp.services import clock

REDELIVERY_DAYS = 8
"""Meta repeats a webhook for seven days."""
AT_ONCE = 500


@dataclass(slots=True)
class Pruned:
    """bodies: removed from rows that stay; rows: removed. finished: whether nothing old is left."""

    bodies: int = 0
    rows: int = 0
    finished: bool = True


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which rows go, or lose their body, when they came before `before`."""

    rows: QuerySet[WhatsAppWebhookLog]
    before: datetime
    bodies_only: bool = False


def prune(
    *, seconds: float = math.inf, dry_run: bool = False, on_progress: Callable[[int], object] = lambda n: None
) -> Pruned:
    """Removes what is older than the settings say, until nothing is left or `seconds` have passed.

    dry_run: only counts. on_progress: gets the number of rows after each batch.
    """
    pruned = Pruned()
    until = time.monotonic() + seconds
    for rule in _rules():
        for count in [_count(rule)] if dry_run else _batches(rule):
            pruned.bodies += count if rule.bodies_only else 0
            pruned.rows += 0 if rule.bodies_only else count
            on_progress(count)
            if time.monotonic() > until:
                pruned.finished = False
                return pruned
    return pruned


def _rules() -> list[_Rule]:
    rows = WhatsAppWebhookLog.objects
    keep, trouble = whatsapp_settings.WEBHOOK_KEEP_DAYS, whatsapp_settings.WEBHOOK_KEEP_TROUBLE_DAYS
    recognised = _days_ago(max(keep, REDELIVERY_DAYS))
    in_trouble = _days_ago(max(trouble, REDELIVERY_DAYS))
    parked = rows.filter(state=WebhookState.FAILED, not_before=None)
    return [
        _Rule(rows.filter(state=WebhookState.REPEATED), _days_ago(keep)),
        _Rule(rows.filter(state=WebhookState.PRUNED), recognised),
        _Rule(rows.filter(state=WebhookState.DONE), recognised),
        _Rule(rows.filter(state=WebhookState.DONE), _days_ago(keep), bodies_only=True),
        _Rule(parked, in_trouble),
        _Rule(rows.filter(state=WebhookState.UNROUTED), in_trouble),
    ]


def _days_ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)


def _count(rule: _Rule) -> int:
    return rule.rows.filter(received_at__lt=rule.before).count()


def _batches(rule: _Rule) -> Iterator[int]:
    full = True
    while full:
        # Not by their time: once nothing old is left, that would look through all rows.
        oldest = list(rule.rows.order_by("pk").values_list("pk", "received_at")[:AT_ONCE])
        old = [pk for pk, received_at in oldest if received_at < rule.before]
        full = len(old) == AT_ONCE
        if old:
            yield _prune(rule, old)


def _prune(rule: _Rule, keys: list[int]) -> int:
    # Somebody may have asked meanwhile that one be applied again.
    rows = rule.rows.filter(pk__in=keys)
    if rule.bodies_only:
        return rows.update(state=WebhookState.PRUNED, body=b"")
    return rows.delete()[1].get(WhatsAppWebhookLog._meta.label, 0)
