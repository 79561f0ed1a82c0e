"""Reads are repeated where that can help; writes and messages never are."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import exchange
from django_meta_whatsapp.cloud_api.calls import MESSAGE, READ, WRITE, Call, Kind, as_is
from django_meta_whatsapp.cloud_api.client import Timeouts
from django_meta_whatsapp.cloud_api.errors import (
    MaybeSentError,
    MetaAPIError,
    NotSentError,
    RequestError,
    RetryLaterError,
)
from django_meta_whatsapp.cloud_api.wire import Answer, Request
from tests.cloud_api.callers import Connect
from tests.cloud_api.raw_server import Peer, RawServer, Received, Script

FOUND = {"id": "111", "name": "Sample Shop"}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_PAUSE", 0.01)


def a_call(kind: Kind) -> Call[dict[str, Any]]:
    return Call("GET" if kind == READ else "POST", "111", as_is, kind)


def fails_first(times: int, *fault: object, then: dict[str, Any] = FOUND, **headers: str) -> Script:
    """Gives the fault that many times: `(body, status)` to answer, or nothing to close the connection."""
    left: Iterator[int] = iter(range(times))

    def script(peer: Peer, received: Received) -> bool:
        peer.read_body(received)
        if next(left, None) is None:
            peer.answer(then)
        elif fault:
            peer.answer(*fault, **headers)  # type: ignore[arg-type]
        else:
            return True
        return False

    return script


FAULTS: dict[str, tuple[object, ...]] = {
    "a lost connection": (),
    "an HTML page": (b"<html>", 502),
    "Meta out of order": ({"error": {"code": 2, "message": "Service"}}, 503),
    "throttled": ({"error": {"code": 130429, "message": "Rate"}}, 429),
    "broken JSON": (b'{"id', 200),
    "any code with a status of 500": ({"error": {"code": 131045, "message": "Certificate"}}, 500),
    "unknown and transient": ({"error": {"code": 999, "message": "?", "is_transient": True}}, 400),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_read_is_repeated_until_it_succeeds(connect: Connect, fault: tuple[object, ...]) -> None:
    with RawServer(fails_first(2, *fault)) as server:
        assert connect(server.url).run(a_call(READ)) == FOUND
        assert server.count("GET") == 3


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_read_gives_up_after_three_attempts(connect: Connect, fault: tuple[object, ...]) -> None:
    with RawServer(fails_first(9, *fault)) as server:
        with pytest.raises(MetaAPIError):
            connect(server.url).run(a_call(READ))
        assert server.count("GET") == 3


@pytest.mark.parametrize("kind", [WRITE, MESSAGE])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_write_or_a_message_is_never_repeated(
    connect: Connect, fault: tuple[object, ...], kind: Kind
) -> None:
    with RawServer(fails_first(1, *fault)) as server:
        with pytest.raises(MetaAPIError):
            connect(server.url).run(a_call(kind))
        assert server.count() == 1


def test_a_read_that_meta_refuses_is_not_repeated(connect: Connect) -> None:
    with RawServer(fails_first(1, {"error": {"code": 100, "message": "(#100) Bad"}}, 400)) as server:
        with pytest.raises(RequestError):
            connect(server.url).run(a_call(READ))
        assert server.count("GET") == 1


@pytest.mark.parametrize("status", [302, 404])
def test_a_read_that_nobody_understands_is_repeated_only_where_waiting_helps(
    connect: Connect, status: int
) -> None:
    with RawServer(fails_first(1, b"gone", status)) as server:
        with pytest.raises(MaybeSentError) as told:
            connect(server.url).run(a_call(READ))
        assert told.value.http_status == status
        assert server.count("GET") == 1


def test_a_read_does_not_wait_longer_than_a_caller_would(connect: Connect) -> None:
    script = fails_first(1, {"error": {"code": 4, "message": "Too many"}}, 400, Retry_After="60")
    with RawServer(script) as server:
        with pytest.raises(RetryLaterError) as told:
            connect(server.url).run(a_call(READ))
        assert told.value.retry_after == 60.0
        assert server.count("GET") == 1


def test_a_read_waits_as_long_as_meta_says() -> None:
    steps = exchange.Endpoint("token").conversation(a_call(READ))
    assert isinstance(next(steps), Request)
    pause = steps.send(Answer(400, {"retry-after": "2"}, b'{"error": {"code": 4}}'))
    assert pause == exchange.Pause(2.0)


def test_a_read_that_was_refused_a_connection_is_repeated() -> None:
    steps = exchange.Endpoint("token").conversation(a_call(READ))
    first = next(steps)
    pause = steps.throw(NotSentError("refused"))
    assert isinstance(pause, exchange.Pause)
    assert steps.send(None) == first


def test_a_read_gets_its_time_anew_each_time(connect: Connect) -> None:
    silent = iter([True, True])

    def script(peer: Peer, received: Received) -> bool:
        if next(silent, False):
            peer.wait_until_gone()
            return True
        peer.answer(FOUND)
        return False

    with RawServer(script) as server:
        assert connect(server.url, timeout=Timeouts(0.4, 0.5)).run(a_call(READ)) == FOUND
        assert server.count("GET") == 3
