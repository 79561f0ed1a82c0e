"""Group commit: webhooks that wait at the same time are kept in one transaction, and answered together.

One thread with its own connection commits; the event loop only waits (where the loop can commit by itself, `loop_commit` does).
A group that fails is answered as failed, nothing of it is kept, and the connection is opened anew for the next.
"""

import asyncio
import atexit
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from django.db import connections

from django_meta_whatsapp import queue
from django_meta_whatsapp.models.bulk.journal import Received, store
from django_meta_whatsapp.services import journal
from django_meta_whatsapp.services.background import Background, Bounds

logger = logging.getLogger(__name__)

HINT_SECONDS = 0.2
"""Hints that work is due are sent this far apart: one stands for every row committed before it."""
CLOSE_SECONDS = 2.0
_MEGABYTE = 1024 * 1024
WAITING = Bounds(count=2000, weight=32 * _MEGABYTE)
# Below the packet of 16 MB that MariaDB takes, with the largest webhook on top and its bytes escaped.
GROUP = Bounds(count=1000, weight=4 * _MEGABYTE)


class Waiting(NamedTuple):
    """A webhook, and who waits for it: `answer` becomes True when it is committed, False when it could not be."""

    webhook: Received
    answer: "asyncio.Future[bool]"


def submit(waiting: Sequence[Waiting]) -> None:
    """Hands over webhooks, in the order in which they came. When too many are waiting, the rest is answered at once."""
    resolve(groups.put_all(waiting), committed=False)


def resolve(group: Iterable[Waiting], *, committed: bool) -> None:
    """Answers, in the event loop of those who wait."""
    for each in group:
        if not each.answer.done():
            each.answer.set_result(committed)


def hint() -> None:
    """Tells the clock soon, from another thread, that webhooks are due. Many calls come to few hints."""
    hints.put(queue.WEBHOOKS)


@atexit.register
def close(seconds: float | None = None) -> None:
    """Commits what waits and ends the threads, as far as that takes no longer than `seconds` (by default CLOSE_SECONDS) for
    each. A process that ends does it too: a command may have made webhooks due.
    """
    seconds = CLOSE_SECONDS if seconds is None else seconds
    groups.close(seconds)
    hints.close(seconds)


def _commit(group: list[Waiting]) -> None:
    try:
        store([each.webhook for each in group])
    except Exception:
        logger.exception("%s webhooks could not be kept; Meta will send them again", len(group))
        connections.close_all()
        _answer(group, committed=False)
    else:
        _answer(group, committed=True)
        hint()


def _answer(group: Iterable[Waiting], *, committed: bool) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}
    for each in group:
        by_loop.setdefault(each.answer.get_loop(), []).append(each)
    for loop, waiting in by_loop.items():
        try:
            loop.call_soon_threadsafe(partial(resolve, waiting, committed=committed))
        except RuntimeError:
            logger.info("The event loop ended before %s webhooks were answered", len(waiting))


class _Hinted:
    at = -HINT_SECONDS


def _hint(kinds: list[str]) -> None:
    time.sleep(max(0.0, _Hinted.at + HINT_SECONDS - time.monotonic()))
    _Hinted.at = time.monotonic()
    journal.announce()


groups = Background(
    "whatsapp-journal",
    _commit,
    waiting=WAITING,
    group=GROUP,
    weigh=lambda waiting: len(waiting.webhook.body),
)
hints: Background[str] = Background(
    # One is being sent while another waits: a third would say nothing new.
    "whatsapp-hints",
    _hint,
    waiting=Bounds(count=2, weight=0),
    group=Bounds(count=1, weight=1),
)
