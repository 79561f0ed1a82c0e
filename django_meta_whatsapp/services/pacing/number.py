"""The limiter of a number, wherever it is: in Redis, shared by every process, or in this one.

With `REDIS_URL` all processes share the number. When Redis goes away, one process takes the number to itself by its hold in the
database and the others leave it alone; it does so only after those who may still reach Redis would have renewed their hold. When
Redis is back, it gives the number back to all. So the sum is never above what Meta allows.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from django.utils.module_loading import import_string

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.pacing import holding
from django_meta_whatsapp.services.pacing.local import LocalLimiter
from django_meta_whatsapp.services.pacing.rules import TARGET, Asker, Grant, Limiter

if TYPE_CHECKING:
    from django_meta_whatsapp.services.pacing.shared import SharedLimiter

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROBE = 1.0
"""Seconds between two looks whether Redis is back."""
ELSEWHERE = 1.0
"""Seconds after which to ask again for a number that another worker has."""
_SOON = 0.01

other_url: Callable[[], str] | None = None
"""Where Redis is when the setting does not say; `wiring` knows."""


def redis_url() -> str:
    """Where the processes share their pace; "" for nowhere."""
    return whatsapp_settings.REDIS_URL or (other_url() if other_url else "")


class Number:
    """The pace of one number, for all runs and senders of this process, in any thread."""

    def __init__(self, number: str, url: str) -> None:
        self._local = LocalLimiter()
        self._shared: SharedLimiter | None = None
        self._errors: type[Exception] = OSError
        if url:
            # The package redis is optional.
            module = "django_meta_whatsapp.services.pacing.shared"
            self._shared = import_string(f"{module}.SharedLimiter")(url, number)
            self._errors = import_string(f"{module}.RedisError")
        self._lock = threading.Lock()
        self._away_until: float | None = None

    @property
    def is_remote(self) -> bool:
        """Whether the methods below may wait for Redis: they are not for an event loop then."""
        return self._shared is not None

    def is_held(self, account_id: int) -> bool:
        """Whether this process may take places, without asking the database. Between `holding.join` and `leave`."""
        return holding.is_fresh(account_id, self._holder)

    def hold(self, account_id: int) -> bool:
        """Gets or renews the right to take places. Asks the database. False: another worker has the number."""
        return holding.take(account_id, self._holder)

    def take(self, account_id: int, asker: Asker, people: Sequence[str]) -> Grant:
        """See `rules.Limiter.take`. Takes nothing when `hold` must be asked first."""

        def take(limiter: Limiter) -> Grant:
            if self.is_held(account_id):
                return limiter.take(asker, people)
            return Grant(_SOON, [0.0] * len(people), asker.full)

        return self._through(take)

    def reply(self, full: float, person: str, most: float) -> float:
        """See `rules.Limiter.reply`. Needs no hold: a conversation is never left to somebody else."""
        return self._through(lambda limiter: limiter.reply(full, person, most))

    def throttled(self, full: float, retry_after: float) -> None:
        """See `rules.Limiter.throttled`."""
        self._through(lambda limiter: limiter.throttled(full, retry_after))

    def pair_refused(self, person: str, wait: float) -> None:
        """See `rules.Limiter.pair_refused`."""
        self._through(lambda limiter: limiter.pair_refused(person, wait))

    def slow(self, share: float, seconds: float) -> None:
        """See `rules.Limiter.slow`."""
        self._through(lambda limiter: limiter.slow(share, seconds))

    def rate(self, full: float) -> float:
        """See `rules.Limiter.rate`, as far as this process or Redis knows. Needs no hold."""
        return self._through(lambda limiter: limiter.rate(full))

    @property
    def _holder(self) -> str:
        is_shared = self._shared is not None and self._away_until is None
        return holding.SHARED if is_shared else holding.own_name()

    def _through(self, ask: Callable[[Limiter], T]) -> T:
        """What Redis answers; while it is away, what this process says."""
        if self._shared is None or not self._is_near(self._shared):
            return ask(self._local)
        try:
            return ask(self._shared)
        except self._errors as error:
            self._lost(error)
            return ask(self._local)

    def _is_near(self, shared: "SharedLimiter") -> bool:
        with self._lock:
            if self._away_until is None or time.monotonic() < self._away_until:
                return self._away_until is None
            # The others go on meanwhile, without waiting for this answer.
            self._away_until = time.monotonic() + PROBE
        try:
            shared.ping()
        except self._errors:
            return False
        with self._lock:
            self._away_until = None
        logger.warning("Redis is back: the pace of each number is shared again")
        return True

    def _lost(self, error: Exception) -> None:
        with self._lock:
            if self._away_until is None:
                logger.warning(
                    "Redis cannot be reached (%s): one worker has each number, until it is back", error
                )
                # What it remembers of an earlier time is not true any more.
                self._local = LocalLimiter()
            self._away_until = time.monotonic() + PROBE


_numbers: dict[tuple[str, str], Number] = {}
_lock = threading.Lock()


def number_of(account: WhatsAppAccount) -> Number:
    """The pace of the account's number, the same for everybody in this process."""
    key = account.phone_number_id, redis_url()
    with _lock:
        if key not in _numbers:
            _numbers[key] = Number(*key)
        return _numbers[key]


def full_rate(account: WhatsAppAccount) -> float:
    """Messages a second that the number may send, in all."""
    return account.throughput * TARGET


def forget() -> None:
    """Begins anew: in a child after a fork, where a lock may have been taken by a thread that is not there."""
    global _lock
    _lock = threading.Lock()
    _numbers.clear()


os.register_at_fork(after_in_child=forget)
