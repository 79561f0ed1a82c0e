"""How many calls may be under way: as many as the number's rate needs at the time that Meta takes to answer.

A thousand messages a second at 100 ms are a hundred calls under way; at 80 a second, eight. The time is the mean of the last
calls, but at most `STRETCH` times that of the quickest lately: calls that only wait for us must not call for more.
"""

import time
from collections.abc import Callable

FLOOR = 16
"""Calls that may always be under way."""
ROOM = 2.0
"""Calls for each one that rate and answer time ask for."""
STRETCH = 3.0
PERIOD = 5.0
"""Seconds for which the quickest answer is remembered; twice, as the last period counts too."""
FIRST_GUESS = 0.25
"""Seconds that Meta takes, until there is an answer."""
_WEIGHT = 0.02


class Window:
    """Takes how long each call took, and says how many may be under way. limit: the most, whatever was seen."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._mean = FIRST_GUESS
        self._quickest = self._earlier = float("inf")
        self._since = clock()

    def answered(self, seconds: float) -> None:
        """A call has ended, in whatever way, after so long."""
        now = self._clock()
        if now - self._since > PERIOD:
            self._earlier, self._quickest, self._since = self._quickest, seconds, now
        self._mean += (seconds - self._mean) * _WEIGHT
        self._quickest = min(self._quickest, seconds)

    def size(self, rate: float) -> int:
        """Calls that may be under way at `rate` messages a second."""
        quickest = min(self._quickest, self._earlier)
        wanted = rate * min(self._mean, quickest * STRETCH) * ROOM
        return max(1, min(self._limit, max(FLOOR, int(wanted))))
