"""Python's garbage collector in processes that are ours alone."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 50_000
"""New containers after which Python looks for cycles; it would after 700."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Meanwhile what is loaded by now is out of the collector's sight, and it looks less often.

    A batch of rows and webhooks is tens of thousands of objects that reference counting frees at its end: looking through
    them for cycles again and again found nothing and took a sixth of the worker's time. Not for a host's web processes: what
    is good for those the host knows.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
