"""What a run writes down: rows claimed, marked before the call, settled after it. Each step is a few statements and one commit.

Only rows whose mark was committed may be called: whoever crashes after that leaves `unknown`, and nobody is messaged twice.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.calls import JSON, Call
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.operations.messages import send_message
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    CampaignStatus,
    RecipientStatus,
    SkipReason,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppContactIdentity,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.bulk import claims, marks, settling
from django_meta_whatsapp.models.bulk.claims import Leased
from django_meta_whatsapp.models.bulk.marks import Mark
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services import budget, clock, consent, suppression, tokens
from django_meta_whatsapp.services.batches import insert_missing
from django_meta_whatsapp.services.campaigns import hours, states, tally
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.candidates import address_of
from django_meta_whatsapp.services.transactions import database, in_transaction

ERASED = "The contact was deleted before the message went out."
GATE_HOLDS = 2.0
"""Seconds after a claim for which its answers of the gate and of the hours hold. At full speed all of it is marked by then."""


class Ready(NamedTuple):
    """A claimed recipient with its call. content: what the call sends under `message_type`; token: of the coming attempt;
    message_id: of the row in the chat, if there is one; claimed_at: the monotonic clock of this process."""

    lease: str
    recipient_id: int
    contact_id: int
    identity: str
    phone_number: str
    message_type: str
    content: JSON
    text: str
    token: str
    call: Call[JSON]
    attempts: int
    message_id: int | None
    claimed_at: float


class Marked(NamedTuple):
    """A recipient whose mark is committed. at: the monotonic clock of this process when the mark was asked for."""

    ready: Ready
    at: float

    @property
    def token(self) -> str:
        return self.ready.token

    @property
    def call(self) -> Call[JSON]:
        return self.ready.call

    @property
    def attempts(self) -> int:
        """Calls to this recipient, this one included."""
        return self.ready.attempts + 1


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought. taken: rows, of which some may have been skipped or refused since; none in a paused campaign.

    postponed: how many of them were given back until it is their hour.
    over: rows that are claimed and must wait for the messaging limit, until that policy time.
    """

    lease: str
    taken: int
    ready: list[Ready]
    over: int = 0
    until: datetime | None = None
    postponed: int = 0

    @property
    def dropped(self) -> int:
        """Rows that were skipped or refused."""
        return self.taken - self.postponed - len(self.ready) - self.over


def claim(assignment: Assignment, limit: int) -> Claimed:
    """Claims up to `limit` rows and readies them. Whoever opted out or was blocked since the freezing is skipped.

    Each claim has a lease of its own: a row that is claimed again, because its lease ran out, is out of reach of whoever still
    holds it from before, even in this process.
    """
    if not states.is_running(assignment.campaign_id):
        return Claimed("", 0, [])
    lease, at = uuid4().hex, time.monotonic()
    leased = _leased(assignment.campaign_id, limit, lease)
    asleep = _put_to_bed(assignment, ((row.pk, row.phone_number) for row in leased), lease)
    rows = [row for row in leased if row.pk not in asleep]
    reasons = {
        identity: each.reason
        for identity, each in _refused(assignment, [row.identity for row in rows]).items()
    }
    surplus = claims.surplus(assignment.campaign_id, rows)
    reasons |= {row.identity: SkipReason.DUPLICATE for row in rows if row.pk in surplus}
    wanted = [row.contact_id for row in rows if row.contact_id and row.identity not in reasons]
    reserved = budget.reserve(assignment.account, wanted)
    ready: list[Ready] = []
    over = 0
    skipped: dict[str, list[int]] = {}
    faulty: dict[str, list[int]] = {}
    for row in rows:
        if row.identity in reasons:
            skipped.setdefault(reasons[row.identity], []).append(row.pk)
            continue
        if row.contact_id and row.contact_id not in reserved.contacts:
            over += 1
            continue
        try:
            ready.append(_ready(assignment, row, lease, at))
        except InvalidMessage as error:
            faulty.setdefault(str(error), []).append(row.pk)
    if skipped or faulty:
        in_transaction(partial(_drop, skipped, faulty, lease))
    return Claimed(lease, len(leased), ready, over, reserved.until, len(leased) - len(rows))


def _leased(campaign_id: int, limit: int, lease: str) -> list[Leased]:
    seconds, due = whatsapp_settings.LEASE_SECONDS, clock.now()
    work = partial(claims.claim, campaign_id, lease=lease, seconds=seconds, limit=limit, due=due)
    return in_transaction(work)


def _refused(assignment: Assignment, identities: Sequence[str]) -> dict[str, suppression.Verdict]:
    return suppression.refusals(
        assignment.account,
        identities,
        category=assignment.category,
        besides_campaign=assignment.campaign_id,
    )


def _put_to_bed(assignment: Assignment, people: Iterable[tuple[int, str]], lease: str) -> set[int]:
    """Gives those back who may not be messaged at this hour of their day, until they may. people: rows and their numbers."""
    closed = hours.closed(assignment.hours, people, clock.now())
    if not closed:
        return set()

    def give_back() -> None:
        for until, ids in sorted(closed.items()):
            claims.postpone(ids, lease=lease, until=until)

    in_transaction(give_back)
    return {pk for ids in closed.values() for pk in ids}


def _ready(assignment: Assignment, row: Leased, lease: str, claimed_at: float) -> Ready:
    """Raises InvalidMessage for what cannot be sent, before the mark: that of one row must not cost the others theirs."""
    if row.contact_id is None:
        raise InvalidMessage("contact", ERASED)
    content = assignment.personaliser.content(row.parameters)
    token = tokens.new_token()
    to = f"+{row.phone_number}" if row.phone_number else address_of(row.identity)
    call = send_message(assignment.account.phone_number_id, to, content, callback_data=token)
    return Ready(
        lease=lease,
        recipient_id=row.pk,
        contact_id=row.contact_id,
        identity=row.identity,
        phone_number=row.phone_number,
        message_type=content.type,
        content=(call.body or {})[content.type],
        text=assignment.personaliser.text(row.parameters),
        token=token,
        call=call,
        attempts=row.attempt_count,
        message_id=row.chat_message_id,
        claimed_at=claimed_at,
    )


def _drop(skipped: Mapping[str, Sequence[int]], faulty: Mapping[str, Sequence[int]], lease: str) -> None:
    moves: list[Move] = []
    now = timezone.now()
    for reason, ids in skipped.items():
        moves += claims.skip(ids, lease=lease, reason=SkipReason(reason), at=now)
    for why, ids in faulty.items():
        moves += claims.refuse(ids, lease=lease, why=why, at=now)
    tally.apply(moves)


def is_stale(batch: Sequence[Ready]) -> bool:
    """Whether the gate must be asked again: rows of a slow number wait between their claim and their mark."""
    return time.monotonic() - batch[0].claimed_at > GATE_HOLDS


def check_again(assignment: Assignment, batch: Sequence[Ready]) -> tuple[list[Ready], int]:
    """Asks the gate and the hours once more for a few rows of one claim: who may still be messaged, and how many of the others
    were skipped. Whose quiet hours have begun is given back until they end.
    """
    lease = batch[0].lease
    asleep = _put_to_bed(assignment, ((row.recipient_id, row.phone_number) for row in batch), lease)
    awake = [row for row in batch if row.recipient_id not in asleep]
    refused = _refused(assignment, [row.identity for row in awake])
    skipped: dict[str, list[int]] = {}
    for row in awake:
        if row.identity in refused:
            skipped.setdefault(refused[row.identity].reason, []).append(row.recipient_id)
    if skipped:
        in_transaction(partial(_drop, skipped, {}, lease))
    left = [row for row in awake if row.identity not in refused]
    return left, len(awake) - len(left)


def mark(assignment: Assignment, batch: Sequence[Ready]) -> list[Marked]:
    """Marks a few rows of one claim; those that may be called now. Nobody, when the campaign no longer runs.

    Attempt, message and conversation are committed with the mark.
    """
    at = time.monotonic()
    if not states.is_running(assignment.campaign_id):
        return []
    shared = Mark(
        account_id=assignment.account.pk,
        campaign_id=assignment.campaign_id,
        category=assignment.category,
        lease=batch[0].lease,
        seconds=whatsapp_settings.LEASE_SECONDS,
        at=timezone.now(),
    )
    # Durable: a mark inside somebody's transaction could be rolled back after the call.
    marked = in_transaction(lambda: marks.mark(shared, batch), durable=True)
    return [Marked(ready, at) for ready in batch if ready.recipient_id in marked]


class Settled(NamedTuple):
    """How one call ended. answer: for the rows; known_as: identities by which Meta knows the person, from its answer."""

    marked: Marked
    answer: Answer
    known_as: tuple[str, ...] = ()


def settle(assignment: Assignment, batch: Sequence[Settled]) -> None:
    """Writes down how calls ended. Doing it twice changes nothing."""
    stopped = {
        settled.marked.ready.recipient_id: settled.marked.token
        for settled in batch
        if settled.answer.error_code == consent.MARKETING_STOPPED
    }

    def commit() -> None:
        moves = settling.settle([settled.answer for settled in batch])
        if any(move.after == RecipientStatus.PENDING for move in moves):
            moves += _abandoned(assignment.campaign_id, batch)
        tally.apply(moves)
        if any(move.before == RecipientStatus.UNKNOWN and move.after in states.TO_SEND for move in moves):
            states.reopen(assignment.campaign_id)
        if stopped:
            # As they are now: a contact may have been merged or erased since the claim.
            people = WhatsAppCampaignRecipient.objects.filter(pk__in=stopped, contact__isnull=False)
            tokens_of = {contact: stopped[pk] for pk, contact in people.values_list("pk", "contact_id")}
            consent.note_refusals(assignment.account, tokens_of, timezone.now())
        accepted = [settled.answer.message_id for settled in batch if settled.answer.message_id]
        if accepted:
            transaction.on_commit(partial(_announce, assignment.account.pk, accepted), using=database())

    in_transaction(commit)
    _learn(batch)


def _abandoned(campaign_id: int, batch: Sequence[Settled]) -> list[Move]:
    """Those who would be called again, had nobody cancelled the campaign meanwhile. It is locked: who cancels sees them else."""
    campaign = claims.locked(WhatsAppCampaign.objects.filter(pk=campaign_id))
    if campaign.values_list("status", flat=True).first() != CampaignStatus.CANCELLED:
        return []
    ids = [settled.marked.ready.recipient_id for settled in batch]
    return claims.abandon(campaign_id, why=states.CANCELLED, at=timezone.now(), ids=ids)


def _announce(account_id: int, message_ids: Sequence[str]) -> None:
    # A status without our token may have been quicker than the answer.
    signals.messages_known.send_robust(sender=WhatsAppMessage, account_id=account_id, message_ids=message_ids)
    if not signals.whatsapp_message_sent.has_listeners(WhatsAppMessage):
        return
    sent = WhatsAppMessage.objects.filter(message_id__in=message_ids).select_related(
        "account", "conversation"
    )
    for message in sent:
        signals.whatsapp_message_sent.send_robust(
            sender=WhatsAppMessage, message=message, event_id=f"sent:{message.message_id}"
        )


def _learn(batch: Sequence[Settled]) -> None:
    """Meta may know a person under another number (Brazil, Mexico) or a user id: a reply comes from there."""
    learnt = {
        identity: settled.marked.ready.contact_id
        for settled in batch
        for identity in settled.known_as
        if identity != settled.marked.ready.identity
    }
    if not learnt:
        return

    def commit() -> None:
        # Locked: whoever is erased meanwhile is erased before or after, never in between.
        known = claims.locked(WhatsAppContact.objects.filter(pk__in=learnt.values()).order_by("pk"))
        there = set(known.values_list("pk", flat=True))
        rows = [
            WhatsAppContactIdentity(contact_id=contact_id, identity=identity)
            for identity, contact_id in sorted(learnt.items())
            if contact_id in there
        ]
        insert_missing(WhatsAppContactIdentity, rows)

    in_transaction(commit)


def postpone(batch: Sequence[Ready], until: datetime) -> None:
    """Gives rows of one claim back until then."""
    ids = [ready.recipient_id for ready in batch]
    in_transaction(partial(claims.postpone, ids, lease=batch[0].lease, until=until))


def release(lease: str) -> None:
    """Gives back the rows of a claim that were not marked."""
    in_transaction(partial(claims.release, lease))
