"""Meta's send rates (reference: limits and pacing). Times are unix seconds of the simulated clock."""

_PAIR_INTERVAL = 6.0
_PAIR_BURST = 45
_PURGE_FROM = 200_000


class Throughput:
    """Messages a second of one business number: a token bucket one second deep."""

    __slots__ = ("_at", "_tokens", "rate")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._tokens = float(rate)
        self._at = now

    def take(self, now: float) -> bool:
        """Use one message; False when the second's worth is used up."""
        elapsed = now - self._at
        self._at = now
        if elapsed > 0:
            self._tokens = min(float(self.rate), self._tokens + elapsed * self.rate)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class PairRate:
    """One message per 6 seconds from a number to a person.

    Within 6 seconds up to 45 may go in a burst that borrows from the future: the next one waits until all are paid.
    """

    __slots__ = ("_bursts", "_purge_at")

    def __init__(self) -> None:
        self._bursts: dict[str, tuple[float, float]] = {}
        """Person -> when their latest burst began (also one of a single message), and when it is paid."""
        self._purge_at = _PURGE_FROM

    def __len__(self) -> int:
        """How many people are remembered."""
        return len(self._bursts)

    def take(self, wa_id: str, now: float) -> bool:
        """Use one message to ``wa_id``; False while an earlier burst is not paid."""
        began, paid_at = self._bursts.get(wa_id, (now, now))
        if paid_at <= now:
            began = paid_at = now
        elif now - began >= _PAIR_INTERVAL or paid_at - began >= _PAIR_BURST * _PAIR_INTERVAL:
            return False
        self._bursts[wa_id] = began, paid_at + _PAIR_INTERVAL
        if len(self._bursts) > self._purge_at:
            self._purge(now)
        return True

    def _purge(self, now: float) -> None:
        self._bursts = {wa_id: burst for wa_id, burst in self._bursts.items() if burst[1] > now}
        self._purge_at = max(_PURGE_FROM, 2 * len(self._bursts))
