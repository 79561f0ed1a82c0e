"""Work beside other work: in order, one at a time, and over when it is over."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connection, connections, transaction

from django_meta_whatsapp.services.beside import one_behind

pytestmark = pytest.mark.django_db(transaction=True)


class Work:
    """Notes what it does; fails at `fails_at`."""

    def __init__(self, fails_at: int = -1) -> None:
        self.done: list[int] = []
        self.threads: set[int] = set()
        self.used: list[Any] = []
        self._fails_at = fails_at

    def __call__(self, item: int) -> int:
        if item == self._fails_at:
            raise LookupError(item)
        self.threads.add(threading.get_ident())
        self.used.append(connections["default"])
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        self.done.append(item)
        return item * 10


def breaking_after(last: int) -> Iterator[int]:
    yield from range(last + 1)
    raise ValueError("no more")


def test_results_come_in_the_order_of_the_items() -> None:
    work = Work()
    assert list(one_behind(work, range(5))) == [0, 10, 20, 30, 40]
    assert list(one_behind(work, [])) == []


def test_the_next_item_is_got_while_work_is_at_one() -> None:
    if not connection.features.has_select_for_update:
        pytest.skip("one writer at a time")
    got_next = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        got_next.set()
        yield 2

    assert list(one_behind(lambda item: got_next.wait(10), items())) == [True, True]


def test_its_connection_is_closed() -> None:
    work = Work()
    assert len(list(one_behind(work, range(3)))) == 3
    others = [used for used in work.used if used is not connections["default"]]
    assert all(used.connection is None for used in others)
    assert len(others) == (3 if connection.features.has_select_for_update else 0)


def test_inside_a_transaction_they_take_turns_in_it() -> None:
    work = Work()
    with transaction.atomic():
        assert list(one_behind(work, range(3))) == [0, 10, 20]
    assert work.threads == {threading.get_ident()}


def test_what_came_before_a_broken_source_is_done() -> None:
    work = Work()
    with pytest.raises(ValueError, match="no more"):
        list(one_behind(work, breaking_after(2)))
    assert work.done == [0, 1, 2]


def test_of_two_failures_the_earlier_item_s_counts() -> None:
    with pytest.raises(LookupError):
        list(one_behind(Work(fails_at=2), breaking_after(2)))


def test_nothing_is_begun_after_a_failure() -> None:
    work = Work(fails_at=1)
    with pytest.raises(LookupError):
        list(one_behind(work, range(5)))
    assert work.done == [0]


def test_nothing_is_under_way_when_it_is_closed() -> None:
    work = Work()
    with closing(one_behind(work, range(5))) as results:
        assert next(results) == 0
    done = list(work.done)
    assert done in ([0], [0, 1])
    assert not [each for each in threading.enumerate() if each.name.startswith("whatsapp-beside")]
