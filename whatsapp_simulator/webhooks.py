"""The delivery of webhooks: an asynchronous task that posts what the outbox holds, until somebody takes it."""

import asyncio
import time
from itertools import groupby

import aiohttp

from whatsapp_simulator.outbox import AnyUpdate, Batch, StatusUpdate
from whatsapp_simulator.webhook_body import legacy_signature, signature, webhook_body
from whatsapp_simulator.world import World

_DRAIN_STEP = 0.005


class Deliverer:
    """Posts the updates of a world. ``start`` and ``stop`` belong to the application's lifespan."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wake = asyncio.Event()
        self._slot_free = asyncio.Event()
        self._posting: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._runner: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to deliver."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(
            connector=connector, headers={"User-Agent": "facebookexternalua"}
        )
        self._world.outbox.wake = self._wake
        self._runner = asyncio.create_task(self._run(self._session))

    async def stop(self) -> None:
        """Stop at once; what was not delivered is lost with the world."""
        tasks = [task for task in (self._runner, *self._posting) if task is not None]
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _run(self, session: aiohttp.ClientSession) -> None:
        outbox = self._world.outbox
        while True:
            await self._until_due()
            await self._until_slot_free()
            if not outbox.config.enabled:
                continue
            updates, batches = outbox.take_due()
            batches += self._pack(updates)
            for batch in batches:
                outbox.in_flight += batch.updates
                task = asyncio.create_task(self._post(session, batch))
                self._posting.add(task)
                task.add_done_callback(self._done)

    async def _until_due(self) -> None:
        """Wait for a due item, then a little for others to share its POST."""
        outbox = self._world.outbox
        while True:
            self._wake.clear()
            due = outbox.next_due() if outbox.config.enabled else None
            now = time.monotonic()
            if due is not None and due <= now:
                if not outbox.fills_a_batch:
                    await asyncio.sleep(outbox.config.batch_wait)
                return
            try:
                await asyncio.wait_for(self._wake.wait(), None if due is None else due - now)
            except TimeoutError:
                continue

    async def _until_slot_free(self) -> None:
        while len(self._posting) >= self._world.outbox.config.concurrency:
            self._slot_free.clear()
            await self._slot_free.wait()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        self._slot_free.set()

    def _pack(self, updates: list[AnyUpdate]) -> list[Batch]:
        """One batch per target; updates that have no target (nobody subscribed) end here."""
        world = self._world
        addressed = [(target_url(world, update), update) for update in updates]
        batches = []
        for url, group in groupby(sorted(addressed, key=_url), _url):
            members = [update for _, update in group]
            for update in members:
                if isinstance(update, StatusUpdate):
                    update.entry.add_status(update.status)
            if url:
                batches.append(Batch(url, webhook_body(world, members), len(members), time.monotonic()))
        return batches

    async def _post(self, session: aiohttp.ClientSession, batch: Batch) -> None:
        outbox = self._world.outbox
        counters = outbox.counters
        config = outbox.config
        taken = await _is_taken(session, batch, config.app_secret, config.timeout)
        if outbox.counters is not counters:
            return  # the world was reset meanwhile
        outbox.in_flight -= batch.updates
        counters.posts += 1
        if taken:
            counters.delivered += batch.updates
            return
        counters.failed_attempts += 1
        if time.monotonic() - batch.first_try > config.retry_for:
            counters.dropped += batch.updates
            return
        delay = (
            min(config.retry_cap, config.retry_base * 2 ** (batch.attempts - 1)) if batch.attempts else 0.0
        )
        batch.attempts += 1
        outbox.retry(batch, delay)


async def drain(world: World, seconds: float) -> bool:
    """Wait until nothing is pending; False when ``seconds`` of real time were not enough."""
    deadline = time.monotonic() + seconds
    while world.outbox.pending:
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_DRAIN_STEP)
    return True


def _url(addressed: tuple[str, AnyUpdate]) -> str:
    return addressed[0]


def target_url(world: World, update: AnyUpdate) -> str:
    """Where an update goes, or "": an unsubscribed WABA gets nothing.

    Overrides hold for ``messages`` only and are looked up at the phone number, then at the WABA, then at the app.
    """
    waba = world.wabas.get(update.waba_id)
    if waba is not None and not waba.subscribed:
        return ""
    if isinstance(update, StatusUpdate) or update.field == "messages":
        number = world.phone_numbers.get(update.phone_number_id)
        if number is not None and number.override_callback_uri:
            return number.override_callback_uri
        if waba is not None and waba.override_callback_uri:
            return waba.override_callback_uri
    return world.outbox.config.url


async def _is_taken(session: aiohttp.ClientSession, batch: Batch, secret: str, seconds: float) -> bool:
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": signature(secret, batch.body),
        "X-Hub-Signature": legacy_signature(secret, batch.body),
    }
    try:
        async with session.post(
            batch.url,
            data=batch.body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds),
        ) as response:
            await response.read()
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
