"""Group commit on the event loop itself, where the database's driver lets it: on PostgreSQL, with psycopg 3.

It keeps what `group_commit` keeps, under the same rules, without a thread: two that take turns at Python's lock cost more
than the commit. While one group is being committed the next one gathers.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_meta_whatsapp.models.bulk import journal
from django_meta_whatsapp.models.bulk.copying import Copying, copies
from django_meta_whatsapp.services import background, group_commit
from django_meta_whatsapp.services.background import Bounds
from django_meta_whatsapp.services.group_commit import Waiting, hint, resolve

logger = logging.getLogger(__name__)

COMMIT_SECONDS = 10.0
"""How long a group may take. Then the connection is given up: the server may be gone without a word."""


class LoopKeeper:
    """One event loop's connection, and the webhooks that wait for it.

    waiting: how much may wait or be committed at a time. group: how much is committed at once.
    """

    waiting: Bounds = group_commit.WAITING
    group: Bounds = group_commit.GROUP

    def __init__(self, alias: str, form: journal.Form) -> None:
        self._alias = alias
        self._form = form
        self._loop = asyncio.get_running_loop()
        self._gathering: deque[Waiting] = deque()
        self._committing: list[Waiting] = []
        self._bytes = 0
        """Of both."""
        self._copying: Copying | None = None
        self._connecting: asyncio.Future[BaseDatabaseWrapper] | None = None
        self._timer: asyncio.TimerHandle | None = None
        """Of the group that is being committed, else of the connection that has nothing to do."""
        self._ended = False
        self._idle: asyncio.Future[None] | None = None
        """Whom `close` waits for."""

    def submit(self, waiting: Sequence[Waiting]) -> None:
        """Takes webhooks, in the order in which they came. When too many are waiting, the rest is answered at once."""
        refused = []
        for each in waiting:
            count, weight = len(self._gathering) + len(self._committing), len(each.webhook.body)
            if count and (count >= self.waiting.count or self._bytes + weight > self.waiting.weight):
                refused.append(each)
                continue
            self._gathering.append(each)
            self._bytes += weight
        resolve(refused, committed=False)
        if not self._committing and self._connecting is None:
            self._next()

    async def close(self) -> None:
        """Commits what waits, as far as that takes no longer than `group_commit.CLOSE_SECONDS`, and closes the connection."""
        try:
            if self._committing or self._connecting is not None:
                self._idle = self._loop.create_future()
                await asyncio.wait([self._idle], timeout=group_commit.CLOSE_SECONDS)
        finally:
            # Whoever ends a loop may also cut this short. It is the loop's last work: it may wait for the server.
            self._ended = True
            copying = self._detach()
            if copying is not None:
                # Django lets nobody close a connection in an event loop.
                closing = threading.Thread(target=_close, args=[copying], name="whatsapp-journal")
                closing.start()
                closing.join()

    def _next(self) -> None:
        """Commits what has gathered; without that the connection is kept a while."""
        self._stop_timer()
        if not self._gathering:
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            self._timer = self._loop.call_later(background.IDLE_SECONDS, self._drop)
        elif self._copying is None or not self._copying.usable:
            self._drop()
            self._connecting = self._loop.run_in_executor(None, self._connect)
            self._connecting.add_done_callback(self._connected)
        else:
            self._commit(self._copying)

    def _commit(self, copying: Copying) -> None:
        self._committing = self._take()
        try:
            document = self._form.document([each.webhook for each in self._committing])
        except Exception as error:  # noqa: BLE001 - answered and logged like every other
            self._done(error)
        else:
            self._timer = self._loop.call_later(
                COMMIT_SECONDS, self._done, TimeoutError("The database is silent.")
            )
            copying.copy(document, self._done)

    def _take(self) -> list[Waiting]:
        group, weight = list[Waiting](), 0
        while self._gathering and len(group) < self.group.count and weight < self.group.weight:
            group.append(self._gathering.popleft())
            weight += len(group[-1].webhook.body)
        return group

    def _done(self, error: Exception | None) -> None:
        group, self._committing = self._committing, []
        if error is None:
            self._answer(group, committed=True)
            hint()
        else:
            self._failed(group, error)
            self._drop()
        self._next()

    def _failed(self, group: Sequence[Waiting], error: BaseException) -> None:
        logger.error("%s webhooks could not be kept; Meta will send them again", len(group), exc_info=error)
        self._answer(group, committed=False)

    def _answer(self, group: Iterable[Waiting], *, committed: bool) -> None:
        self._bytes -= sum(len(each.webhook.body) for each in group)
        resolve(group, committed=committed)

    def _connect(self) -> BaseDatabaseWrapper:
        """In a thread. The connection is used in another and closed in a third: never in two at a time."""
        connection = connections.create_connection(self._alias)
        connection.inc_thread_sharing()
        connection.ensure_connection()
        if self._ended:
            connection.close()
        return connection

    def _connected(self, connecting: "asyncio.Future[BaseDatabaseWrapper]") -> None:
        self._connecting = None
        if self._ended:
            return
        error = connecting.exception()
        if error is None:
            self._copying = Copying(connecting.result(), self._form.statement)
        else:
            group = list(self._gathering)
            self._gathering.clear()
            self._failed(group, error)
        self._next()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _detach(self) -> Copying | None:
        self._stop_timer()
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.detach()
        return copying

    def _drop(self) -> None:
        copying = self._detach()
        if copying is not None:
            # Closing may wait for the server.
            self._loop.run_in_executor(None, _close, copying)


def keeper() -> LoopKeeper | None:
    """For the running event loop; None where it must be left to the thread of `group_commit`."""
    connection = journal.database()
    if not copies(connection) or not _can_watch_sockets():
        return None
    return LoopKeeper(connection.alias, journal.Form(connection))


def _can_watch_sockets() -> bool:
    """Windows' own event loop cannot."""
    return not isinstance(asyncio.get_running_loop(), getattr(asyncio, "ProactorEventLoop", ()))


def _close(copying: Copying) -> None:
    try:
        copying.close()
    except Exception:
        logger.warning("A connection of the journal could not be closed", exc_info=True)
