"""How calls ended, written on attempts, recipients and messages. Run it in a transaction of the caller's; it writes first.

Nearly all calls end accepted. On PostgreSQL those are one statement; all else, and all other databases, go the portable way.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from django_meta_whatsapp.models import (
    AttemptState,
    MessageStatus,
    RecipientStatus,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk.claims import UNLEASED, locked, messages_of, recipients_of
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.models.bulk.rows import among, array, by_index, overwrite, to_overwrite


class Answer(NamedTuple):
    """How one attempt ended.

    lease: under which its recipient was marked.
    state: ACCEPTED, REJECTED, NOT_SENT or UNKNOWN. message_id: Meta's, of an accepted one.
    retry_at: when a rejected or unsent one may be tried again; None: never, the recipient has failed.
    """

    token: str
    lease: str
    state: AttemptState
    at: datetime
    message_id: str = ""
    retry_at: datetime | None = None
    error_code: int | None = None
    error_class: str = ""
    error_message: str = ""


_BELOW = (
    RecipientStatus.PENDING,
    RecipientStatus.LEASED,
    RecipientStatus.SENDING,
    RecipientStatus.UNKNOWN,
    RecipientStatus.SKIPPED,
)
"""Statuses below `accepted`: Meta has told nothing of the row yet. Who was skipped and has a message all the same was not."""
_MESSAGE_BELOW = (MessageStatus.UNKNOWN, MessageStatus.SENDING)


def settle(answers: Iterable[Answer]) -> list[Move]:
    """Writes down how attempts ended, on the attempts, their recipients and their messages.

    A status webhook may have come first: what it told is never undone, an attempt that it settled stays settled,
    and settling twice changes nothing. A row whose mark has run out is settled like any other, unless somebody else
    has taken it since; an acceptance counts even then, because the person has the message.
    """
    by_token = {answer.token: answer for answer in answers}
    connection = connections[router.db_for_write(WhatsAppSendAttempt)]
    if connection.vendor != "postgresql":
        return _settle(by_token)
    accepted = {token: answer for token, answer in by_token.items() if answer.state == AttemptState.ACCEPTED}
    others = {token: answer for token, answer in by_token.items() if token not in accepted}
    return _accept_at_once(connection, accepted) + _settle(others)


# PostgreSQL

# With `|| ''` and `+ 0` attempts are found by their tokens: the other indexes are full of dead versions of all that were sent
# lately, until the table is vacuumed.
_ACCEPT = """
WITH given AS (
  SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS g (token, message_id, at)
), open AS (
  SELECT a.id, a.recipient_id, a.chat_message_id, g.message_id, g.at
  FROM {attempt} AS a JOIN given AS g ON g.token = a.token
  WHERE a.state || '' IN ('sending', 'unknown') AND a.recipient_id + 0 IS NOT NULL ORDER BY a.id FOR UPDATE OF a
), answered AS (
  UPDATE {attempt} AS a SET state = 'accepted', message_id = o.message_id, answered_at = o.at,
    error_code = NULL, error_class = '', error_message = ''
  FROM open AS o WHERE a.id = o.id
), newest AS (
  SELECT DISTINCT ON (recipient_id) recipient_id, message_id, at FROM open ORDER BY recipient_id, id DESC
), found AS (
  SELECT r.id, r.campaign_id, r.chat_message_id, r.status, r.accepted_at, r.status IN {below} AS below, n.message_id, n.at
  FROM {recipient} AS r JOIN newest AS n ON n.recipient_id = r.id ORDER BY r.id FOR UPDATE OF r
), risen AS (
  UPDATE {recipient} AS r SET
    message_id = coalesce(r.message_id, f.message_id), accepted_at = coalesce(r.accepted_at, f.at),
    status = CASE WHEN f.below THEN 'accepted' ELSE r.status END,
    skip_reason = CASE WHEN f.below THEN '' ELSE r.skip_reason END,
    not_before = CASE WHEN f.below THEN NULL ELSE r.not_before END,
    error_code = CASE WHEN f.below THEN NULL ELSE r.error_code END,
    error_class = CASE WHEN f.below THEN '' ELSE r.error_class END,
    error_message = CASE WHEN f.below THEN '' ELSE r.error_message END,
    lease = CASE WHEN f.below THEN '' ELSE r.lease END,
    lease_expires_at = CASE WHEN f.below THEN NULL ELSE r.lease_expires_at END
  FROM found AS f WHERE r.id = f.id
), told AS (
  UPDATE {message} AS m SET
    message_id = coalesce(m.message_id, f.message_id), accepted_at = coalesce(m.accepted_at, f.at),
    status = CASE WHEN m.status IN {message_below} THEN 'accepted' ELSE m.status END
  FROM found AS f WHERE m.id = f.chat_message_id
)
SELECT campaign_id, status, below, accepted_at IS NULL, count(*) FROM found GROUP BY 1, 2, 3, 4
"""


def _accept_at_once(connection: BaseDatabaseWrapper, answers: Mapping[str, Answer]) -> list[Move]:
    """Writes down acceptances; the moves, those that are alike as one."""
    if not answers:
        return []
    quote = connection.ops.quote_name
    statement = _ACCEPT.format(
        attempt=quote(WhatsAppSendAttempt._meta.db_table),
        recipient=quote(WhatsAppCampaignRecipient._meta.db_table),
        message=quote(WhatsAppMessage._meta.db_table),
        below=_listed(_BELOW),
        message_below=_listed(_MESSAGE_BELOW),
    )
    given: list[Any] = [
        array(answers),
        array(answer.message_id for answer in answers.values()),
        array(answer.at for answer in answers.values()),
    ]
    with connection.cursor() as cursor:
        by_index(cursor)
        cursor.execute(statement, given)
        found = cursor.fetchall()
    return [
        Move(campaign_id, before, RecipientStatus.ACCEPTED if below else before, newly_accepted, rows)
        for campaign_id, before, below, newly_accepted, rows in found
    ]


def _listed(states: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"


# Elsewhere, and whatever was not accepted


def _settle(by_token: Mapping[str, Answer]) -> list[Move]:
    if not by_token:
        return []
    attempts = _open_attempts(by_token)
    _write_attempts(attempts, by_token)
    by_recipient = {row.recipient_id: by_token[row.token] for row in attempts if row.recipient_id}
    rows_of = WhatsAppCampaignRecipient.objects.filter(among("pk", by_recipient)).order_by("pk")
    held = list(to_overwrite(locked(rows_of), *_ROW_FIELDS))
    contested = _contested(held, by_recipient)
    groups: dict[_Settler, list[WhatsAppCampaignRecipient]] = {}
    for row in held:
        settler = None if row.pk in contested else _settler(row, by_recipient[row.pk])
        if settler:
            groups.setdefault(settler, []).append(row)
    moves = []
    for settler, rows in groups.items():
        settler(rows, by_recipient)
        after = _AFTER[settler]
        for row in rows:
            accepted = settler is _accept
            reached = after if row.status in _BELOW else row.status
            moves.append(Move(row.campaign_id, row.status, reached, accepted and row.accepted_at is None))
    return moves


_Settler = Callable[[Sequence[WhatsAppCampaignRecipient], Mapping[int, Answer]], None]


def _open_attempts(tokens: Collection[str]) -> list[WhatsAppSendAttempt]:
    rows = WhatsAppSendAttempt.objects.filter(among("token", tokens), recipient__isnull=False).order_by("pk")
    found = to_overwrite(locked(rows), "token", "recipient", "state")
    return [row for row in found if row.state in (AttemptState.SENDING, AttemptState.UNKNOWN)]


_ROW_FIELDS = ("campaign", "chat_message", "status", "lease", "accepted_at")
_ANSWERED = ("state", "message_id", "answered_at", "error_code", "error_class", "error_message")


def _write_attempts(attempts: Sequence[WhatsAppSendAttempt], answers: Mapping[str, Answer]) -> None:
    for row in attempts:
        answer = answers[row.token]
        row.state, row.message_id, row.answered_at = answer.state, answer.message_id, answer.at
        row.error_code, row.error_class = answer.error_code, answer.error_class
        row.error_message = answer.error_message
    overwrite(WhatsAppSendAttempt, attempts, _ANSWERED)


def _contested(rows: Sequence[WhatsAppCampaignRecipient], answers: Mapping[int, Answer]) -> set[int]:
    """Rows whose answer says nothing of them, because they were sent again and the other attempt is still open."""
    doubtful = [
        row.pk
        for row in rows
        if row.status == RecipientStatus.UNKNOWN and answers[row.pk].state != AttemptState.ACCEPTED
    ]
    if not doubtful:
        return set()
    others = WhatsAppSendAttempt.objects.filter(recipient__in=doubtful).exclude(
        token__in=[answers[pk].token for pk in doubtful]
    )
    still_open = others.filter(state__in=(AttemptState.SENDING, AttemptState.UNKNOWN))
    return set(still_open.values_list("recipient_id", flat=True))


def _settler(row: WhatsAppCampaignRecipient, answer: Answer) -> _Settler | None:
    """What to do with the row; None where somebody knows better: a webhook, or who has taken the row since."""
    if answer.state == AttemptState.ACCEPTED:
        return _accept
    ours = row.status == RecipientStatus.SENDING and row.lease == answer.lease
    if not ours and row.status != RecipientStatus.UNKNOWN:
        return None
    if answer.state == AttemptState.UNKNOWN:
        return _leave_unknown
    return _free if answer.retry_at else _fail


def _accept(rows: Sequence[WhatsAppCampaignRecipient], answers: Mapping[int, Answer]) -> None:
    told = WhatsAppSendAttempt.objects.filter(state=AttemptState.ACCEPTED).order_by("-pk")
    by_recipient, by_message = told.filter(recipient=OuterRef("pk")), told.filter(chat_message=OuterRef("pk"))
    recipients_of(rows).update(**_first("message_id", by_recipient), **_first("accepted_at", by_recipient))
    recipients_of(rows).filter(status__in=_BELOW).update(
        status=RecipientStatus.ACCEPTED,
        skip_reason="",
        not_before=None,
        error_code=None,
        error_class="",
        error_message="",
        **UNLEASED,
    )
    messages_of(rows).update(**_first("message_id", by_message), **_first("accepted_at", by_message))
    messages_of(rows).filter(status__in=_MESSAGE_BELOW).update(status=MessageStatus.ACCEPTED)


def _fail(rows: Sequence[WhatsAppCampaignRecipient], answers: Mapping[int, Answer]) -> None:
    rejections = WhatsAppSendAttempt.objects.exclude(state=AttemptState.SENDING).order_by("-pk")
    by_recipient = rejections.filter(recipient=OuterRef("pk"))
    recipients_of(rows).update(
        status=RecipientStatus.FAILED,
        failed_at=Subquery(by_recipient.values("answered_at")[:1]),
        **_error(by_recipient),
        **UNLEASED,
    )
    by_message = rejections.filter(chat_message=OuterRef("pk"))
    messages_of(rows).filter(status__in=_MESSAGE_BELOW).update(
        status=MessageStatus.FAILED,
        failed_at=Subquery(by_message.values("answered_at")[:1]),
        error_code=Subquery(by_message.values("error_code")[:1]),
        error_message=Subquery(by_message.values("error_message")[:1]),
    )


def _free(rows: Sequence[WhatsAppCampaignRecipient], answers: Mapping[int, Answer]) -> None:
    """Back to `pending`: Meta has refused, or the call never left."""
    newest = WhatsAppSendAttempt.objects.filter(recipient=OuterRef("pk")).order_by("-pk")
    recipients_of(rows).update(status=RecipientStatus.PENDING, **_error(newest), **UNLEASED)
    for row in rows:
        row.not_before = answers[row.pk].retry_at
    overwrite(WhatsAppCampaignRecipient, rows, ["not_before"])
    unsent = [row for row in rows if answers[row.pk].state == AttemptState.NOT_SENT]
    if unsent:
        recipients_of(unsent).update(attempt_count=F("attempt_count") - 1)
    messages_of(rows).filter(status=MessageStatus.UNKNOWN).update(status=MessageStatus.SENDING)


def _leave_unknown(rows: Sequence[WhatsAppCampaignRecipient], answers: Mapping[int, Answer]) -> None:
    newest = WhatsAppSendAttempt.objects.filter(recipient=OuterRef("pk")).order_by("-pk")
    recipients_of(rows).update(status=RecipientStatus.UNKNOWN, **_error(newest), **UNLEASED)
    messages_of(rows).filter(status=MessageStatus.SENDING).update(status=MessageStatus.UNKNOWN)


_AFTER: dict[_Settler, str] = {
    _accept: RecipientStatus.ACCEPTED,
    _fail: RecipientStatus.FAILED,
    _free: RecipientStatus.PENDING,
    _leave_unknown: RecipientStatus.UNKNOWN,
}


_OF_ATTEMPT = {"message_id": "message_id", "accepted_at": "answered_at"}


def _first(field: str, attempts: QuerySet[WhatsAppSendAttempt]) -> dict[str, Coalesce]:
    """What `field` holds, else the attempt's word: the values differ by row, the statement does not."""
    return {field: Coalesce(F(field), Subquery(attempts.values(_OF_ATTEMPT[field])[:1]))}


def _error(attempts: QuerySet[WhatsAppSendAttempt]) -> dict[str, Any]:
    fields = ("error_code", "error_class", "error_message")
    return {field: Subquery(attempts.values(field)[:1]) for field in fields}
