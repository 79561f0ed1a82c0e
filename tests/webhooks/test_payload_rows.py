"""Each payload file makes the rows and signals that `payload_rows.txt` lists, whatever way it is delivered.

In the list, a name is followed by the rows that the file adds or changes and by the signals, which begin with `!`.
`after` names files that come before it. A signal's event id is shown as far as it can be read; one that is sent twice is there
twice.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import TestCase

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.services import journal
from tests.payload_files import load_payload, payload_names
from tests.webhooks import payload_world
from tests.webhooks.posting import SECRET

pytestmark = pytest.mark.django_db

TABLE = (Path(__file__).parent / "payload_rows.txt").read_text(encoding="utf-8")
CASES = {block.split("\n", 1)[0]: block.splitlines()[1:] for block in TABLE.strip().split("\n\n")}


@contextmanager
def rolled_back() -> Iterator[None]:
    """What happens inside leaves no trace. (An atomic block would refuse the journal's durable transaction.)"""
    with connection.cursor() as cursor:
        cursor.execute(connection.ops.savepoint_create_sql("outcome"))
    yield
    with connection.cursor() as cursor:
        cursor.execute(connection.ops.savepoint_rollback_sql("outcome"))


def deliver(bodies: list[dict[str, Any]]) -> None:
    """Each body is recorded and applied, one after the other, in transactions that commit.

    No two are the same to the byte: the journal would not apply the second, and here each handler is to bear it.
    """
    for number, body in enumerate(bodies):
        raw = json.dumps(body).encode() + b" " * number
        with TestCase.captureOnCommitCallbacks(execute=True):
            log = journal.record(journal.received(raw, sign(SECRET, raw)))
            assert journal.process(log.pk)


Heard = Counter[tuple[str, str]]


def outcome(bodies: list[dict[str, Any]]) -> tuple[set[str], Heard]:
    """The rows that are there after these deliveries, and the signals that were sent, each with how often."""
    with rolled_back(), payload_world.hearing() as heard:
        deliver(bodies)
        return payload_world.rows(), Counter(heard)


def turned(part: Any) -> Any:
    """The same with every list that Meta may fill in any order the other way round."""
    if isinstance(part, dict):
        lists = (
            "entry",
            "changes",
            "messages",
            "statuses",
            "calls",
            "groups",
            "history",
            "threads",
            "contacts",
        )
        return {
            key: turned(value[::-1] if key in lists and isinstance(value, list) else value)
            for key, value in part.items()
        }
    return [turned(each) for each in part] if isinstance(part, list) else part


ORDERS: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
    "twice each": lambda bodies: [body for body in bodies for _ in range(2)],
    "all again": lambda bodies: [*bodies, *bodies],
    "the last first": lambda bodies: [*bodies[::-1], *bodies],
    "backwards": lambda bodies: [turned(body) for body in bodies[::-1]],
}


CLIMBS = ("message_status_changed", "template_status_changed")


def told(name: str, event_id: str) -> str:
    return f"! {name} " + re.sub("[0-9a-f]{64}", "…", event_id)


def lines(before: set[str], after: set[str], heard: Heard) -> list[str]:
    return [*sorted(after - before), *sorted(told(*each) for each in heard.elements())]


def often(heard: Heard, times: int) -> Heard:
    """How often each signal comes when each body is delivered so many times: what is only told of is told each time, and what
    changes rows once.
    """
    return Counter(
        {each: count * (times if each[0].endswith("Event") else 1) for each, count in heard.items()}
    )


def without(heard: Heard, passed: set[tuple[str, str]]) -> Heard:
    return Counter({each: count for each, count in heard.items() if each not in passed})


def test_every_payload_file_has_its_rows() -> None:
    assert sorted(CASES) == payload_names()
    assert len(CASES) >= 80


@pytest.mark.parametrize("name", CASES)
def test_a_payload_makes_its_rows_and_signals_whatever_way_it_is_delivered(name: str) -> None:
    payload_world.build()
    before = payload_world.rows()
    first = [line.split()[1] for line in CASES[name] if line.startswith("after ")]
    bodies = [load_payload(each) for each in (*first, name)]
    rows, heard = outcome(bodies)
    assert lines(before, rows, heard) == [line for line in CASES[name] if not line.startswith("after ")]
    passed = {each for each in outcome(bodies[:-1])[1] if each[0] in CLIMBS}
    for order, arranged in ORDERS.items():
        rows_then, heard_then = outcome(arranged(bodies))
        assert rows_then == rows, order
        # A rung that is passed before its event comes is not told.
        times = 1 if order == "backwards" else 2
        assert without(heard_then, passed) == without(often(heard, times), passed), order
        assert all(heard_then[each] <= 1 for each in passed), order


def test_nothing_is_applied_for_an_account_whose_secret_did_not_sign() -> None:
    payload_world.build()
    before = payload_world.rows()
    with payload_world.hearing() as heard:
        for name in payload_names():
            raw = json.dumps(load_payload(name)).encode()
            with TestCase.captureOnCommitCallbacks(execute=True):
                journal.process(journal.record(journal.received(raw, sign("another-secret", raw))).pk)
    after = payload_world.rows()
    assert {line for line in after if not line.startswith("journal")} == before
    assert not heard
    assert not WhatsAppWebhookLog.objects.filter(unrouted_count=0).exists()
