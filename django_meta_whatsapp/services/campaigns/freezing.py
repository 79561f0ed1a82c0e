"""Gets an audience frozen, by this run or by another that is at it."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.services.campaigns import freeze
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.database import Database
from django_meta_whatsapp.services.campaigns.freeze import Frozen

_LOOK = 0.2


async def frozen(db: Database, assignment: Assignment, stop: threading.Event) -> bool:
    """Whether the audience is frozen; False only when `stop` was set before. The next one goes on where that one stopped.

    Whoever else freezes this campaign is waited for, as long as that goes on: after LEASE_SECONDS without a new row they
    are taken for dead, and the freezing begins anew.
    """
    others = _Others(assignment.campaign_id)
    while not await db(partial(freeze.freeze, assignment, stop.is_set, keep=True)):
        if stop.is_set():
            return False
        await db(others.watch)
        await asyncio.sleep(_LOOK)
    return True


def frozen_here(
    assignment: Assignment, stopped: Callable[[], bool], on_progress: Callable[[Frozen], None]
) -> bool:
    """The same, blocking, for whoever freezes without running."""
    others = _Others(assignment.campaign_id)
    while not freeze.freeze(assignment, stopped, keep=True, on_progress=on_progress):
        if stopped():
            return False
        others.watch()
        time.sleep(_LOOK)
    return True


class _Others:
    """Whoever else freezes a campaign."""

    def __init__(self, campaign_id: int) -> None:
        self._campaign_id = campaign_id
        self._seen: Frozen | None = None
        self._since = time.monotonic()

    def watch(self) -> None:
        """Takes the rows of one who has stood still for too long away."""
        at = freeze.progress(self._campaign_id)
        if at != self._seen:
            self._seen, self._since = at, time.monotonic()
        elif time.monotonic() - self._since >= whatsapp_settings.LEASE_SECONDS:
            freeze.discard(self._campaign_id, at)
