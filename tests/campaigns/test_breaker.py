"""When Meta cannot be reached, sending holds; on a clock that the test moves."""

import pytest

from django_meta_whatsapp.services.campaigns import breaker
from django_meta_whatsapp.services.campaigns.breaker import Breaker

LIMIT = 30.0
"""Seconds that a call may take."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_calls_of_one_outage_count_once_and_holds_grow(clock: Clock) -> None:
    watch = Breaker(clock)
    started = clock.now
    clock.now += 1
    assert [watch.not_sent(started, "refused") for _ in range(64)] == [""] * 64
    assert watch.is_probing
    assert watch.hold == breaker.FIRST_HOLD
    for number in range(1, breaker.OUTAGES - 1):
        clock.now += watch.hold
        assert watch.not_sent(clock.now, "refused") == ""
        assert watch.hold == breaker.FIRST_HOLD * 2**number
    assert watch.not_sent(clock.now, "refused") == "Meta cannot be reached: refused"


def test_any_answer_ends_an_outage(clock: Clock) -> None:
    watch = Breaker(clock)
    watch.not_sent(clock.now, "refused")
    for _ in range(breaker.SILENCES - 1):
        assert watch.maybe_sent(clock.now, LIMIT, "timeout") == ""
    watch.answered()
    assert not watch.is_probing
    assert watch.hold == 0
    assert watch.maybe_sent(clock.now, LIMIT, "timeout") == ""


def test_too_many_calls_without_an_answer_stop_the_run(clock: Clock) -> None:
    watch = Breaker(clock)
    told = [watch.maybe_sent(clock.now, LIMIT, "timeout") for _ in range(breaker.SILENCES)]
    assert told[-2:] == ["", "Meta does not answer: timeout"]


def test_a_call_that_times_out_after_its_limit_tells_of_a_silence_of_its_own(clock: Clock) -> None:
    watch = Breaker(clock)
    started = clock.now
    clock.now += LIMIT + breaker.LAG
    told = [watch.maybe_sent(started, LIMIT, "timeout") for _ in range(breaker.SILENCES)]
    assert told[-1] == "Meta does not answer: timeout"


def test_the_calls_of_a_process_that_was_stopped_count_once(clock: Clock) -> None:
    watch = Breaker(clock)
    for _ in range(breaker.SILENCES - 1):
        started = clock.now
        clock.now += 3600
        assert {watch.maybe_sent(started, LIMIT, "timeout") for _ in range(64)} == {""}
    started = clock.now
    clock.now += 3600
    assert watch.maybe_sent(started, LIMIT, "timeout") == "Meta does not answer: timeout"
