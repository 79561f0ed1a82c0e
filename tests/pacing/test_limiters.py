"""The pace of a number: what Redis says and what one process says is the same."""

import pytest

from django_meta_whatsapp.services.pacing import rules
from django_meta_whatsapp.services.pacing.rules import Asker, Limiter
from tests.pacing.conftest import Clock

PEOPLE = [f"p:45{number:08}" for number in range(50)]


def asker(campaign: str = "1", full: float = 80.0, headroom: float = 0.0, weight: int = 3) -> Asker:
    return Asker(campaign, full, headroom, weight)


def sent_in(limiter: Limiter, clock: Clock, seconds: float, *askers: Asker, batch: int = 8) -> dict[str, int]:
    """How many messages go in that time when each asker always has more; by campaign. People are new each time."""
    until = clock.now + seconds
    sent = dict.fromkeys([each.campaign for each in askers], 0)
    fresh = iter(range(10**9))
    while clock.now < until:
        waits = []
        for each in askers:
            grant = limiter.take(each, [f"{each.campaign}:{clock.now}:{next(fresh)}" for _ in range(batch)])
            waits.append(grant.wait)
            if not grant.wait:
                sent[each.campaign] += batch
        clock.now += max(min(waits), 0.001)
    return sent


def rate(limiter: Limiter, full: float = 80.0) -> float:
    return limiter.take(asker("looks", full), ["nobody"]).rate


def test_the_rate_is_told_without_a_place_being_taken(limiter: Limiter, clock: Clock) -> None:
    assert limiter.rate(80.0) == 80
    limiter.throttled(80.0, 0.0)
    assert limiter.rate(80.0) == pytest.approx(80 * rules.PLATEAU * rules.CUT, abs=0.01)
    assert limiter.rate(80.0) == pytest.approx(rate(limiter), abs=0.01)
    clock.now += 60
    assert limiter.rate(80.0) == pytest.approx(80)
    assert limiter.take(asker(), PEOPLE[:40]).wait == 0


@pytest.mark.parametrize(("full", "batch"), [(20.0, 2), (80.0, 8), (1000.0, 50), (80.0, 1)])
def test_a_number_sends_at_its_rate(limiter: Limiter, clock: Clock, full: float, batch: int) -> None:
    sent = sent_in(limiter, clock, 5, asker(full=full), batch=batch)["1"]
    assert full * 4.9 - batch <= sent <= full * 5 + batch


def test_a_stall_is_caught_up_in_part_only(limiter: Limiter, clock: Clock) -> None:
    limiter.take(asker(), PEOPLE[:1])
    clock.now += 3600
    assert limiter.take(asker(), PEOPLE[:40]).wait == 0
    assert limiter.take(asker(), PEOPLE[40:41]).wait == 0
    assert limiter.take(asker(), PEOPLE[41:42]).wait > 0


def test_a_throttled_number_halves_once_for_one_excess_and_recovers(limiter: Limiter, clock: Clock) -> None:
    for _ in range(20):
        limiter.throttled(80.0, 0.0)
    assert rate(limiter) == pytest.approx(80 * rules.PLATEAU * rules.CUT, abs=0.01)
    clock.now += 1.5
    limiter.throttled(80.0, 0.0)
    assert rate(limiter) < 30
    clock.now += 60
    assert rate(limiter) == pytest.approx(80)


def test_a_number_rests_below_the_rate_that_was_refused(limiter: Limiter, clock: Clock) -> None:
    """Meta's limit is 20 all of a sudden: within seconds the number is below it, and stays near it."""
    sent, refused, meta = [], 0, 20.0
    for second in range(60):
        went = sent_in(limiter, clock, 1, asker(), batch=4)["1"]
        sent.append(went)
        meta += 20
        if went > meta:
            refused += second >= 10
            limiter.throttled(80.0, 0.0)
        meta = min(max(meta - went, 0.0), 20.0)
    assert max(sent[10:]) <= 40
    assert sum(sent[10:]) / 50 >= 14
    assert refused <= 7


def test_a_number_never_stops_altogether(limiter: Limiter, clock: Clock) -> None:
    for _ in range(30):
        clock.now += rules.CUT_PAUSE
        limiter.throttled(20.0, 0.0)
    assert rate(limiter, 20.0) >= rules.SLOWEST


def test_nothing_goes_before_meta_lets_it(limiter: Limiter, clock: Clock) -> None:
    limiter.throttled(80.0, 30.0)
    assert limiter.take(asker(), PEOPLE[:8]).wait == pytest.approx(30, abs=0.01)
    clock.now += 30.01
    assert limiter.take(asker(), PEOPLE[:8]).wait == 0


def test_a_number_that_was_upgraded_goes_faster(limiter: Limiter, clock: Clock) -> None:
    assert rate(limiter, 80) == 80
    assert rate(limiter, 1000) == 1000


def test_a_number_whose_allowance_is_nearly_used_up_slows_down_for_a_while(
    limiter: Limiter, clock: Clock
) -> None:
    limiter.slow(0.25, 60.0)
    assert rate(limiter) == 20
    clock.now += 61
    assert rate(limiter) == 80


def test_one_person_may_get_a_burst_which_is_then_paid_at_6_seconds_a_message(
    limiter: Limiter, clock: Clock
) -> None:
    fast = asker(full=10_000.0)
    for _ in range(rules.PAIR_BURST):
        assert list(limiter.take(fast, PEOPLE[:1]).pairs) == [0]
        clock.now += 0.001
    waits = limiter.take(fast, PEOPLE[:2])
    assert waits.wait == 0
    assert waits.pairs[0] == pytest.approx(45 * 6, abs=1)
    assert waits.pairs[1] == 0
    clock.now += 1
    assert limiter.take(fast, PEOPLE[:1]).pairs[0] == pytest.approx(45 * 6 - 1, abs=1)
    clock.now += 45 * 6
    assert list(limiter.take(fast, PEOPLE[:1]).pairs) == [0]


def test_one_message_in_seven_seconds_may_go_on_for_ever(limiter: Limiter, clock: Clock) -> None:
    for _ in range(60):
        assert list(limiter.take(asker(), PEOPLE[:1]).pairs) == [0]
        clock.now += 7


def test_somebody_who_gets_too_many_by_meta_s_word_waits_as_long_as_meta_says(
    limiter: Limiter, clock: Clock
) -> None:
    limiter.pair_refused(PEOPLE[0], 24.0)
    assert limiter.take(asker(), PEOPLE[:2]).pairs == [pytest.approx(24), 0]


def test_asking_for_people_who_must_wait_takes_no_place(limiter: Limiter, clock: Clock) -> None:
    limiter.pair_refused(PEOPLE[0], 24.0)
    for _ in range(200):
        assert limiter.take(asker(), PEOPLE[:1]).wait == 0
    assert limiter.take(asker(), PEOPLE[1:9]).wait == 0


def test_campaigns_of_one_weight_get_the_same_share(limiter: Limiter, clock: Clock) -> None:
    sent = sent_in(limiter, clock, 10, asker("1"), asker("2"), asker("3"), batch=4)
    assert sum(sent.values()) == pytest.approx(800, abs=20)
    assert max(sent.values()) - min(sent.values()) <= 48


def test_shares_follow_the_weights_and_nobody_starves(limiter: Limiter, clock: Clock) -> None:
    sent = sent_in(limiter, clock, 20, asker("low", weight=1), asker("high", weight=9), batch=4)
    assert sum(sent.values()) == pytest.approx(1600, abs=20)
    assert sent["low"] == pytest.approx(160, abs=24)


def test_what_one_campaign_leaves_the_other_takes(limiter: Limiter, clock: Clock) -> None:
    """A campaign that asks and takes little, as one whose calls are slow, costs the number nothing."""
    sent = lazy = 0
    until = clock.now + 10
    while clock.now < until:
        lazy += not limiter.take(asker("lazy"), [f"lazy:{clock.now}"]).wait
        wait = limiter.take(asker("keen"), [f"keen:{clock.now}:{n}" for n in range(8)]).wait
        sent += 0 if wait else 8
        clock.now += 0.1
    assert sent + lazy == pytest.approx(800, abs=40)


def test_several_workers_of_one_campaign_share_its_share(limiter: Limiter, clock: Clock) -> None:
    one, same = asker("1"), asker("1")
    sent = sent_in(limiter, clock, 10, one, same, asker("2"), batch=4)
    assert sent["1"] == pytest.approx(400, abs=24)
    assert sent["2"] == pytest.approx(400, abs=24)


def test_campaigns_leave_the_headroom_alone(limiter: Limiter, clock: Clock) -> None:
    assert sent_in(limiter, clock, 10, asker(headroom=0.25))["1"] == pytest.approx(600, abs=24)


@pytest.mark.parametrize("headroom", [0.0, 0.25])
def test_a_reply_goes_before_campaigns_that_take_all_they_get(
    limiter: Limiter, clock: Clock, headroom: float
) -> None:
    waits, sent, began = [], 0, clock.now
    for number in range(100):
        waits.append(limiter.reply(80.0, f"chat:{number}", 2.0))
        sent += sent_in(limiter, clock, 0.1, asker(headroom=headroom))["1"]
    places = 80 * (clock.now - began)
    assert max(waits) <= 0.15
    assert sent + 100 <= places + 8
    assert sent >= min(places * (1 - headroom), places - 100) - 40


def test_replies_wait_no_longer_than_they_are_told(limiter: Limiter, clock: Clock) -> None:
    waits = [limiter.reply(80.0, f"chat:{number}", 2.0) for number in range(400)]
    assert max(waits) == pytest.approx(2, abs=0.05)
    limiter.throttled(80.0, 600.0)
    assert limiter.reply(80.0, "chat:1", 2.0) == 2.0
    # What is owed stops the campaigns for no longer.
    assert limiter.take(asker(), PEOPLE[:1]).wait == pytest.approx(600, abs=0.01)


def test_a_reply_counts_for_the_pair(limiter: Limiter, clock: Clock) -> None:
    for _ in range(rules.PAIR_BURST):
        assert limiter.reply(10_000.0, PEOPLE[0], 2.0) < 0.1
    assert limiter.take(asker(), PEOPLE[:1]).pairs[0] > 200
    assert limiter.reply(80.0, PEOPLE[0], 2.0) == 2.0


def test_people_are_forgotten_as_soon_as_they_do_not_matter(clock: Clock) -> None:
    from django_meta_whatsapp.services.pacing.local import LocalLimiter  # noqa: PLC0415

    local = LocalLimiter(clock)
    for number in range(4000):
        local.take(asker(), [f"p:{number}"])
        clock.now += 1 / 70
    assert len(local._pairs._bursts) <= 80 * 7
