"""Keeping many webhooks at once leaves the same rows in whatever form it is done."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk import journal
from django_meta_whatsapp.models.bulk.copying import Copying, copies
from django_meta_whatsapp.models.bulk.journal import Received

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

by_copy = pytest.mark.skipif(connection.vendor != "postgresql", reason="COPY is PostgreSQL's")
Store = Callable[[Sequence[Received]], None]


def copy(webhooks: Sequence[Received]) -> None:
    """As the event loop does it."""

    async def run(database: BaseDatabaseWrapper) -> None:
        form, done = journal.Form(database), asyncio.get_running_loop().create_future()
        copying = Copying(database, form.statement)
        copying.copy(form.document(webhooks), done.set_result)
        try:
            if error := await done:
                raise error
        finally:
            copying.detach()

    own = connection.copy()
    own.ensure_connection()
    try:
        with own.wrap_database_errors:
            asyncio.run(run(own))
    finally:
        own.close()


copied = pytest.param(copy, id="copied", marks=by_copy)
each_form = pytest.mark.parametrize("store", [pytest.param(journal.store, id="portable"), copied])


def rows() -> list[dict[str, Any]]:
    found = WhatsAppWebhookLog.objects.order_by("pk").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in found]


@each_form
@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_storing_goes_with_the_caller_s_transaction() -> None:
    with transaction.atomic():
        journal.store(WEBHOOKS)
        assert WhatsAppWebhookLog.objects.count() == len(WEBHOOKS)
        transaction.set_rollback(True)
    assert not WhatsAppWebhookLog.objects.exists()


def test_postgresql_s_form_is_copy_where_the_driver_is_psycopg_3() -> None:
    assert copies(connection) == (connection.vendor == "postgresql")
    older = SimpleNamespace(vendor="postgresql", Database=ModuleType("psycopg2"))
    assert not copies(cast(Any, older))
