"""The journal of webhooks: kept before they are answered, applied afterwards, tried again when that fails.

A row that is being applied is due again after a while (its `not_before`, on the database's clock), so one whose process
dies is found by the tick. A row is done when its events are applied and their signals have run.
"""

import logging
import re
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Now
from django.utils import timezone

from django_meta_whatsapp import queue, signals
from django_meta_whatsapp.cloud_api.events.reading import decoded
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WebhookState, WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk.claims import ends_in, locked
from django_meta_whatsapp.models.bulk.journal import Received
from django_meta_whatsapp.models.bulk.rows import among, bare
from django_meta_whatsapp.services import dispatch, journal_outcomes, unrouted
from django_meta_whatsapp.services.batches import together
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.dispatch import Webhook
from django_meta_whatsapp.services.journal_outcomes import MAX_ATTEMPTS, Try
from django_meta_whatsapp.services.signatures import Signature
from django_meta_whatsapp.services.transactions import database, in_transaction

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 3600.0
TOGETHER = 4_000_000
"""Bytes of the webhooks that are applied together."""
_READ = ("body", "signature", "signed_for", "digest", "received_at", "state", "attempts", "unrouted_count")
"""What applying new webhooks asks of them. The other counts are read of those alone that are gone on with."""
_SIGNATURE = re.compile("sha256=[0-9a-f]{64}")
_DIED = "Whoever applied this stopped in the middle, each time."


def received(body: bytes, signature: str, at: datetime | None = None, signed_for: str = "") -> Received:
    """What the journal keeps of a webhook that came `at` (None: just now).

    signature: the header; one that cannot be a signature counts as none, so that whatever was let in can be stored.
    signed_for: what `signatures.verdict` said.
    """
    kept = signature if _SIGNATURE.fullmatch(signature) else ""
    return Received(body, kept, at or timezone.now(), signed_for)


def record(webhook: Received) -> WhatsAppWebhookLog:
    """Keeps a webhook, committed when this returns, and lets the clock know that there is work."""

    def insert() -> WhatsAppWebhookLog:
        row = WhatsAppWebhookLog.objects.create(
            body=webhook.body,
            signature=webhook.signature,
            signed_for=webhook.signed_for,
            digest=webhook.digest,
            received_at=webhook.at,
        )
        transaction.on_commit(partial(announce, row.pk), using=database())
        return row

    return in_transaction(insert, durable=True)


def announce(key: int | None = None) -> None:
    """Tells the clock that the row `key` is due; None: that several are."""
    signals.work_due.send_robust(sender=WhatsAppWebhookLog, kind=queue.WEBHOOKS, key=key)


def process(log_id: int) -> bool:
    """Applies one webhook, unless it is done, parked, or somebody else's at the moment. Whether it was tried."""
    log = _claim(log_id)
    if log is not None:
        _apply([log])
    return log is not None


def process_due(limit: int | None = None) -> int:
    """Applies up to `limit` (None: `batches.together`) webhooks whose time has come, the oldest first, and says how many.

    New ones are applied together. One that has been tried before goes alone, so that it can harm nobody but itself, and
    takes no more than a quarter of the places, so that it keeps nobody waiting.
    """
    limit = limit or together()
    _park_the_deadly()
    tried = _whose_time_has_come().filter(attempts__range=(1, MAX_ATTEMPTS - 1)).order_by("pk")
    again = sum(process(pk) for pk in list(tried.values_list("pk", flat=True)[: limit // 4 or 1]))
    new = _claim_new(limit - again)
    _apply(new)
    return again + len(new)


def _due(rows: QuerySet[WhatsAppWebhookLog]) -> QuerySet[WhatsAppWebhookLog]:
    arrived = Q(state=WebhookState.PENDING) & (Q(not_before=None) | Q(not_before__lte=Now()))
    return rows.filter(arrived | Q(state=WebhookState.FAILED, not_before__lte=Now()))


def _whose_time_has_come() -> QuerySet[WhatsAppWebhookLog]:
    """Those that somebody has tried or asked for: few, and found without a look at the new ones, of which there may be
    millions after an outage. What is done or parked has no time.
    """
    return WhatsAppWebhookLog.objects.filter(not_before__lte=Now())


def _claim(log_id: int) -> WhatsAppWebhookLog | None:
    log = _due(WhatsAppWebhookLog.objects.filter(pk=log_id)).first()
    if log is None:
        return None
    # The count of attempts is the fence: of two who have read the same row, one gets it. Neither does when a third, who was slow
    # with it, has written how it ended, or that it goes on: that leaves the count as it is.
    still_due = _due(WhatsAppWebhookLog.objects.filter(pk=log_id, attempts=log.attempts))
    claimed = still_due.update(attempts=log.attempts + 1, not_before=ends_in(_pause(log.attempts)))
    log.attempts += 1
    return log if claimed else None


def _pause(attempts: int) -> float:
    """Seconds until the next try, which is also how long whoever is at it is waited for."""
    return min(float(whatsapp_settings.WEBHOOK_RETRY_SECONDS * 2**attempts), LONGEST_PAUSE)


def _claim_new(limit: int) -> list[WhatsAppWebhookLog]:
    """Up to `limit` webhooks that nobody has tried, the oldest, of no more than TOGETHER bytes (but one at least)."""

    def claim() -> list[int]:
        fresh = WhatsAppWebhookLog.objects.filter(state=WebhookState.PENDING, attempts=0).order_by("pk")
        sizes = locked(fresh, skip_locked=True).values_list("pk", Length("body"))[:limit]
        keys: list[int] = []
        total = 0
        for key, size in sizes:
            total += size
            if keys and total > TOGETHER:
                break
            keys.append(key)
        if keys:
            rows = WhatsAppWebhookLog.objects.filter(among("pk", keys))
            rows.update(attempts=1, not_before=ends_in(_pause(0)))
        return keys

    keys = in_transaction(claim)
    rows = WhatsAppWebhookLog.objects.filter(among("pk", keys)).order_by("pk")
    return list(bare(rows, *_READ)) if keys else []


class _Hold:
    """Claimed webhooks of one number of attempts. While somebody gets on with them, they are due for nobody else."""

    def __init__(self, logs: Sequence[WhatsAppWebhookLog]) -> None:
        self._keys = [log.pk for log in logs]
        self._attempts = logs[0].attempts
        self._seconds = _pause(self._attempts - 1)
        self._extend_at = time.monotonic() + self._seconds / 3

    def extend(self) -> None:
        """Claims them for as long again, when a third of the time has gone."""
        if time.monotonic() < self._extend_at:
            return
        rows = WhatsAppWebhookLog.objects.filter(among("pk", self._keys), attempts=self._attempts)
        try:
            rows.update(not_before=ends_in(self._seconds))
        except DatabaseError:
            logger.warning("Somebody else may start on these webhooks: %s", self._keys, exc_info=True)
        self._extend_at = time.monotonic() + self._seconds / 3


def _apply(logs: Sequence[WhatsAppWebhookLog]) -> None:
    if not logs:
        return
    hold = _Hold(logs)
    copies = journal_outcomes.repeated(logs)
    tries = _tries([log for log in logs if log.pk not in copies], hold)
    webhooks = [webhook for log, delivery in tries for webhook in _decoded(log, delivery)]
    try:
        dispatch.deliver(webhooks)
    except Exception as error:
        logger.exception("These webhooks could not be applied: %s", [log.pk for log in logs])
        for webhook in webhooks:
            webhook.delivery.failures.append(repr(error))
    journal_outcomes.write(tries, {log: copies[log.pk] for log in logs if log.pk in copies})


def _tries(logs: Sequence[WhatsAppWebhookLog], hold: _Hold) -> list[Try]:
    continued = [log.pk for log in logs if log.continues]
    targets = unrouted.targets_of(continued) if continued else {}
    return [(log, _delivery(log, targets.get(log.pk, ()), hold)) for log in logs]


def _delivery(log: WhatsAppWebhookLog, targets: Collection[str], hold: _Hold) -> Delivery:
    delivery = Delivery(log.received_at, log.attempts > 1, on_progress=hold.extend)
    if log.continues:
        delivery.only = targets
        delivery.unmatched, delivery.foreign = log.unmatched_count, log.foreign_count
        delivery.unknown = log.unknown_count
    return delivery


def _decoded(log: WhatsAppWebhookLog, delivery: Delivery) -> Iterator[Webhook]:
    body = bytes(log.body)
    proof = Signature(body, log.signature, log.signed_for, log.received_at)
    try:
        yield Webhook(decoded(body), proof, delivery)
    except (ValueError, RecursionError) as error:
        delivery.unreadable.append(f"The body is not JSON: {error}")


def _park_the_deadly() -> None:
    """Webhooks with which a process died every time are not tried for ever."""
    stuck = _whose_time_has_come().filter(attempts__gte=MAX_ATTEMPTS)
    stuck.update(state=WebhookState.FAILED, not_before=None, error=_DIED)
