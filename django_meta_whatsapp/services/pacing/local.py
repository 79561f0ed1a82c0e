"""The pace of one number within one process. `bucket.lua` says the same to Redis; one test holds for both."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django_meta_whatsapp.services.pacing.rules import (
    ACTIVE,
    CUT_PAUSE,
    DEBT,
    PAIR_BURST,
    PAIR_INTERVAL,
    PAIR_MARGIN,
    PAIR_WINDOW,
    PLATEAU,
    SLACK,
    SURPLUS,
    Asker,
    Grant,
    recovered,
)

_LONG_AGO = float("-inf")


@dataclass(slots=True)
class _Campaign:
    """due: when its share is paid; seen: when it last asked."""

    due: float
    seen: float
    weight: int


class LocalLimiter:
    """See `rules.Limiter`. `clock` is any function that counts seconds upwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all_due = self._campaigns_due = _LONG_AGO
        self._begun = clock()
        self._plateau: float | None = None
        self._cut_at = _LONG_AGO
        self._hold = _LONG_AGO
        self._slow, self._slow_until = 1.0, _LONG_AGO
        self._campaigns: dict[str, _Campaign] = {}
        self._pairs = _Pairs()

    def take(self, asker: Asker, people: Sequence[str]) -> Grant:
        with self._lock:
            now = self._clock()
            rate = self._rate(asker.full, now)
            pairs = [self._pairs.wait(person, now) for person in people]
            places = pairs.count(0.0)
            everybody, campaigns = self._due(self._all_due, now), self._due(self._campaigns_due, now)
            own, share = self._share(asker, now)
            open_at = max(everybody, campaigns, self._hold)
            turn = min(own.due, max(everybody, campaigns) + SURPLUS)
            wait = max(open_at, turn) - now
            if wait > 0 or not places:
                return Grant(max(wait, 0.0) if places else 0.0, pairs, rate)
            campaign_rate = rate * (1 - asker.headroom)
            self._all_due = everybody + places / rate
            self._campaigns_due = campaigns + places / campaign_rate
            own.due = min(max(own.due, now - SLACK) + places / (campaign_rate * share), now + DEBT)
            for person, pair in zip(people, pairs, strict=True):
                if not pair:
                    self._pairs.count(person, now)
            return Grant(0.0, pairs, rate)

    def reply(self, full: float, person: str, most: float) -> float:
        with self._lock:
            now = self._clock()
            due = self._due(self._all_due, now)
            wait = max(due, self._hold) - now
            # Whoever waits longer goes anyway: what is owed beyond that would only stop the campaigns.
            self._all_due = min(due + 1 / self._rate(full, now), now + max(most, 0.0))
            pair = self._pairs.wait(person, now)
            if not pair:
                self._pairs.count(person, now)
            return min(max(wait, pair, 0.0), most)

    def throttled(self, full: float, retry_after: float) -> None:
        with self._lock:
            now = self._clock()
            if now - self._cut_at >= CUT_PAUSE:
                self._plateau = self._rate(full, now) * PLATEAU
                self._cut_at = now
                # What was saved up was not there, in Meta's eyes.
                self._all_due = max(self._all_due, now)
                self._campaigns_due = max(self._campaigns_due, now)
            self._hold = max(self._hold, now + retry_after)

    def pair_refused(self, person: str, wait: float) -> None:
        with self._lock:
            self._pairs.close(person, self._clock(), wait)

    def slow(self, share: float, seconds: float) -> None:
        with self._lock:
            self._slow, self._slow_until = share, self._clock() + seconds

    def rate(self, full: float) -> float:
        with self._lock:
            return self._rate(full, self._clock())

    def _rate(self, full: float, now: float) -> float:
        rate = full if self._plateau is None else recovered(full, self._plateau, now - self._cut_at)
        return min(rate, full * self._slow) if now < self._slow_until else rate

    def _due(self, due: float, now: float) -> float:
        """When all that was taken is paid; a number that has never sent has nothing saved up."""
        return max(due, self._begun, now - SLACK)

    def _share(self, asker: Asker, now: float) -> tuple[_Campaign, float]:
        """The campaign and its share of the rate, among those that have asked of late."""
        for name in [name for name, other in self._campaigns.items() if now - other.seen >= ACTIVE]:
            del self._campaigns[name]
        # Who comes to others begins like them, without anything saved up.
        due = now if self._campaigns else now - SLACK
        own = self._campaigns.setdefault(asker.campaign, _Campaign(due, now, asker.weight))
        own.seen, own.weight = now, asker.weight
        return own, own.weight / sum(other.weight for other in self._campaigns.values())


class _Pairs:
    """Bursts to people that are not paid yet: when each began, and when it is paid. Not locked."""

    def __init__(self) -> None:
        self._bursts: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, person: str, now: float) -> float:
        """Seconds until that person may get another message."""
        began, paid = self._bursts.get(person, (now, now))
        burst = paid - began < PAIR_BURST * PAIR_INTERVAL and now - began < PAIR_WINDOW
        return 0.0 if paid <= now or burst else paid - now

    def count(self, person: str, now: float) -> None:
        """One more message."""
        self._forget(now)
        began, paid = self._bursts.get(person, (now, now))
        if paid <= now:
            began, paid = now, now + PAIR_MARGIN
        self._keep(person, began, paid + PAIR_INTERVAL)

    def close(self, person: str, now: float, wait: float) -> None:
        """No message for so many seconds."""
        self._keep(person, now - PAIR_WINDOW, now + wait)

    def _keep(self, person: str, began: float, paid: float) -> None:
        self._bursts[person] = began, paid
        self._bursts.move_to_end(person)

    def _forget(self, now: float) -> None:
        """Who comes first was written to first, and is mostly paid first; whoever is not keeps the others a while."""
        while self._bursts and next(iter(self._bursts.values()))[1] <= now:
            self._bursts.popitem(last=False)
