"""Work on the database beside other work, where the database lets several write at once."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from django_meta_whatsapp.services.transactions import database

T = TypeVar("T")
R = TypeVar("R")


def one_behind(work: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """What `work` returns for each of `items`, in their order, one at a time. Close it, see `contextlib.closing`.

    While `work` is at one item, in a thread and a connection of its own, the caller's thread gets the next one. With a single
    writer, or inside a transaction of the caller's, which no other connection would see, they take turns.
    Nothing is under way any more when it ends, however it ends. When both fail, the earlier item's error counts.
    """
    connection = connections[database()]
    if connection.in_atomic_block or not connection.features.has_select_for_update:
        yield from map(work, items)
        return
    pending: Future[R] | None = None
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="whatsapp-beside") as thread:
        try:
            for item in items:
                # Nothing is begun after something that failed.
                done = [] if pending is None else [pending.result()]
                pending = thread.submit(work, item)
                yield from done
            if pending is not None:
                yield pending.result()
        except Exception:
            if pending is not None:
                pending.result()
            raise
        finally:
            thread.submit(connections.close_all)
