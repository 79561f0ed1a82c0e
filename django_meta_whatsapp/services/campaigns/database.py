"""The database from an event loop: one thread with one connection, so that the loop never waits for a query."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections

from django_meta_whatsapp.services.transactions import database

logger = logging.getLogger(__name__)

T = TypeVar("T")

RECONNECTS = 6
"""How often a connection is tried again: for about twelve seconds, in which a database restarts."""
_FIRST_PAUSE = 0.2


class Database:
    """Runs functions one after the other in a thread of its own. Close it, or its connection stays open.

    A function that finds the connection gone runs again on a new one, so it must be one that may be done twice. When that has
    failed for too long, this call and all that follow raise at once.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whatsapp-campaign")
        self._reconnects = RECONNECTS

    async def __call__(self, work: Callable[[], T]) -> T:
        """What `work` returns."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(self._patiently, work)
        )

    def beside(self) -> "Database":
        """Another thread with another connection, where the database lets several write at once; else this one."""
        return Database() if connections[database()].features.has_select_for_update else self

    async def close(self) -> None:
        """Closes the connection and ends the thread."""
        await asyncio.get_running_loop().run_in_executor(self._executor, connections.close_all)
        self._executor.shutdown()

    def _patiently(self, work: Callable[[], T]) -> T:
        for number in range(self._reconnects):
            try:
                return work()
            except (InterfaceError, OperationalError) as error:
                logger.warning("The database is asked again: %s", error)
                connections[database()].close_if_unusable_or_obsolete()
                time.sleep(_FIRST_PAUSE * 2**number)
        self._reconnects = 0
        result = work()
        self._reconnects = RECONNECTS
        return result
