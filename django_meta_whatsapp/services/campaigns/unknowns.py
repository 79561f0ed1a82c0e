"""Recipients of whom nobody knows whether Meta has their message: what a person, or UNKNOWN_POLICY, decides about them.

A status webhook with the attempt's token settles it whatever was decided, however late: the attempt stays `unknown` until then.
Each decision changes only rows that are `unknown` at that moment, under lock, so of two of them the first holds.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.models import (
    CampaignEventKind,
    CampaignStatus,
    MessageStatus,
    RecipientStatus,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.batches import batches
from django_meta_whatsapp.services.campaigns import states, tally
from django_meta_whatsapp.services.campaigns.transitions import note
from django_meta_whatsapp.services.transactions import in_transaction

GIVEN_UP = "Given up: nobody knows whether this message arrived."
_CLEAR: dict[str, Any] = {"error_code": None, "error_class": "", "error_message": ""}
Rows = Sequence[WhatsAppCampaignRecipient]


def listed(campaign_id: int) -> QuerySet[WhatsAppCampaignRecipient]:
    """The campaign's recipients of unknown outcome."""
    return WhatsAppCampaignRecipient.objects.filter(
        campaign_id=campaign_id, status=RecipientStatus.UNKNOWN
    ).order_by("pk")


def count_as_sent(keys: Collection[int], *, by: str = "") -> int:
    """These were sent, says a person. Keys that are not of an unknown recipient are passed over. Returns how many it were."""
    return _decide(keys, by, "counted as sent", _accept)


def give_up(keys: Collection[int], *, by: str = "") -> int:
    """These have failed, says a person. They are not tried again; a delivery that comes to light counts all the same."""
    return _decide(keys, by, "given up", _fail)


def resend(keys: Collection[int], *, by: str = "") -> int:
    """These are sent again, with a new attempt: whoever got the first message gets two. An ended campaign goes on.

    Raises WrongCampaignState when one of them belongs to a campaign that is cancelled or has expired.
    """
    wanted = WhatsAppCampaignRecipient.objects.filter(status=RecipientStatus.UNKNOWN)
    for part in batches(sorted(keys)):
        unknown = wanted.filter(pk__in=part)
        if unknown.filter(campaign__status=CampaignStatus.CANCELLED).exists():
            raise WrongCampaignState("The campaign is cancelled; nobody can be sent to again.")
        if unknown.filter(campaign__expires_at__lte=clock.now()).exists():
            raise WrongCampaignState("The campaign has expired; nobody can be sent to again.")
    return _decide(keys, by, "sent again", free)


def _decide(keys: Collection[int], by: str, done: str, write: Callable[[Rows, datetime], list[Move]]) -> int:
    return sum(in_transaction(partial(_decide_some, part, by, done, write)) for part in batches(sorted(keys)))


def _decide_some(
    keys: Collection[int], by: str, done: str, write: Callable[[Rows, datetime], list[Move]]
) -> int:
    unknown = WhatsAppCampaignRecipient.objects.filter(pk__in=keys)
    rows = [row for row in locked(unknown.order_by("pk")) if row.status == RecipientStatus.UNKNOWN]
    now = timezone.now()
    moves = write(rows, now)
    tally.apply(moves)
    for campaign_id in sorted({move.campaign_id for move in moves}):
        count = sum(move.campaign_id == campaign_id for move in moves)
        note(campaign_id, CampaignEventKind.RESOLVED, by, f"{count} of unknown outcome {done}.", now)
    return len(rows)


def _accept(rows: Rows, now: datetime) -> list[Move]:
    _recipients(rows).update(status=RecipientStatus.ACCEPTED, accepted_at=now, **_CLEAR)
    _messages(rows).update(status=MessageStatus.ACCEPTED, accepted_at=now)
    return _moves(rows, RecipientStatus.ACCEPTED, newly_accepted=True)


def _fail(rows: Rows, now: datetime) -> list[Move]:
    told = {"failed_at": now, "error_code": None, "error_message": GIVEN_UP}
    _recipients(rows).update(status=RecipientStatus.FAILED, error_class="", **told)
    _messages(rows).update(status=MessageStatus.FAILED, **told)
    return _moves(rows, RecipientStatus.FAILED)


def free(rows: Rows, now: datetime) -> list[Move]:
    """Locked unknown rows are pending again, and their campaigns due, in the caller's transaction. Raises like `states.go_on`."""
    _recipients(rows).update(status=RecipientStatus.PENDING, not_before=None, **_CLEAR)
    _messages(rows).update(status=MessageStatus.SENDING)
    for campaign_id in sorted({row.campaign_id for row in rows}):
        states.go_on(campaign_id)
    return _moves(rows, RecipientStatus.PENDING)


def _moves(rows: Rows, after: RecipientStatus, *, newly_accepted: bool = False) -> list[Move]:
    return [Move(row.campaign_id, RecipientStatus.UNKNOWN, after, newly_accepted) for row in rows]


def _recipients(rows: Rows) -> QuerySet[WhatsAppCampaignRecipient]:
    return WhatsAppCampaignRecipient.objects.filter(pk__in=[row.pk for row in rows])


def _messages(rows: Rows) -> QuerySet[WhatsAppMessage]:
    return WhatsAppMessage.objects.filter(
        pk__in=[row.chat_message_id for row in rows if row.chat_message_id], status=MessageStatus.UNKNOWN
    )
