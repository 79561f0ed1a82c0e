"""The simulated clock can be set, moved and stopped."""

import time

from whatsapp_simulator.clock import SimClock
from whatsapp_simulator.control import Control
from whatsapp_simulator.limits import PairRate


def test_the_clock_starts_with_real_time_and_runs(sim: Control) -> None:
    first = sim.clock()
    assert abs(first["now"] - time.time()) < 5
    assert first["frozen"] is False
    assert sim.clock()["now"] > first["now"]


def test_the_clock_can_be_set_moved_and_stopped(sim: Control) -> None:
    assert sim.clock(freeze=True, now=1_700_000_000)["now"] == 1_700_000_000
    assert sim.clock(advance=90)["now"] == 1_700_000_090
    assert sim.clock() == {"now": 1_700_000_090, "frozen": True}
    assert 0 <= sim.clock(freeze=False)["now"] - 1_700_000_090 < 5
    assert 0 <= sim.clock(now=1_600_000_000)["now"] - 1_600_000_000 < 5


def test_a_reset_brings_back_real_time(sim: Control) -> None:
    sim.clock(now=5, freeze=True)
    sim.reset()
    assert abs(sim.clock()["now"] - time.time()) < 5


def test_freezing_twice_keeps_the_time() -> None:
    clock = SimClock()
    clock.freeze(True)
    clock.set(100)
    clock.freeze(True)
    assert clock.now() == 100
    clock.freeze(False)
    clock.freeze(False)
    assert clock.now() >= 100


def test_rates_of_people_who_are_free_again_are_forgotten() -> None:
    rates = PairRate()
    for number in range(200_001):
        assert rates.take(str(number), now=number * 10.0)
    assert len(rates) < 10
