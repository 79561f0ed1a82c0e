"""Many callers at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(work: Callable[[int], T], count: int) -> list[T | BaseException]:
    """What each of `count` threads got, or raised, when all called `work` with their number at the same moment."""
    start = Barrier(count)

    def one(number: int) -> T | BaseException:
        start.wait(timeout=30)
        try:
            return work(number)
        except Exception as error:  # noqa: BLE001 - the test looks at what each thread raised
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(one, range(count)))
