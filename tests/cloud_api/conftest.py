"""Fixtures of the tests against raw sockets."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud_api.callers import Awaiting, Blocking, Caller, Connect


@pytest.fixture(params=[Blocking, Awaiting], ids=["blocking", "awaiting"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """`connect(base_url, **options)` gives a caller on the driver under test."""
    callers: list[Caller] = []

    def make(base_url: str, **options: Any) -> Caller:
        callers.append(request.param(base_url, **options))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()
