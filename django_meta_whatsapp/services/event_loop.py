"""The event loop in which campaigns are sent: uvloop's where that is installed (the extra `uvloop`), else Python's own."""

import asyncio
from collections.abc import Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")

_FACTORY: Callable[[], asyncio.AbstractEventLoop] | None = (
    import_module("uvloop").new_event_loop if find_spec("uvloop") else None
)


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, like `asyncio.run`."""
    with asyncio.Runner(loop_factory=_FACTORY) as runner:
        return runner.run(work)
