"""Python's garbage collector in the commands that are processes of their own."""

import gc

from django_meta_whatsapp.management.garbage import collecting_seldom


class Node:
    """Two of them that hold each other are garbage that only the collector finds."""

    freed = 0

    def __del__(self) -> None:
        Node.freed += 1


def test_what_is_loaded_is_looked_at_no_more_and_cycles_are_found_all_the_same() -> None:
    with collecting_seldom():
        assert gc.get_freeze_count() > 10_000
        Node.freed = 0
        for _ in range(60_000):
            one, other = Node(), Node()
            one.other, other.other = other, one  # type: ignore[attr-defined]
        assert Node.freed > 60_000


def test_a_process_that_goes_on_has_its_collector_back() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        assert gc.get_threshold() != before
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
