"""Both limiters, on a clock that the test moves."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from django_meta_whatsapp.services.pacing import shared
from django_meta_whatsapp.services.pacing.local import LocalLimiter
from django_meta_whatsapp.services.pacing.rules import Limiter
from tests.services_check import require

URL = "redis://127.0.0.1:6379/9"


class Clock:
    """Seconds. For Redis the clock is a key that its script reads instead of the server's own."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.redis)])
def limiter(
    request: pytest.FixtureRequest, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Limiter]:
    """A number that has sent nothing yet."""
    if request.param == "local":
        yield LocalLimiter(clock)
        return
    require("redis")
    key = f"clock:{uuid4().hex}"
    redis = Redis.from_url(URL)
    source = shared._source().replace("redis.call('TIME')", f"{{redis.call('GET', '{key}'), 0}}")
    script = redis.register_script(source)

    def ask(**given: Any) -> Any:
        redis.set(key, repr(clock.now), ex=600)
        return script(**given)

    connected: Callable[[str], Any] = lambda url: (redis, ask)  # noqa: E731
    monkeypatch.setattr(shared, "_connected", connected)
    yield shared.SharedLimiter(URL, uuid4().hex)
    redis.close()
