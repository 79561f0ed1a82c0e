"""Who may send to a recipient: rows are claimed, marked and settled, with fences.

`pending` rows are claimed for a lease (`leased`), marked just before the call (`sending`) and settled by its outcome. A
claim that is never used runs out and the row is free again. A mark that runs out says nothing about the call: the
row becomes `unknown`, and no time brings it back to `pending`.

Leases live on the database's clock. Every function is a few statements whatever the number of rows, writes first
(SQLite waits for a write that comes first, and refuses to turn a reading transaction into a writing one), and must run in the
caller's transaction, except where it says otherwise.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db import connections, models, router
from django.db.models import (
    BigIntegerField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Now

from django_meta_whatsapp.models import (
    AttemptState,
    MessageStatus,
    RecipientStatus,
    SkipReason,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.models.bulk.rows import among

M = TypeVar("M", bound=models.Model)

UNLEASED: dict[str, Any] = {"lease": "", "lease_expires_at": None}
_HELD = Q(status__in=(RecipientStatus.LEASED, RecipientStatus.SENDING), lease_expires_at__isnull=False)
"""All of these have an end of their lease, and the index has no others."""
MARK_RAN_OUT = "Whoever sent this stopped before the answer was known."
MAY_HAVE_IT = "An earlier message may have arrived."
NOT_AGAIN = "not_again"
"""The error class of `unknown` rows whom nothing but a person may send to again."""
_ABANDONED = 2000


def ends_in(seconds: float) -> models.expressions.CombinedExpression:
    """A moment of the database's clock."""
    return Now() + Value(timedelta(seconds=seconds), output_field=DurationField())


def locked(rows: QuerySet[M], *, skip_locked: bool = False, is_written: bool = False) -> QuerySet[M]:
    """`rows`, locked when they are read. SQLite locks as a whole, by a write that changes nothing, unless one `is_written`."""
    features = connections[rows.db].features
    if features.has_select_for_update:
        return rows.select_for_update(skip_locked=skip_locked and features.has_select_for_update_skip_locked)
    if not is_written:
        write_first(rows.model)
    return rows


def write_first(model: type[models.Model]) -> None:
    """Makes a write the first statement of a transaction on databases without locks for rows; one that changes nothing."""
    connection = connections[router.db_for_write(model)]
    if not connection.features.has_select_for_update:
        model._default_manager.using(connection.alias).filter(pk=0).update(**{model._meta.pk.name: 0})


class Leased(NamedTuple):
    """A claimed recipient: what sending to it needs."""

    pk: int
    identity: str
    phone_number: str
    contact_id: int | None
    parameters: dict[str, Any]
    attempt_count: int
    chat_message_id: int | None


def pending(campaign_id: int | OuterRef) -> QuerySet[WhatsAppCampaignRecipient]:
    """Rows of the campaign that nobody has claimed."""
    return WhatsAppCampaignRecipient.objects.filter(campaign_id=campaign_id, status=RecipientStatus.PENDING)


def held(campaign_id: int | OuterRef) -> QuerySet[WhatsAppCampaignRecipient]:
    """Rows of the campaign that somebody has claimed or marked."""
    # The sum keeps SQLite from going through all of the campaign's rows: these few are found by their leases.
    campaign = ExpressionWrapper(F("campaign_id") + 0, output_field=BigIntegerField())
    return WhatsAppCampaignRecipient.objects.alias(of=campaign).filter(_HELD, of=campaign_id)


def claim(campaign_id: int, *, lease: str, seconds: float, limit: int, due: datetime) -> list[Leased]:
    """Up to `limit` pending rows whose time has come, now leased. Two claims never get the same row.

    Those that had to wait go first. due: the present moment of policy time, which `not_before` is held against.
    """
    write_first(WhatsAppCampaignRecipient)
    rows = _free(_in_turn(campaign_id).filter(not_before__lte=due), limit)
    rows += _free(_in_turn(campaign_id).filter(not_before=None), limit - len(rows))
    if rows:
        WhatsAppCampaignRecipient.objects.filter(among("pk", [row.pk for row in rows])).update(
            status=RecipientStatus.LEASED, lease=lease, lease_expires_at=ends_in(seconds)
        )
    return rows


def ready(campaign_id: OuterRef, due: datetime) -> Q:
    """That a campaign has pending rows whose time has come. Two looks into the index, past none of those that still must wait."""
    return Exists(pending(campaign_id).filter(not_before=None)) | Exists(
        pending(campaign_id).filter(not_before__lte=due)
    )


def _free(rows: QuerySet[WhatsAppCampaignRecipient], limit: int) -> list[Leased]:
    found = (
        locked(rows, skip_locked=True, is_written=True).values_list(*Leased._fields)[:limit] if limit else ()
    )
    return [Leased(*values) for values in found]


def _in_turn(campaign_id: int) -> QuerySet[WhatsAppCampaignRecipient]:
    """Pending rows of the campaign in the order of the index that has no others.

    Of rows without a time, too: ordered by their ids alone, PostgreSQL would read them by the primary key, past all rows that
    were sent to.
    """
    return pending(campaign_id).order_by("not_before", "pk")


def surplus(campaign_id: int, rows: Sequence[Leased]) -> set[int]:
    """Those of the claimed rows that were called before, and whose contact another row of the campaign has: one that has the
    message or may have it, or that comes before. Contacts are merged at any time, and two rows may both have begun.

    No query without such rows. Who was never called is seen to by the merge.
    """
    again = {row.pk: row.contact_id for row in rows if row.chat_message_id and row.contact_id}
    if not again:
        return set()
    mine = among("contact_id", set(again.values()))
    others = WhatsAppCampaignRecipient.objects.filter(mine, campaign_id=campaign_id).exclude(
        status__in=(RecipientStatus.SKIPPED, RecipientStatus.FAILED)
    )
    of_contact: dict[int, list[tuple[int, bool]]] = {}
    for contact_id, pk, status in others.order_by().values_list("contact_id", "pk", "status"):
        waits = status in (RecipientStatus.PENDING, RecipientStatus.LEASED)
        of_contact.setdefault(contact_id, []).append((pk, waits))
    return {
        pk
        for pk, contact_id in again.items()
        if any(other != pk and (not waits or other < pk) for other, waits in of_contact.get(contact_id, ()))
    }


def skip(ids: Collection[int], *, lease: str, reason: SkipReason, at: datetime) -> list[Move]:
    """Claimed rows that must not be sent after all, such as those of people who have opted out meanwhile. See `end`."""
    fields: dict[str, Any] = {"status": RecipientStatus.SKIPPED, "skip_reason": reason}
    return end(_leased_by(lease, ids), fields, why=not_again(reason), at=at)


def refuse(ids: Collection[int], *, lease: str, why: str, at: datetime) -> list[Move]:
    """Claimed rows that cannot be sent, by a check of ours before the call. See `end`."""
    error = {"failed_at": at, "error_class": "request", "error_message": why}
    return end(_leased_by(lease, ids), {"status": RecipientStatus.FAILED, **error}, why=why, at=at)


def postpone(ids: Collection[int], *, lease: str, until: datetime) -> None:
    """Claimed rows that may go from `until` on."""
    _drop(ids, lease, status=RecipientStatus.PENDING, not_before=until)


def release(lease: str) -> int:
    """Frees all rows that `lease` has claimed and not marked. One statement, needs no transaction."""
    rows = WhatsAppCampaignRecipient.objects.filter(lease=lease, status=RecipientStatus.LEASED)
    return rows.update(status=RecipientStatus.PENDING, **UNLEASED)


def _leased_by(lease: str, ids: Collection[int]) -> QuerySet[WhatsAppCampaignRecipient]:
    rows = WhatsAppCampaignRecipient.objects.filter(pk__in=ids, lease=lease, status=RecipientStatus.LEASED)
    return rows.order_by("pk")


def not_again(reason: SkipReason) -> str:
    """What a message says whose recipient is skipped after an earlier call."""
    return f"Not sent again: {SkipReason(reason).label}."


class _Ended(NamedTuple):
    pk: int
    campaign_id: int
    status: str
    chat_message_id: int | None


def end(
    rows: QuerySet[WhatsAppCampaignRecipient],
    fields: Mapping[str, Any],
    *,
    why: str,
    at: datetime,
    limit: int | None = None,
) -> list[Move]:
    """Pending or claimed rows end without another call, with these `fields`, one of which is their status.

    Those who were called before have a message, which then has failed. Of whom a call may have reached the row is `unknown`
    instead, until a webhook or a person tells: else nobody would hear of an acceptance that comes to light.
    """
    found = [_Ended(*values) for values in locked(rows).values_list(*_Ended._fields)[:limit]]
    doubtful = _may_have_it([row.pk for row in found if row.chat_message_id])
    unknown = {
        "status": RecipientStatus.UNKNOWN,
        "error_code": None,
        "error_class": NOT_AGAIN,
        "error_message": f"{why} {MAY_HAVE_IT}",
        "not_before": None,
    }
    failed = {"status": MessageStatus.FAILED, "failed_at": at, "error_code": None, "error_message": why}
    certain = [row for row in found if row.pk not in doubtful]
    moves = _end(certain, fields, failed)
    return moves + _end(
        [row for row in found if row.pk in doubtful], unknown, {"status": MessageStatus.UNKNOWN}
    )


def _may_have_it(ids: Collection[int]) -> set[int]:
    """Those of the rows with an attempt that nobody knows the end of."""
    if not ids:
        return set()
    attempts = WhatsAppSendAttempt.objects.filter(among("recipient_id", ids), recipient__isnull=False)
    still_open = attempts.filter(state__in=(AttemptState.SENDING, AttemptState.UNKNOWN))
    return set(still_open.order_by().values_list("recipient_id", flat=True))


def _end(rows: Sequence[_Ended], fields: Mapping[str, Any], of_messages: Mapping[str, Any]) -> list[Move]:
    if not rows:
        return []
    mine = among("pk", [row.pk for row in rows])
    WhatsAppCampaignRecipient.objects.filter(mine).update(**fields, **UNLEASED)
    if messages := [row.chat_message_id for row in rows if row.chat_message_id]:
        under_way = (MessageStatus.SENDING, MessageStatus.UNKNOWN)
        WhatsAppMessage.objects.filter(among("pk", messages), status__in=under_way).update(**of_messages)
    return [Move(row.campaign_id, row.status, fields["status"]) for row in rows]


def abandon(campaign_id: int, *, why: str, at: datetime, ids: Collection[int] | None = None) -> list[Move]:
    """Nobody of the campaign (or of `ids`) is called any more. Who was called before ends, see `end`; a row stays pending.

    What was claimed is taken from its claim, which must not call them either.
    """
    stays = {"status": RecipientStatus.PENDING}
    called = Q(chat_message__isnull=False)
    waiting = pending(campaign_id).filter(called).order_by("pk")
    if ids is not None:
        return end(waiting.filter(among("pk", ids)), stays, why=why, at=at)
    claimed = held(campaign_id).filter(called, status=RecipientStatus.LEASED).order_by("pk")
    moves = end(claimed, stays, why=why, at=at)
    after = 0
    while keys := list(waiting.filter(pk__gt=after).values_list("pk", flat=True)[:_ABANDONED]):
        moves += end(waiting.filter(among("pk", keys)), stays, why=why, at=at)
        after = keys[-1]
    return moves


def _drop(ids: Collection[int], lease: str, *, status: RecipientStatus, **fields: Any) -> None:
    dropped = list(locked(_leased_by(lease, ids)).values_list("pk", flat=True))
    WhatsAppCampaignRecipient.objects.filter(pk__in=dropped).update(status=status, **fields, **UNLEASED)


def expire(*, campaign_id: int | None = None, limit: int = 1000) -> list[Move]:
    """Ends up to `limit` leases that have run out: claimed rows are free again, marked ones become `unknown`."""
    rows = WhatsAppCampaignRecipient.objects.filter(lease_expires_at__lt=Now())
    if campaign_id is not None:
        rows = rows.filter(campaign_id=campaign_id)
    found = list(locked(rows.filter(_HELD).order_by("pk"), skip_locked=True)[:limit])
    claimed = [row for row in found if row.status == RecipientStatus.LEASED]
    marked = [row for row in found if row.status == RecipientStatus.SENDING]
    if claimed:
        recipients_of(claimed).update(status=RecipientStatus.PENDING, **UNLEASED)
    if marked:
        attempts = WhatsAppSendAttempt.objects.filter(recipient__in=[row.pk for row in marked])
        attempts.filter(state=AttemptState.SENDING).update(
            state=AttemptState.UNKNOWN, error_message=MARK_RAN_OUT
        )
        recipients_of(marked).update(status=RecipientStatus.UNKNOWN, error_message=MARK_RAN_OUT, **UNLEASED)
        messages_of(marked).filter(status=MessageStatus.SENDING).update(status=MessageStatus.UNKNOWN)
    return [Move(row.campaign_id, row.status, RecipientStatus.PENDING) for row in claimed] + [
        Move(row.campaign_id, row.status, RecipientStatus.UNKNOWN) for row in marked
    ]


def recipients_of(rows: Sequence[WhatsAppCampaignRecipient]) -> QuerySet[WhatsAppCampaignRecipient]:
    return WhatsAppCampaignRecipient.objects.filter(among("pk", [row.pk for row in rows]))


def messages_of(rows: Sequence[WhatsAppCampaignRecipient]) -> QuerySet[WhatsAppMessage]:
    keys = [row.chat_message_id for row in rows if row.chat_message_id]
    return WhatsAppMessage.objects.filter(among("pk", keys))
