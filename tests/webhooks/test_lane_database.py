"""The lane and the database: what is kept in one transaction, and what it answers when the database lags or fails."""

import asyncio
import threading
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk import journal as journal_rows
from django_meta_whatsapp.models.bulk.copying import copies
from django_meta_whatsapp.services import group_commit, journal, signatures
from django_meta_whatsapp.services.background import Background, Bounds
from django_meta_whatsapp.services.loop_commit import LoopKeeper
from django_meta_whatsapp.webhooks import lane as lane_module
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.webhooks.asgi_caller import nothing_behind
from tests.webhooks.held import alone, held
from tests.webhooks.lane_caller import bodies, kept, post, post_all

pytestmark = pytest.mark.usefixtures("hints_at_once")

by_the_thread = pytest.mark.skipif(copies(connection), reason="With psycopg 3 the event loop commits")


def let_wait(monkeypatch: pytest.MonkeyPatch, bounds: Bounds) -> None:
    """How much may wait, whoever commits."""
    monkeypatch.setattr(group_commit.groups, "waiting", bounds)
    monkeypatch.setattr(LoopKeeper, "waiting", bounds)


# Groups


def test_webhooks_that_wait_together_are_kept_in_one_transaction(
    account: WhatsAppAccount, by_the_worker: None, groups: list[int]
) -> None:
    many = bodies(200)
    assert post_all(many) == [200] * 200
    assert sorted(kept()) == sorted(many)
    assert sum(groups) == 200
    assert len(groups) < 50


def test_nothing_is_answered_before_it_is_committed(account: WhatsAppAccount, by_the_worker: None) -> None:
    async def run() -> tuple[bool, int, int]:
        with held() as release:
            posting = asyncio.create_task(post(webhook_lane(nothing_behind), bodies(1)[0]))
            await asyncio.wait([posting], timeout=0.2)
            early = posting.done()
            await asyncio.to_thread(release)
            answer = await posting
        return early, answer.status_code, await asyncio.to_thread(_count)

    assert alone(run()) == (False, 200, 1)


def test_a_group_that_is_larger_than_what_the_database_takes_at_once_is_kept(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    many = [body + b" " * 400_000 for body in bodies(30)]
    assert post_all(many) == [200] * 30
    assert sorted(kept()) == sorted(many)


def _count() -> int:
    try:
        return WhatsAppWebhookLog.objects.count()
    finally:
        connections.close_all()


def test_a_group_is_bounded_by_its_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[list[int]] = []
    begin = threading.Event()

    def handle(items: list[int]) -> None:
        assert begin.wait(20)
        groups.append(items)

    thread = Background("test", handle, waiting=Bounds(99, 999), group=Bounds(3, 10), weigh=lambda item: item)
    for item in (1, 4, 4, 4, 11, 1, 1, 1, 1):
        assert thread.put(item)
    begin.set()
    thread.close(20)
    assert [item for group in groups for item in group] == [1, 4, 4, 4, 11, 1, 1, 1, 1]
    # A group takes what is there until it is full; what makes it overflow still goes with it.
    assert all(len(group) <= 3 and sum(group[:-1]) < 10 for group in groups)


# When the database does not keep up, or fails


def test_when_too_much_is_waiting_the_answer_is_503_and_nothing_of_it_is_kept(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_wait(monkeypatch, Bounds(count=5, weight=10_000_000))
    many = bodies(20)
    answers = post_all(many)
    assert (answers.count(200), answers.count(503)) == (5, 15)
    assert sorted(kept()) == sorted(body for body, status in zip(many, answers, strict=True) if status == 200)
    assert post_all(many[:3]) == [200] * 3


def test_bytes_that_wait_are_bounded_but_the_largest_webhook_gets_in(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_wait(monkeypatch, Bounds(count=100, weight=1000))
    large = bodies(1)[0] + b" " * 2000
    assert post_all([large]) == [200]
    assert sorted(post_all([large, large])) == [200, 503]


def rename(table: str, name: str) -> None:
    """Of a table that is missing, keeping fails, as before a migration has run."""
    quote = connection.ops.quote_name
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {quote(table)} RENAME TO {quote(name)}")
    finally:
        connections.close_all()


def test_a_group_that_fails_is_answered_as_failed_and_the_next_one_is_kept(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    table = WhatsAppWebhookLog._meta.db_table

    async def run() -> tuple[Any, int]:
        lane = webhook_lane(nothing_behind)
        await asyncio.to_thread(rename, table, "elsewhere")
        try:
            failed = await post(lane, bodies(2)[0])
        finally:
            await asyncio.to_thread(rename, "elsewhere", table)
        return failed, (await post(lane, bodies(2)[1])).status_code

    failed, after = asyncio.run(run())
    assert (failed.status_code, failed["Retry-After"], after) == (503, "5", 200)
    assert kept() == bodies(2)[1:]


@by_the_thread
def test_a_thread_whose_connection_is_lost_opens_another(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls = journal_rows.store, iter(range(99))

    def failing(webhooks: Any) -> None:
        if next(calls) == 0:
            _break_connection()
        store(webhooks)

    def _break_connection() -> None:
        connection = connections["default"]
        connection.ensure_connection()
        connection.connection.close()

    monkeypatch.setattr(group_commit, "store", failing)

    async def run() -> list[int]:
        app = webhook_lane(nothing_behind)
        return [(await post(app, body)).status_code for body in bodies(3)]

    assert asyncio.run(run()) == [503, 200, 200]
    assert kept() == bodies(3)[1:]


def test_a_group_is_kept_whole_or_not_at_all(account: WhatsAppAccount, by_the_worker: None) -> None:
    good = journal.received(b"{}", "")
    impossible = good._replace(at=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)null"):
        journal_rows.store([good, impossible, good])
    assert kept() == []


def test_a_database_that_hangs_ends_in_503(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "ANSWER_SECONDS", 0.1)
    signatures.read_secrets()

    async def run() -> int:
        with held():
            return (await post(webhook_lane(nothing_behind), bodies(1)[0])).status_code

    assert alone(run()) == 503


def test_each_webhook_waits_for_a_hanging_database_as_long_as_every_other(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "ANSWER_SECONDS", 0.3)
    signatures.read_secrets()

    async def waited(lane: Any, body: bytes) -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        return (await post(lane, body)).status_code, loop.time() - started

    async def run() -> list[tuple[int, float]]:
        lane = webhook_lane(nothing_behind)
        with held():
            first = asyncio.create_task(waited(lane, bodies(3)[0]))
            await asyncio.wait([first], timeout=0.2)
            others = [await waited(lane, body) for body in bodies(3)[1:]]
            return [await first, *others]

    answers = alone(run())
    assert [status for status, _ in answers] == [503] * 3
    # A timer of one loop may go off a tick early.
    assert min(seconds for _, seconds in answers) > 0.28


@pytest.mark.parametrize("error", [OperationalError("connection refused"), RuntimeError("whatever it is")])
def test_trouble_when_secrets_are_needed_ends_in_503_and_is_logged(
    account: WhatsAppAccount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def down() -> None:
        raise error

    monkeypatch.setattr(signatures, "read_secrets", down)
    assert post_all(bodies(3)) == [503, 503, 503]
    assert str(error) in caplog.text
