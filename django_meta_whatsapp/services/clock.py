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
