"""Notices that Meta cannot be reached, before a whole list is burnt on it.

After a call that never left, sending holds for a moment, longer each time; as soon as a call is answered, all is well.
Answers that never come leave rows of unknown outcome behind, so a run of those stops at once.
"""

import time
from collections.abc import Callable

FIRST_HOLD = 0.5
"""Seconds that sending holds after the first call that did not leave; doubles each time."""
OUTAGES = 5
"""Holds in a row after which the campaign pauses."""
SILENCES = 20
"""Calls in a row whose outcome is unknown, after which the campaign pauses."""
LAG = 1.0
"""Seconds by which the end of a call may be noticed too late by a process that was not stopped."""


class Breaker:
    """Counts failures in a row. Each method takes the end of one call."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._outages = 0
        self._silences = 0
        self._held_since = float("-inf")
        self._silent_since = float("-inf")
        self._until = float("-inf")

    @property
    def hold(self) -> float:
        """Seconds for which nothing should be sent."""
        return max(0.0, self._until - self._clock())

    @property
    def is_probing(self) -> bool:
        """Whether the next call should go alone, to see if Meta can be reached again."""
        return self._outages > 0

    def answered(self) -> None:
        """Meta answered, with whatever."""
        self._outages = self._silences = 0
        self._until = float("-inf")

    def not_sent(self, started: float, why: str) -> str:
        """A call did not leave. started: when it began, by our clock. Returns why the campaign should pause, or ""."""
        if started >= self._held_since:  # Calls that were under way already tell of the same outage.
            self._held_since = self._clock()
            self._until = self._held_since + FIRST_HOLD * 2**self._outages
            self._outages += 1
        return f"Meta cannot be reached: {why}" if self._outages >= OUTAGES else ""

    def maybe_sent(self, started: float, limit: float, why: str) -> str:
        """The outcome of a call is unknown. started: when it began; limit: seconds that it might have taken. Returns why the
        campaign should pause, or "".
        """
        now = self._clock()
        if now - started > limit + LAG and started < self._silent_since:
            # It was not Meta that stood still but this process, and with it all its calls: they count as one.
            return ""
        self._silent_since = now
        self._silences += 1
        return f"Meta does not answer: {why}" if self._silences >= SILENCES else ""
