"""How many calls a run keeps under way."""

import pytest

from django_meta_whatsapp.services.campaigns.window import FLOOR, PERIOD, ROOM, STRETCH, Window


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def answered(window: Window, seconds: float, times: int = 1000) -> None:
    for _ in range(times):
        window.answered(seconds)


def test_the_window_holds_what_rate_and_answer_time_ask_for_and_some_room() -> None:
    window = Window(1000)
    answered(window, 0.1)
    assert window.size(1000) == pytest.approx(1000 * 0.1 * ROOM, abs=1)
    answered(window, 0.2)
    assert window.size(1000) == pytest.approx(1000 * 0.2 * ROOM, abs=1)


def test_a_slow_number_keeps_a_few_and_no_setting_is_exceeded() -> None:
    window = Window(300)
    answered(window, 0.1)
    assert window.size(20) == FLOOR
    assert window.size(1_000_000) == 300
    assert Window(4).size(1000) == 4


def test_calls_that_wait_for_ourselves_do_not_call_for_ever_more() -> None:
    window = Window(100_000)
    window.answered(0.1)
    answered(window, 5.0)
    assert window.size(1000) == pytest.approx(1000 * 0.1 * STRETCH * ROOM, abs=1)


def test_an_answer_time_that_lasts_is_believed() -> None:
    clock = Clock()
    window = Window(100_000, clock)
    window.answered(0.1)
    for _ in range(3):
        clock.now += PERIOD + 1
        answered(window, 2.0)
    assert window.size(100) == pytest.approx(100 * 2.0 * ROOM, abs=1)
