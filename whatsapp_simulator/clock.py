"""The simulated clock: every window, rate and expiry of the simulator is measured with it.

It runs with real time from the moment it is made; the control plane may move it forward or back, or stop it.
"""

import time


class SimClock:
    """A movable clock. Times are unix seconds (UTC) as ``float``."""

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()
        self._frozen_at: float | None = None

    def now(self) -> float:
        """The simulated time, in unix seconds."""
        if self._frozen_at is not None:
            return self._frozen_at
        return self._origin + time.monotonic()

    def set(self, epoch: float) -> None:
        """Jump to ``epoch`` (unix seconds); the clock goes on running from there unless it is frozen."""
        self.advance(epoch - self.now())

    def advance(self, seconds: float) -> None:
        """Jump by ``seconds`` (negative: back)."""
        if self._frozen_at is None:
            self._origin += seconds
        else:
            self._frozen_at += seconds

    def freeze(self, frozen: bool) -> None:
        """Stop the clock, or let it run on from where it stands."""
        if frozen:
            self._frozen_at = self.now()
        elif self._frozen_at is not None:
            self._origin = self._frozen_at - time.monotonic()
            self._frozen_at = None

    @property
    def is_frozen(self) -> bool:
        return self._frozen_at is not None
