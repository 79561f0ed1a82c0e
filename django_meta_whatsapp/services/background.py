"""Threads that are there while there is something to do."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from django.db import connections, reset_queries

logger = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_SECONDS = 5.0
"""A thread with nothing to do this long closes its database connections and ends."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """count: of items; weight: of all of them together, in the unit of `weigh`."""

    count: int
    weight: int


class _Process:
    forks = 0
    """How many forks lie between the first process and this one."""


def _forked() -> None:
    _Process.forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@dataclass(slots=True)
class _State(Generic[T]):
    """What one process has; a forked child begins with nothing, and with a lock that nobody holds."""

    forks: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    items: deque[tuple[T, int]] = field(default_factory=deque)
    """With their weights."""
    wake: SimpleQueue[None] = field(default_factory=SimpleQueue)
    asleep: bool = False
    closing: bool = False
    thread: threading.Thread | None = None
    count: int = 0
    weight: int = 0


class Background(Generic[T]):
    """Hands items to `handle`, in groups, in one thread with its own database connections.

    The thread starts with the first item and ends by itself; it never keeps a process from ending.
    waiting: how much may wait or be handled at a time. group: how much `handle` gets at once. An item that is
    heavier than a bound is taken all the same when it is alone.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[T]], None],
        *,
        waiting: Bounds,
        group: Bounds,
        weigh: Callable[[T], int] = lambda item: 0,
    ) -> None:
        self.name = name
        self.waiting = waiting
        self._group = group
        self._handle = handle
        self._weigh = weigh
        self._state: _State[T] = _State(_Process.forks)

    def put(self, item: T) -> bool:
        """Takes `item`, unless too much is waiting already. Any thread may call it; it does not block."""
        return not self.put_all([item])

    def put_all(self, items: Sequence[T]) -> list[T]:
        """The same for many, in their order. Returns those that were not taken."""
        state, refused, weigh = self._mine(), list[T](), self._weigh
        with state.lock:
            for item in items:
                weight = weigh(item)
                full = state.count >= self.waiting.count or state.weight + weight > self.waiting.weight
                if full and state.count:
                    refused.append(item)
                    continue
                state.count += 1
                state.weight += weight
                state.items.append((item, weight))
            if state.thread is None:
                if state.items:
                    state.thread = threading.Thread(
                        target=self._run, args=[state], name=self.name, daemon=True
                    )
                    state.thread.start()
            else:
                self._wake(state)
        return refused

    def close(self, seconds: float) -> None:
        """Ends the thread when it has done what is waiting, and waits for that. A later item starts another."""
        state = self._mine()
        with state.lock:
            thread = state.thread
            if thread is None:
                return
            state.closing = True
            self._wake(state)
        thread.join(seconds)

    @property
    def is_closing(self) -> bool:
        """Whether somebody waits for the thread to end: what takes long should stop at the next good moment."""
        return self._mine().closing

    def _mine(self) -> _State[T]:
        if self._state.forks != _Process.forks:
            self._state = _State(_Process.forks)
        return self._state

    def _wake(self, state: _State[T]) -> None:
        """Only a thread that sleeps: it is woken once for all that comes while it is busy."""
        if state.asleep:
            state.asleep = False
            state.wake.put(None)

    def _run(self, state: _State[T]) -> None:
        try:
            while group := self._next(state):
                reset_queries()
                try:
                    self._handle([item for item, _ in group])
                except Exception:
                    logger.exception("%s failed", self.name)
                    # The database may have gone, and this thread would go on with its dead connection for ever.
                    connections.close_all()
                with state.lock:
                    state.count -= len(group)
                    state.weight -= sum(weight for _, weight in group)
        finally:
            connections.close_all()

    def _next(self, state: _State[T]) -> list[tuple[T, int]]:
        """The next group; an empty one when the thread is to end."""
        woken = True
        while True:
            with state.lock:
                group = self._take(state)
                if group:
                    return group
                if state.closing or not woken:
                    state.thread, state.asleep, state.closing = None, False, False
                    return []
                state.asleep = True
            woken = self._sleep(state)

    def _take(self, state: _State[T]) -> list[tuple[T, int]]:
        group, weight = list[tuple[T, int]](), 0
        while state.items and len(group) < self._group.count and weight < self._group.weight:
            group.append(state.items.popleft())
            weight += group[-1][1]
        return group

    def _sleep(self, state: _State[T]) -> bool:
        """Whether it was woken before IDLE_SECONDS were over."""
        try:
            state.wake.get(timeout=IDLE_SECONDS)
        except Empty:
            return False
        return True
