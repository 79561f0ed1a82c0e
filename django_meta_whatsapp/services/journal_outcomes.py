"""What became of webhooks, written into the journal: few statements for many of them."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db.models import Min
from django.utils import timezone

from django_meta_whatsapp.models import WebhookState, WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.models.webhook_log import APPLIED
from django_meta_whatsapp.services import unrouted
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.transactions import in_transaction

MAX_ATTEMPTS = 10
_ERROR_LENGTH = 10_000

Try = tuple[WhatsAppWebhookLog, Delivery]
Values = dict[str, Any]


def repeated(logs: Iterable[WhatsAppWebhookLog]) -> dict[int, int]:
    """Those of `logs` that are identical to an earlier webhook: keys to the keys of the earlier ones, which have been applied
    or are among `logs` themselves. One query.
    """
    firsts: dict[Any, int] = {}
    copies: dict[int, int] = {}
    for log in logs:
        if log.digest is not None:
            first = firsts.setdefault(log.digest, log.pk)
            if first != log.pk:
                copies[log.pk] = first
    if firsts:
        applied = WhatsAppWebhookLog.objects.filter(among("digest", firsts), state__in=APPLIED).order_by()
        for digest, pk in applied.values("digest").annotate(first=Min("pk")).values_list("digest", "first"):
            if pk < firsts[digest]:
                copies[firsts[digest]] = pk
    return copies


def write(tries: Iterable[Try], copies: Mapping[WhatsAppWebhookLog, int]) -> None:
    """A statement for each different outcome, of which many together have few.

    copies: webhooks that were not applied, to the keys of their likes, which were: now among `tries`, or earlier.
    """
    tries = list(tries)
    outcomes = {log.pk: _outcome(log, delivery) for log, delivery in tries}
    alike: dict[tuple[Any, ...], list[int]] = {}
    for log, _ in tries:
        alike.setdefault((log.attempts, *outcomes[log.pk].items()), []).append(log.pk)
    for log, first in copies.items():
        outcome = _outcome_of_copy(outcomes.get(first))
        alike.setdefault((log.attempts, *outcome.items()), []).append(log.pk)
    targets = {
        log.pk: delivery.unrouted_to for log, delivery in tries if delivery.unrouted_to or log.continues
    }
    if targets:
        # Together: a webhook that waits for an account must be found by that.
        in_transaction(partial(_write, alike, targets))
    else:
        _write(alike, targets)


def _write(alike: Mapping[tuple[Any, ...], list[int]], targets: Mapping[int, Mapping[str, str]]) -> None:
    for (attempts, *outcome), keys in alike.items():
        rows = WhatsAppWebhookLog.objects.filter(among("pk", keys), attempts=attempts)
        rows.update(**dict(outcome), processed_at=timezone.now())
    if targets:
        unrouted.note(targets)


def _outcome(log: WhatsAppWebhookLog, delivery: Delivery) -> Values:
    told = [*delivery.failures, *delivery.unreadable, *delivery.receivers]
    values: Values = {
        "state": _state(delivery),
        "event_count": delivery.events,
        "unrouted_count": delivery.unrouted,
        "unmatched_count": delivery.unmatched,
        "foreign_count": delivery.foreign,
        "unknown_count": delivery.unknown,
        "error": "\n".join(told)[:_ERROR_LENGTH],
    }
    if not delivery.failures or log.attempts >= MAX_ATTEMPTS:
        values["not_before"] = None
    return values


def _state(delivery: Delivery) -> WebhookState:
    if delivery.failures or delivery.unreadable:
        return WebhookState.FAILED
    return WebhookState.UNROUTED if unrouted.waits(delivery.unrouted_to) else WebhookState.DONE


def _outcome_of_copy(first: Values | None) -> Values:
    """That of the one like it when it failed: both are tried again, and whoever comes later finds the other applied."""
    if first is not None and first["state"] == WebhookState.FAILED:
        return first
    return {"state": WebhookState.REPEATED, "not_before": None, "error": ""}
