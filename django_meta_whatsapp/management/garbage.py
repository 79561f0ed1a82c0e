"""Python's garbage collector in processes that are ours alone."""

import gc

_YOUNG = 50_000
"""New containers after which Python looks for cycles; it would after 700."""


def collect_seldom() -> None:
    """Takes what is loaded by now out of the collector's sight, and has it look less often.

    A batch of rows and webhooks is tens of thousands of objects that reference counting frees at its end: looking through
    them for cycles again and again found nothing and took a sixth of the worker's time. Not for a host's web processes: what
    is good for those the host knows.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
