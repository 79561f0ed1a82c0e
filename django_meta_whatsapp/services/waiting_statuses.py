"""Statuses whose message has no row yet: kept until it has one, or until they are too old.

A message may get its row after its statuses: an echo from the phone app, shared history, an answer that was slower than the
webhook. A status with a token is different. Each token of ours is committed with its attempt before the call, so one that is
not in our form belongs to another system on the same business account: it is counted and not kept.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from django_meta_whatsapp.cloud_api.events import ErrorDetail, StatusEvent
from django_meta_whatsapp.cloud_api.events.statuses import Pricing
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    MessageDirection,
    WhatsAppAccount,
    WhatsAppMessage,
    WhatsAppWaitingStatus,
)
from django_meta_whatsapp.models.bulk.ladder import Rung
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.batches import SIZE, insert_missing

_ID_LENGTH = 255
"""A message id that is longer fits no row, so nothing ever comes of its statuses."""
LEFT_ALONE = timedelta(seconds=30)
"""The tick looks at statuses that have waited this long: whoever stores their message applies them at once."""
_DELETED_AT_ONCE = 1000
_ERROR_LENGTH = 10_000


def keep(account: WhatsAppAccount, told: Iterable[tuple[StatusEvent, Rung]]) -> None:
    """Keeps statuses, each once, in the caller's transaction. One statement for each few hundred."""
    rows: dict[str, WhatsAppWaitingStatus] = {}
    for event, rung in told:
        if len(event.message_id) > _ID_LENGTH:
            continue
        row = WhatsAppWaitingStatus(
            account=account,
            message_id=event.message_id,
            event_id=event.event_id,
            status=rung.status,
            happened_at=rung.at,
            error_code=rung.error_code,
            error_message=rung.error_message,
            pricing=rung.pricing,
        )
        row.key = _digest(row)
        rows[row.key] = row
    insert_missing(WhatsAppWaitingStatus, [rows[key] for key in sorted(rows)])


def _digest(row: WhatsAppWaitingStatus) -> str:
    said = [row.account_id, row.message_id, row.event_id, row.status, row.happened_at.isoformat()]
    parts = [*said, row.error_code, row.error_message, row.pricing]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def of_messages(account_id: int, message_ids: Collection[str]) -> list[WhatsAppWaitingStatus]:
    """What waits for these messages of the account, the first to come first."""
    rows = WhatsAppWaitingStatus.objects.filter(among("message_id", message_ids), account_id=account_id)
    return list(rows.filter(receiver_error="").order_by("pk"))


def overdue(limit: int) -> list[WhatsAppWaitingStatus]:
    """What still waits though its message has a row: whoever stored that was stopped, or did not tell us."""
    message = WhatsAppMessage.objects.filter(
        account=OuterRef("account"), message_id=OuterRef("message_id"), direction=MessageDirection.OUTBOUND
    )
    waiting = WhatsAppWaitingStatus.objects.filter(
        created_at__lt=timezone.now() - LEFT_ALONE, receiver_error=""
    )
    return list(waiting.filter(Exists(message)).order_by("account", "pk")[:limit])


def event_of(row: WhatsAppWaitingStatus) -> StatusEvent:
    """The status as it came, as far as rows follow from it."""
    failed = row.error_code is not None or row.error_message
    price = row.pricing
    return StatusEvent(
        event_id=row.event_id,
        message_id=row.message_id,
        status=row.status,
        timestamp=row.happened_at,
        errors=(ErrorDetail(code=row.error_code, title=row.error_message),) if failed else (),
        pricing=price
        and Pricing(
            model=price["pricing_model"],
            type=price["type"],
            category=price["category"],
            billable=price["billable"],
        ),
    )


def forget(rows: Iterable[WhatsAppWaitingStatus]) -> None:
    """Statuses that have been applied."""
    WhatsAppWaitingStatus.objects.filter(among("pk", [row.pk for row in rows])).delete()


def keep_failures(errors: Mapping[WhatsAppWaitingStatus, str]) -> None:
    """Statuses that have been applied and whose receivers failed, with what went wrong: kept until they expire."""
    for row, error in errors.items():
        row.receiver_error = error[:_ERROR_LENGTH]
    WhatsAppWaitingStatus.objects.bulk_update(errors, ["receiver_error"], batch_size=SIZE)


def expire() -> int:
    """Drops what has waited for more than WAITING_STATUS_DAYS, and the oldest above WAITING_STATUSES; how many.

    They stay counted as unmatched in the journal.
    """
    rows = WhatsAppWaitingStatus.objects.order_by("pk")
    oldest = clock.now() - timedelta(days=whatsapp_settings.WAITING_STATUS_DAYS)
    expired = _delete(rows.filter(created_at__lt=oldest))
    last_kept = WhatsAppWaitingStatus.objects.order_by("-pk").values_list("pk", flat=True)
    surplus = last_kept[whatsapp_settings.WAITING_STATUSES : whatsapp_settings.WAITING_STATUSES + 1]
    return expired + sum(_delete(rows.filter(pk__lte=pk)) for pk in surplus)


def _delete(rows: QuerySet[WhatsAppWaitingStatus]) -> int:
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:_DELETED_AT_ONCE]):
        deleted += WhatsAppWaitingStatus.objects.filter(pk__in=keys).delete()[0]
    return deleted
