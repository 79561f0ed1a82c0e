"""Climbing the ladder in bulk: what status events tell, on the rows of messages, recipients and attempts.

Rows are locked, compared and written back, so that writers at the same moment never lower one. The result is the same for any
order, repetition and batching of the events: the status is the highest rung, each rung keeps its earliest time, the
error is that of the earliest failure, the price that of the highest rung with one.

Everybody locks attempts before recipients before messages, each by their key. All of it must run in a transaction.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import models

from django_meta_whatsapp.models import (
    AttemptState,
    MessageDirection,
    MessageStatus,
    RecipientStatus,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk.claims import locked, write_first
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.models.bulk.rows import among, overwrite, to_overwrite
from django_meta_whatsapp.models.ladder import EVENT_STATES, RANK, higher

_TIMES = [f"{state}_at" for state in EVENT_STATES]
_CLIMBED = ["status", "message_id", "accepted_at", *_TIMES, "error_code", "error_message"]
_MESSAGE_FIELDS = [*_CLIMBED, "pricing"]
_RECIPIENT_FIELDS = [*_CLIMBED, "error_class", "lease", "lease_expires_at", "not_before"]
_ATTEMPT_FIELDS = ["state", "message_id", "answered_at", "error_code", "error_class", "error_message"]

M = TypeVar("M", bound=models.Model)
Climber = WhatsAppMessage | WhatsAppCampaignRecipient


@dataclass(frozen=True, slots=True)
class Rung:
    """What one status event says. status: one of EVENT_STATES; pricing: Meta's, with the `status` that brought it."""

    message_id: str
    status: str
    at: datetime
    error_code: int | None = None
    error_class: str = ""
    error_message: str = ""
    pricing: dict[str, Any] | None = None


class Climb(NamedTuple):
    """A message that climbed. before: its status until now; newly_accepted: nobody had said before that Meta has it."""

    key: int
    message_id: str
    before: str
    status: str
    newly_accepted: bool


class Attempt(NamedTuple):
    """What statuses need to know of an attempt. settled: known as accepted, which is for ever."""

    key: int
    message_key: int | None
    recipient_key: int | None
    settled: bool


def attempts_by_token(account_id: int, tokens: Collection[str]) -> dict[str, Attempt]:
    """The account's attempts with these tokens, not locked."""
    write_first(WhatsAppSendAttempt)
    rows = WhatsAppSendAttempt.objects.filter(among("token", tokens), account_id=account_id)
    found = rows.values_list("token", "pk", "chat_message_id", "recipient_id", "state")
    return {
        token: Attempt(pk, message, recipient, state == AttemptState.ACCEPTED)
        for token, pk, message, recipient, state in found
    }


def message_keys(account_id: int, message_ids: Collection[str]) -> dict[str, int]:
    """The keys of the account's outbound messages that Meta knows by these ids."""
    rows = WhatsAppMessage.objects.filter(
        among("message_id", message_ids), account_id=account_id, direction=MessageDirection.OUTBOUND
    )
    return {str(message_id): pk for message_id, pk in rows.values_list("message_id", "pk")}


def accept(by_key: Mapping[int, Sequence[Rung]]) -> None:
    """Settles attempts: a status of their message proves that Meta took it, whatever the answer was."""
    settled = []
    for attempt in _rows(WhatsAppSendAttempt, by_key, _ATTEMPT_FIELDS):
        rungs = by_key[attempt.pk]
        if attempt.state != AttemptState.ACCEPTED:
            attempt.state, attempt.message_id = AttemptState.ACCEPTED, rungs[0].message_id
            attempt.answered_at = min(rung.at for rung in rungs)
            attempt.error_code, attempt.error_class, attempt.error_message = None, "", ""
            settled.append(attempt)
    overwrite(WhatsAppSendAttempt, settled, _ATTEMPT_FIELDS)


def _rows(model: type[M], keys: Collection[int], fields: Sequence[str]) -> Iterable[M]:
    """The rows with these keys, locked, to be overwritten."""
    if not keys:
        return ()
    return to_overwrite(locked(model._default_manager.filter(among("pk", keys)).order_by("pk")), *fields)


def climb_recipients(
    by_key: Mapping[int, Sequence[Rung]], by_message: Mapping[int, Sequence[Rung]]
) -> list[Move]:
    """Recipients climb; found by their own key, or by their message's. Who has a message was not skipped, whatever was meant."""
    rungs_of = dict(by_key)
    if by_message:
        rows = WhatsAppCampaignRecipient.objects.filter(among("chat_message_id", by_message))
        for pk, message in rows.values_list("pk", "chat_message_id"):
            if message is not None:
                rungs_of.setdefault(pk, by_message[message])
    moves, changes = [], _Changes[WhatsAppCampaignRecipient](_RECIPIENT_FIELDS)
    for row in _rows(WhatsAppCampaignRecipient, rungs_of, ["campaign", *_RECIPIENT_FIELDS]):
        before, accepted = row.status, row.accepted_at is not None
        if changes.note(row, _climb, rungs_of[row.pk]):
            moves.append(Move(row.campaign_id, before, row.status, newly_accepted=not accepted))
    overwrite(WhatsAppCampaignRecipient, changes.rows, changes.columns)
    if any(move.before == RecipientStatus.SKIPPED for move in moves):
        climbed = WhatsAppCampaignRecipient.objects.filter(among("pk", rungs_of))
        climbed.exclude(status=RecipientStatus.SKIPPED).update(skip_reason="")
    return moves


def climb_messages(by_key: Mapping[int, Sequence[Rung]]) -> list[Climb]:
    """Messages climb. Returns all of `by_key`, also those that were up there already."""
    climbs, changes = [], _Changes[WhatsAppMessage](_MESSAGE_FIELDS)
    for row in _rows(WhatsAppMessage, by_key, _MESSAGE_FIELDS):
        before, accepted = row.status, row.accepted_at is not None
        changes.note(row, _climb_and_price, by_key[row.pk])
        climbs.append(Climb(row.pk, row.message_id or "", before, row.status, newly_accepted=not accepted))
    overwrite(WhatsAppMessage, changes.rows, changes.columns)
    return climbs


class _Changes(Generic[M]):
    """Rows that differ from what is stored, and the columns in which one of them does."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._columns: set[str] = set()
        self.rows: list[M] = []

    @property
    def columns(self) -> list[str]:
        """In one order, so that the statement is the same for the same columns."""
        return [name for name in self._fields if name in self._columns]

    def note(self, row: M, change: Callable[[M, Sequence[Rung]], None], rungs: Sequence[Rung]) -> bool:
        """Does `change` to the row; whether that made a difference."""
        before = [getattr(row, name) for name in self._fields]
        change(row, rungs)
        differing = [
            name for name, old in zip(self._fields, before, strict=True) if getattr(row, name) != old
        ]
        if differing:
            self._columns.update(differing)
            self.rows.append(row)
        return bool(differing)


def _climb_and_price(row: WhatsAppMessage, rungs: Sequence[Rung]) -> None:
    _climb(row, rungs)
    _price(row, rungs)


def _climb(row: Climber, rungs: Sequence[Rung]) -> None:
    for rung in sorted(rungs, key=_order):
        if row.failed_at is None:
            # What the row may say was about an answer that never came.
            _set_error(row, None, "", "")
        row.message_id = row.message_id or rung.message_id
        row.accepted_at = min(row.accepted_at or rung.at, rung.at)
        if rung.status == MessageStatus.FAILED:
            _fail(row, rung)
        column = f"{rung.status}_at"
        setattr(row, column, min(getattr(row, column) or rung.at, rung.at))
        row.status = higher(row.status, rung.status)
    if isinstance(row, WhatsAppCampaignRecipient):
        row.lease, row.lease_expires_at, row.not_before = "", None, None


def _order(rung: Rung) -> tuple[datetime, int, int, str]:
    return rung.at, RANK[rung.status], rung.error_code or 0, rung.error_message


def _fail(row: Climber, rung: Rung) -> None:
    known = row.failed_at and (row.failed_at, row.error_code or 0, row.error_message)
    if not known or (rung.at, rung.error_code or 0, rung.error_message) < known:
        _set_error(row, rung.error_code, rung.error_class, rung.error_message)


def _set_error(row: Climber, code: int | None, error_class: str, message: str) -> None:
    row.error_code, row.error_message = code, message
    if isinstance(row, WhatsAppCampaignRecipient):
        row.error_class = error_class


def _price(row: WhatsAppMessage, rungs: Iterable[Rung]) -> None:
    """Keeps the price of the highest rung: the one of `sent` is provisional."""
    offered = [rung.pricing for rung in rungs if rung.pricing] + ([row.pricing] if row.pricing else [])
    highest = max(map(_rank, offered), default=0)
    level = [pricing for pricing in offered if _rank(pricing) == highest]
    row.pricing = max(level, key=_canonical) if len(level) > 1 else next(iter(level), None)


def _rank(pricing: Mapping[str, Any]) -> int:
    return RANK.get(pricing.get("status", ""), 0)


def _canonical(pricing: Mapping[str, Any]) -> str:
    return json.dumps(pricing, sort_keys=True)
