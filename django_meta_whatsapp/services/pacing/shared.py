"""The pace of one number in Redis, shared by every process. Each instruction is one round trip; the rules are in `bucket.lua`."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from django_meta_whatsapp.services.pacing import rules
from django_meta_whatsapp.services.pacing.rules import Asker, Grant

__all__ = ["RedisError", "SharedLimiter"]

TIMEOUT = 1.0
"""Seconds for an answer of Redis, which takes less than a thousandth of that when all is well."""


class SharedLimiter:
    """See `rules.Limiter`. Every method raises RedisError when Redis cannot be reached, after 2 * TIMEOUT at most."""

    def __init__(self, url: str, number: str) -> None:
        redis, self._script = _connected(url)
        self._redis = redis
        # In braces: a cluster keeps all of one number on one server.
        self._prefix = f"dmw:pace:{{{number}}}"

    def take(self, asker: Asker, people: Sequence[str]) -> Grant:
        wait, rate, *pairs = self._ask(
            "take", asker.full, asker.headroom, asker.campaign, asker.weight, people=people
        )
        return Grant(wait / 1000, [pair / 1000 for pair in pairs], rate / 1000)

    def reply(self, full: float, person: str, most: float) -> float:
        return float(self._ask("reply", full, most, people=[person])) / 1000

    def throttled(self, full: float, retry_after: float) -> None:
        self._ask("throttled", full, retry_after)

    def pair_refused(self, person: str, wait: float) -> None:
        self._ask("pair_refused", wait, people=[person])

    def slow(self, share: float, seconds: float) -> None:
        self._ask("slow", share, seconds)

    def rate(self, full: float) -> float:
        return float(self._ask("rate", full)) / 1000

    def ping(self) -> None:
        """Raises RedisError while Redis cannot be reached."""
        self._redis.ping()

    def _ask(self, what: str, *arguments: Any, people: Sequence[str] = ()) -> Any:
        keys = [self._prefix, f"{self._prefix}:campaigns", *(f"{self._prefix}:{person}" for person in people)]
        return self._script(keys=keys, args=[what, *arguments])


@cache
def _connected(url: str) -> tuple["Redis", Any]:
    """The client of this process (one that forks makes new connections in the child) and the script."""
    redis = Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # Once more, for a connection that was closed while nobody used it. To take a place twice does no harm.
        retry=Retry(NoBackoff(), 1),
    )
    return redis, redis.register_script(_source())


def _source() -> str:
    numbers = {name: repr(value) for name, value in vars(rules).items() if name.isupper()}
    return Template(files(__package__).joinpath("bucket.lua").read_text()).substitute(numbers)
