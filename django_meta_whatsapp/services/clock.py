"""Policy time: the 24-hour window, quiet hours, expiry. Tests move it; leases stay on the database's clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone


class _Clock:
    offset = timedelta()


def now() -> datetime:
    """The present moment, aware, as policies see it."""
    return timezone.now() + _Clock.offset


def after(seconds: float) -> datetime:
    """The moment so many seconds from now."""
    return now() + timedelta(seconds=seconds)


def until(moment: datetime) -> float:
    """The seconds from now to `moment`; fewer than 0 when it has passed."""
    return (moment - now()).total_seconds()


def move(by: timedelta) -> None:
    """Moves policy time of this process forward (or back) by `by`, on top of earlier moves."""
    _Clock.offset += by


def reset() -> None:
    """Back to real time."""
    _Clock.offset = timedelta()


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """Policy time is `by` ahead inside the block."""
    before = _Clock.offset
    _Clock.offset = before + by
    try:
        yield
    finally:
        _Clock.offset = before
