"""The loop of a run: as many calls under way as allowed, no more than the number may send, every outcome written down.

The event loop makes the calls; the database works in threads, one that marks and one that settles. The next rows are claimed
beside the settling while those before them are marked: else each claim would be a pause in the calls. Back-pressure: no row is
marked before there is a free call for it, its time has come by the number's pace, and earlier outcomes are not piling up.
"""

import asyncio
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.utils.functional import Promise

from django_meta_whatsapp.cloud_api.client import AsyncClient
from django_meta_whatsapp.cloud_api.errors import MetaAPIError
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import AttemptState, PauseCause
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import (
    expiry,
    failures,
    guard,
    ledger,
    outcomes,
    reconcile,
    runs,
    states,
    uploads,
    waits,
)
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.breaker import Breaker
from django_meta_whatsapp.services.campaigns.database import Database
from django_meta_whatsapp.services.campaigns.guard import Guard
from django_meta_whatsapp.services.campaigns.ledger import Claimed, Marked, Ready
from django_meta_whatsapp.services.campaigns.outcomes import Ending
from django_meta_whatsapp.services.campaigns.reconcile import LOOK_AGAIN
from django_meta_whatsapp.services.campaigns.runs import Limits
from django_meta_whatsapp.services.campaigns.states import Progress
from django_meta_whatsapp.services.campaigns.stops import Stop
from django_meta_whatsapp.services.campaigns.supply import Supply
from django_meta_whatsapp.services.campaigns.turns import Turns
from django_meta_whatsapp.services.campaigns.window import Window
from django_meta_whatsapp.services.pacing.number import ELSEWHERE

SETTLE_EVERY = 0.05
"""Seconds between two looks at the outcomes that wait to be written down."""
GATHER = 0.25
"""Seconds for which outcomes wait for others, while calls are under way: a batch costs about the same whatever its size."""
ENOUGH = 500
"""Outcomes that wait for no others."""
_MARKS_A_SECOND = 10
_LARGEST_MARK = 500
_PILE = 4
"""Outcomes that may wait to be written down, for each call that may be under way."""
TOO_LATE = "Not called: too much time had passed since the mark."


class Sending:
    """Sends what is left of a frozen campaign."""

    def __init__(
        self,
        assignment: Assignment,
        client: AsyncClient,
        db: Database,
        stop: threading.Event,
        on_progress: Callable[[Progress], None] | None,
        limits: Limits | None = None,
    ) -> None:
        self._assignment = assignment
        self._campaign_id = assignment.campaign_id
        self._db = db
        self._settling = db.beside()
        self._stop = stop
        self._on_progress = on_progress
        limits = limits or Limits()
        self._until = time.monotonic() + limits.seconds
        self._most_idle = min(whatsapp_settings.RUN_MAX_WAIT, limits.idle)
        self._turns = Turns(assignment, db)
        self._client = replace(client, watch=self._turns.watch)
        self._breaker = Breaker()
        self._guard = Guard(assignment)
        self._window = Window(whatsapp_settings.SEND_CONCURRENCY)
        self._supply = Supply(db, self._settling)
        self._calls: set[asyncio.Task[None]] = set()
        self._ended: list[Ending] = []
        self._unsettled = 0
        self._left = 0
        self._refused: Counter[str] = Counter()
        self._pause: Stop | None = None
        self._is_paused = False
        self._is_over = False
        self._is_waiting = False
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Sends until nothing is left that can go within RUN_MAX_WAIT, something forbids it, or it is told to stop."""
        self._left = await self._db(partial(states.to_send, self._campaign_id))
        await self._turns.begin()
        settler = asyncio.create_task(self._settle_all())
        settler.add_done_callback(self._note_failure)
        try:
            await self._send_all()
        finally:
            if self._calls:
                await asyncio.wait(self._calls)
            self._is_over = True
            await asyncio.wait({settler})
            try:
                await self._give_back()
            except Exception as error:  # noqa: BLE001 - raised below, once all else has ended
                self._failure = self._failure or error
            await self._turns.end()
            if self._settling is not self._db:
                await self._settling.close()
        if self._failure:
            raise self._failure

    def _may_go(self) -> bool:
        is_told = self._stop.is_set() or self._pause or self._failure
        return not is_told and time.monotonic() < self._until

    async def _send_all(self) -> None:
        waited = 0.0
        while self._may_go():
            wait = await self._send_some()
            if wait is None:
                return
            if waited + wait > self._most_idle:
                if wait > waits.WORTH_TELLING and not self._is_waiting:
                    reason = waits.asleep_until(clock.after(wait))
                    await self._db(partial(runs.says, self._campaign_id, reason))
                return
            await self._wait(wait)
            waited = waited + wait if wait else 0.0

    async def _send_some(self) -> float | None:
        """Sends what one claim brings. Seconds after which there may be more, 0 for at once; None when this run is over."""
        if not await self._turns.is_ours():
            await self._give_back()
            over = await self._db(partial(reconcile.next_look, self._campaign_id)) is None
            return None if over else await self._waits(clock.after(ELSEWHERE), waits.NUMBER_ELSEWHERE)
        if self._is_waiting:
            self._is_waiting = False
            await self._db(partial(runs.goes_on, self._campaign_id))
        if uploads.are_stale(self._assignment):
            # Their calls name files that Meta is about to forget.
            await self._give_back()
            if not await self._files_renewed():
                return None
        limit = self._claim_limit()
        claimed = await self._supply.take(self._assignment, limit)
        if not claimed.taken:
            if not self._unsettled:
                expired = await self._db(partial(expiry.skip_expired, self._campaign_id))
                self._left -= expired
                return await self._db(partial(reconcile.next_look, self._campaign_id))
            await asyncio.sleep(SETTLE_EVERY)
            return 0.0
        self._left -= claimed.dropped
        if claimed.dropped:
            # Nothing else may come after it that would tell.
            await self._tell()
        if claimed.taken >= limit and not claimed.until:
            self._supply.claim_ahead(self._assignment, limit)
        await self._send_claimed(claimed)
        return await self._waits(claimed.until, waits.LIMIT_REACHED) if claimed.until else 0.0

    async def _give_back(self) -> None:
        """Gives back what was claimed ahead."""
        # In two steps: outcomes are counted while this waits, and `-=` reads before it.
        dropped = await self._supply.give_back()
        self._left -= dropped

    async def _waits(self, until: datetime, reason: Promise) -> float:
        """Says on the campaign what it waits for; the seconds."""
        self._is_waiting = True
        await self._db(partial(runs.wait_until, self._campaign_id, until, str(reason)))
        return max(LOOK_AGAIN, clock.until(until))

    async def _files_renewed(self) -> bool:
        """Gets the campaign's files to Meta anew; False when that is not possible, which pauses the campaign."""
        try:
            self._assignment = await self._db(partial(uploads.bound, self._assignment))
        except CampaignNotRunnable as error:
            self._pause, self._is_paused = Stop(PauseCause(error.cause), str(error)), True
            await self._db(partial(states.pause, self._campaign_id, str(error), self._pause.cause))
            return False
        return True

    def _claim_limit(self) -> int:
        """No more than can go in a part of the lease, so that a slow number does not hold rows until it runs out."""
        in_time = int(self._turns.rate * whatsapp_settings.LEASE_SECONDS / 4)
        return max(1, min(whatsapp_settings.CLAIM_BATCH, in_time))

    async def _send_claimed(self, claimed: Claimed) -> None:
        waiting = deque(claimed.ready)
        refused = False
        while waiting and self._may_go() and not refused:
            batch = [waiting.popleft() for _ in range(min(len(waiting), self._mark_size()))]
            refused = not await self._send(batch)
        if waiting or refused or claimed.over or not self._may_go():
            await self._db(partial(ledger.release, claimed.lease))

    def _mark_size(self) -> int:
        if self._breaker.is_probing:
            return 1
        rate = self._turns.rate
        return max(1, min(int(rate / _MARKS_A_SECOND), self._window.size(rate) // 2, _LARGEST_MARK))

    async def _send(self, batch: list[Ready]) -> bool:
        """Marks and calls, in their time; False when the rest of the claim is to be given back."""
        while self._may_go() and self._is_full(len(batch)):  # noqa: ASYNC110 - `stop` is set by other threads
            await asyncio.sleep(SETTLE_EVERY / 5)
        while self._may_go() and self._breaker.hold:
            await self._wait(self._breaker.hold)
        free = await self._admitted(batch)
        if not free or not self._may_go():
            # Those who must wait have been given back, each until then.
            return free is not None and self._may_go()
        if ledger.is_stale(free):
            free, skipped = await self._db(partial(ledger.check_again, self._assignment, free))
            self._left -= skipped
        marked = await self._db(partial(ledger.mark, self._assignment, free)) if free else []
        self._unsettled += len(marked)
        deadline = whatsapp_settings.SEND_DEADLINE
        for item in marked:
            call = asyncio.create_task(self._call(item, deadline))
            self._calls.add(call)
            call.add_done_callback(self._note_end)
        return bool(marked) or not free

    async def _admitted(self, batch: Sequence[Ready]) -> list[Ready] | None:
        """Waits for the number's pace. Those who may get a message now; whoever gets too many is given back for a while.

        None: this run is to stop, or another worker has taken the number to itself.
        """
        grant = await self._turns.ask([ready.identity for ready in batch])
        while grant.wait and not grant.is_elsewhere:
            await self._wait(grant.wait)
            if not self._may_go():
                return None
            grant = await self._turns.ask([ready.identity for ready in batch])
        if grant.is_elsewhere:
            return None
        later: dict[int, list[Ready]] = {}
        for ready, wait in zip(batch, grant.pairs, strict=True):
            if wait:
                # To the tenth of a second: a few statements for however many people.
                later.setdefault(math.ceil(wait * 10), []).append(ready)
        for tenths, people in later.items():
            await self._db(partial(ledger.postpone, people, clock.after(tenths / 10)))
        return [ready for ready, wait in zip(batch, grant.pairs, strict=True) if not wait]

    def _is_full(self, more: int) -> bool:
        size = self._window.size(self._turns.rate)
        return len(self._calls) + more > max(size, more) or len(self._ended) > _PILE * size

    def _note_end(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._note_failure(call)

    async def _call(self, marked: Marked, deadline: float) -> None:
        started = time.monotonic()
        if started - marked.at > deadline:
            # Somebody may have given the row up meanwhile.
            self._note(outcomes.never_called(marked, TOO_LATE))
            return
        try:
            answer = await self._client.run(marked.call)
        except MetaAPIError as error:
            self._note(outcomes.failed(marked, error), started)
        else:
            self._note(outcomes.accepted(marked, answer, self._assignment.account.portfolio_id))
        self._window.answered(time.monotonic() - started)

    def _note(self, ending: Ending, started: float = 0.0) -> None:
        """started: when the call began that has failed."""
        self._ended.append(ending)
        stop = ending.stop
        if ending.state in (AttemptState.ACCEPTED, AttemptState.REJECTED):
            self._breaker.answered()
        elif ending.error and ending.state == AttemptState.NOT_SENT:
            reason = self._breaker.not_sent(ending.settled.marked.at, str(ending.error))
            stop = Stop(PauseCause.UNREACHABLE, reason) if reason else None
        elif ending.error:
            limit = whatsapp_settings.REQUEST_TIMEOUT
            reason = self._breaker.maybe_sent(started, limit, str(ending.error))
            stop = Stop(PauseCause.SILENCE, reason) if reason else None
        if ending.error and ending.state == AttemptState.REJECTED:
            self._turns.refused(ending.settled.marked.ready.identity, ending.error)
        self._pause = self._pause or stop

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        """A failure of ours, such as a dead database, ends the run; what is under way is settled as far as that goes."""
        if not task.cancelled() and task.exception():
            self._failure = self._failure or task.exception()

    async def _settle_all(self) -> None:
        settled_at = time.monotonic()
        while not self._is_over or self._ended:
            await asyncio.sleep(SETTLE_EVERY)
            if self._has_more_coming() and time.monotonic() - settled_at < GATHER:
                continue
            await self._settle()
            settled_at = time.monotonic()

    def _has_more_coming(self) -> bool:
        """Whether outcomes may wait for others: not those that stop the campaign, and not the last ones."""
        return bool(self._calls) and not self._pause and len(self._ended) < ENOUGH

    async def _settle(self) -> None:
        """Writes down what has ended; pauses the campaign first, so that other runs stop as well."""
        if self._guard.is_due and not self._is_paused:
            found = await self._settling(self._guard.look)
            # Read after the wait: a call may have said meanwhile that all must stop.
            self._pause = self._pause or found
        batch, self._ended = self._ended, []
        if self._pause and not self._is_paused:
            self._is_paused = True
            await self._settling(partial(guard.stop, self._assignment, self._pause))
        if not batch:
            return
        settled = [ending.settled for ending in batch]
        await self._settling(partial(ledger.settle, self._assignment, settled))
        # Counted here and not by what the rows say: a webhook may have moved them on already.
        self._left -= sum(ending.answer.retry_at is None for ending in settled)
        self._refused.update(failures.refusals(ending.answer for ending in settled))
        self._unsettled -= len(batch)
        await self._tell()

    async def _tell(self) -> None:
        if self._on_progress:
            look = partial(states.progress, self._campaign_id, self._left, self._refused)
            self._on_progress(await self._settling(look))

    async def _wait(self, seconds: float) -> None:
        """Waits, but not when this run is to stop."""
        until = time.monotonic() + seconds
        while self._may_go() and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - see `_send`
            await asyncio.sleep(min(left, LOOK_AGAIN))
