"""Python's garbage collector in the commands that are processes of their own."""

import gc
from collections.abc import Iterator

import pytest

from django_meta_whatsapp.management.garbage import collect_seldom


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Node:
    """Two of them that hold each other are garbage that only the collector finds."""

    freed = 0

    def __del__(self) -> None:
        Node.freed += 1


def test_what_is_loaded_is_looked_at_no_more_and_cycles_are_found_all_the_same() -> None:
    collect_seldom()
    assert gc.get_freeze_count() > 10_000
    Node.freed = 0
    for _ in range(60_000):
        one, other = Node(), Node()
        one.other, other.other = other, one  # type: ignore[attr-defined]
    assert Node.freed > 60_000
