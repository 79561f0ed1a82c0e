"""Handing work to other processes, without knowing how: `wiring` registers who takes which kind.

Work that is handed over is committed as a row first, so nothing is lost when the hand-over fails.
"""

from collections.abc import Callable
from typing import Any

WEBHOOKS = "webhooks"
"""The kind of work that rows of the journal are."""

_takers: dict[str, Callable[..., None]] = {}


def register(kind: str, take: Callable[..., None]) -> None:
    """take(key, *details) queues work of `kind`, and raises QueueUnavailable when it cannot."""
    _takers[kind] = take


def enqueue(kind: str, key: int | None, *details: Any) -> None:
    """Queues the work of `kind` that the row `key` is due for: `campaign`, with the id of an account or None;
    `webhooks` and `media`, whose key None stands for all that are due.

    Raises QueueUnavailable when the broker cannot be reached: the row stays due, and the worker's tick finds it. Webhooks
    with a key are told of a little later, many together, and nothing is raised.
    """
    _takers[kind](key, *details)
