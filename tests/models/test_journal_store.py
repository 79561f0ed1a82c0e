"""Keeping many webhooks at once leaves the same rows in whatever form it is done."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk import journal
from django_meta_whatsapp.models.bulk.journal import Received
from tests.journeys.processes import wait_for

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
BODIES = [
    b"",
    b"{}",
    b"\\.\n\\N\t\r\n",
    bytes(range(256)),
    '{"a": "\u00e9\U0001f600"}'.encode(),
    b"x" * 3_000_000,
]
WEBHOOKS = [
    Received(body, "" if number % 2 else f"sha256={number:064x}", AT + timedelta(seconds=number))
    for number, body in enumerate(BODIES)
]

Store = Callable[[Sequence[Received]], None]


def insert(webhooks: Sequence[Received]) -> None:
    journal._insert(connection, webhooks)


each_form = pytest.mark.parametrize("store", [journal.store, insert], ids=["quickest", "portable"])


def rows() -> list[dict[str, Any]]:
    found = WhatsAppWebhookLog.objects.order_by("pk").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in found]


@each_form
@pytest.mark.django_db
def test_every_form_leaves_the_rows_that_one_by_one_would(store: Store) -> None:
    for each in WEBHOOKS:
        WhatsAppWebhookLog.objects.create(
            body=each.body, signature=each.signature, received_at=each.at, digest=each.digest
        )
    expected = rows()
    WhatsAppWebhookLog.objects.all().delete()
    store(WEBHOOKS)
    found = rows()
    # Each driver has a type of its own for bytes.
    for row in [*expected, *found]:
        row["body"] = bytes(row["body"])
    assert found == expected
    assert [row["body"] for row in found] == BODIES


@each_form
@pytest.mark.django_db(transaction=True)
def test_every_form_keeps_all_or_nothing(store: Store) -> None:
    impossible = WEBHOOKS[1]._replace(at=cast(Any, None))
    with pytest.raises(IntegrityError):
        store([*WEBHOOKS, impossible])
    assert not WhatsAppWebhookLog.objects.exists()


@each_form
@pytest.mark.django_db(transaction=True)
def test_every_form_goes_with_the_caller_s_transaction(store: Store) -> None:
    with transaction.atomic():
        store(WEBHOOKS)
        assert WhatsAppWebhookLog.objects.count() == len(WEBHOOKS)
        transaction.set_rollback(True)
    assert not WhatsAppWebhookLog.objects.exists()


def test_postgresql_s_form_is_copy_where_the_driver_is_psycopg_3() -> None:
    assert journal.copies(connection) == (connection.vendor == "postgresql")
    older = SimpleNamespace(vendor="postgresql", Database=ModuleType("psycopg2"))
    assert not journal.copies(cast(Any, older))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="COPY is PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_a_copy_on_a_lost_connection_is_an_operational_error_and_a_new_one_works() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        lost = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", lost)
    other.close()
    with pytest.raises(OperationalError):
        journal.store(WEBHOOKS)
    connection.close()
    journal.store(WEBHOOKS)
    assert WhatsAppWebhookLog.objects.count() == len(WEBHOOKS)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="COPY is PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_other_threads_go_on_while_a_copy_waits() -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
    table = WhatsAppWebhookLog._meta.db_table
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{table}" IN EXCLUSIVE MODE')
            copied = thread.submit(store_and_close)
            wait_for(lambda: cursor.execute(waiting, [table]) or cursor.fetchone() == (1,))
        copied.result(20)
    assert WhatsAppWebhookLog.objects.count() == len(WEBHOOKS)


def store_and_close() -> None:
    try:
        journal.store(WEBHOOKS)
    finally:
        connections.close_all()
