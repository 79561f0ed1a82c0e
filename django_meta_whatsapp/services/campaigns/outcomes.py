"""What to do about the end of a call: for the row, for the pace, for the campaign."""

import math
import random
from typing import NamedTuple

from django.utils import timezone

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.errors import ErrorClass, MetaAPIError, Outcome
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import AttemptState
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services import clock, contacts
from django_meta_whatsapp.services.campaigns.ledger import Marked, Settled
from django_meta_whatsapp.services.campaigns.stops import Stop, stop_for
from django_meta_whatsapp.services.pacing.refusals import NUMBER_TOO_FAST, PAIR_TOO_FAST

_RETRYING = (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)
_FIRST_WAIT = {ErrorClass.RETRY_NOW: 1.0, ErrorClass.RETRY_LATER: 60.0}
_LONGEST_WAIT = 3600.0
_MOST_GROWTH = 12
_FEW = {131049: 2}
"""Codes after which Meta wants few attempts: somebody who is tried too often gets nothing at all for a while."""
_JITTER = (0.75, 1.25)


class Ending(NamedTuple):
    """The end of one call. stop: why the whole campaign must pause. error: Meta's, or of the network."""

    settled: Settled
    stop: Stop | None = None
    error: MetaAPIError | None = None

    @property
    def state(self) -> AttemptState:
        """What we know of the call."""
        return self.settled.answer.state


def accepted(marked: Marked, answer: JSON, portfolio_id: str) -> Ending:
    """Meta has taken the message."""
    message_id = str(answer["messages"][0]["id"])
    row = Answer(
        marked.token, marked.ready.lease, AttemptState.ACCEPTED, timezone.now(), message_id=message_id
    )
    return Ending(Settled(marked, row, contacts.identities_in_answer(answer, portfolio_id)))


def failed(marked: Marked, error: MetaAPIError) -> Ending:
    """The call raised. Only what was rejected or never left can be tried again."""
    if error.outcome == Outcome.MAYBE_SENT:
        return _ended(marked, AttemptState.UNKNOWN, error)
    if error.outcome == Outcome.NOT_SENT:
        return _ended(marked, AttemptState.NOT_SENT, error, wait=backoff(error, marked.attempts))
    if stop := stop_for(error):
        return _ended(marked, AttemptState.REJECTED, error, wait=0.0, stop=stop)
    if error.error_class in _RETRYING and marked.attempts < _attempts(error):
        return _ended(marked, AttemptState.REJECTED, error, wait=backoff(error, marked.attempts))
    return _ended(marked, AttemptState.REJECTED, error)


def _attempts(error: MetaAPIError) -> float:
    """How often a recipient is tried who is refused like that."""
    if error.code in NUMBER_TOO_FAST:
        return math.inf  # it says nothing about the recipient
    return min(whatsapp_settings.MAX_ATTEMPTS, _FEW.get(error.code or 0, math.inf))


def never_called(marked: Marked, why: str) -> Ending:
    """The call was not made: the row may be tried again at once."""
    now = timezone.now()
    row = Answer(
        marked.token,
        marked.ready.lease,
        AttemptState.NOT_SENT,
        now,
        retry_at=clock.now(),
        error_message=why,
    )
    return Ending(Settled(marked, row))


def backoff(error: MetaAPIError, attempts: int) -> float:
    """Seconds until the next attempt: longer each time, and never less than Meta asks for."""
    growth = (4.0 if error.code == PAIR_TOO_FAST else 2.0) ** min(attempts - 1, _MOST_GROWTH)
    wait = _FIRST_WAIT[error.error_class] * growth * random.uniform(*_JITTER)  # noqa: S311
    return max(min(wait, _LONGEST_WAIT), error.retry_after or 0.0)


def _ended(
    marked: Marked,
    state: AttemptState,
    error: MetaAPIError,
    *,
    wait: float | None = None,
    stop: Stop | None = None,
) -> Ending:
    row = Answer(
        marked.token,
        marked.ready.lease,
        state,
        timezone.now(),
        retry_at=None if wait is None else clock.after(wait),
        error_code=error.code,
        error_class=error.error_class,
        error_message=str(error),
    )
    return Ending(Settled(marked, row), stop=stop, error=error)
