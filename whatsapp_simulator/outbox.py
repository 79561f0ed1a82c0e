"""Webhook updates that wait for their time to be posted. No I/O here: the delivery task takes them out."""

import heapq
import itertools
import random
import time
from asyncio import Event
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from whatsapp_simulator.clock import SimClock
from whatsapp_simulator.ledger import Entry


@dataclass(slots=True)
class WebhookConfig:
    """How webhooks are posted; the control plane changes it. Seconds here are real ones, not simulated.

    ``double`` is the share of updates posted twice; each step (sent, delivered, read) follows the one before
    after a time drawn from ``delay``; ``reorder`` posts updates in any order; a POST carries up to ``batch_size``
    updates, collected for ``batch_wait``; ``read_share`` of the delivered messages are read; ``fail_share`` fail
    with ``fail_code``. A POST that is not answered with 200 within ``timeout`` is repeated at once, then
    after ``retry_base`` doubled each time up to ``retry_cap``, for ``retry_for``. ``max_pending`` bounds what is
    kept while nobody takes it: newer updates are dropped and counted. ``enabled = False`` holds everything back.
    """

    url: str = ""
    app_secret: str = ""
    double: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    reorder: bool = False
    batch_size: int = 1000
    batch_wait: float = 0.02
    read_share: float = 1.0
    fail_share: float = 0.0
    fail_code: int = 131026
    enabled: bool = True
    concurrency: int = 4
    timeout: float = 10.0
    retry_base: float = 0.05
    retry_cap: float = 5.0
    retry_for: float = 3600.0
    max_pending: int = 5_000_000


@dataclass(slots=True)
class Update:
    """One change: ``value`` of webhook ``field``."""

    waba_id: str
    phone_number_id: str
    field: str
    value: dict[str, Any]
    at: float


@dataclass(slots=True)
class StatusUpdate:
    """One status of an accepted message; ``at`` is when it happened, in simulated time."""

    entry: Entry
    status: str
    at: float
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def waba_id(self) -> str:
        return self.entry.waba_id

    @property
    def phone_number_id(self) -> str:
        return self.entry.phone_number_id


AnyUpdate = Update | StatusUpdate


@dataclass(slots=True)
class Batch:
    """A POST that has failed before: the same bytes go out again."""

    url: str
    body: bytes
    updates: int
    first_try: float
    attempts: int = 0


@dataclass(slots=True)
class Counters:
    """What became of the updates; ``failed_attempts`` counts POSTs."""

    delivered: int = 0
    dropped: int = 0
    failed_attempts: int = 0
    posts: int = 0


class Outbox:
    """Updates by the (real) time at which they are due."""

    def __init__(self, clock: Callable[[], SimClock], random_source: Callable[[], random.Random]) -> None:
        self._clock = clock
        self._random = random_source
        self._numbers = itertools.count()
        self.wake: Event | None = None
        """Set by the delivery task: told when something may be due."""
        self.clear(WebhookConfig())

    def clear(self, config: WebhookConfig) -> None:
        """Forget everything that waits, and start over with ``config``."""
        self.config = config
        self.counters = Counters()
        self._heap: list[tuple[float, int, AnyUpdate | Batch]] = []
        self._waiting = 0
        self.in_flight = 0
        self._wake()

    def reconfigure(self, config: WebhookConfig) -> None:
        """Use ``config`` from now on, also for what waits already."""
        self.config = config
        self._wake()

    def post(self, waba_id: str, field: str, value: dict[str, Any], phone_number_id: str = "") -> None:
        """Send ``value`` as webhook ``field`` of ``waba_id``.

        ``phone_number_id`` lets the override URL of the number apply (only ``messages`` fields have one).
        """
        self.schedule(Update(waba_id, phone_number_id, field, value, self._clock().now()), 0.0)

    def schedule(self, update: AnyUpdate, delay: float) -> None:
        """Post ``update`` after ``delay`` real seconds, or drop it when too much waits already."""
        if len(self._heap) >= self.config.max_pending:
            self.counters.dropped += 1
            return
        now = time.monotonic()
        self._push(now + delay, update)
        config = self.config
        if config.double and self._random().random() < config.double:
            self._push(now + delay + config.batch_wait + self._random().uniform(*config.delay), update)

    def retry(self, batch: Batch, delay: float) -> None:
        """Post a failed batch again after ``delay`` real seconds."""
        self._push(time.monotonic() + delay, batch, batch.updates)

    def _push(self, due: float, item: AnyUpdate | Batch, updates: int = 1) -> None:
        self._waiting += updates
        heapq.heappush(self._heap, (due, next(self._numbers), item))
        self._wake()

    def _wake(self) -> None:
        if self.wake is not None:
            self.wake.set()

    def next_due(self) -> float | None:
        """When the first item is due (``time.monotonic``), or ``None`` when there is none."""
        return self._heap[0][0] if self._heap else None

    @property
    def fills_a_batch(self) -> bool:
        """Is so much waiting that a POST need not wait for more?"""
        return len(self._heap) >= self.config.batch_size

    def take_due(self) -> tuple[list[AnyUpdate], list[Batch]]:
        """Take what is due now: up to ``batch_size`` updates, and the failed batches among them."""
        now = time.monotonic()
        updates: list[AnyUpdate] = []
        batches: list[Batch] = []
        limit = self.config.concurrency
        while (
            self._heap
            and self._heap[0][0] <= now
            and len(updates) < self.config.batch_size
            and len(batches) < limit
        ):
            item = heapq.heappop(self._heap)[2]
            if isinstance(item, Batch):
                self._waiting -= item.updates
                batches.append(item)
            else:
                self._waiting -= 1
                updates.append(item)
        if self.config.reorder:
            self._random().shuffle(updates)
        return updates, batches

    @property
    def pending(self) -> int:
        """Updates that are not delivered yet: waiting, being posted or to be posted again."""
        return self._waiting + self.in_flight
