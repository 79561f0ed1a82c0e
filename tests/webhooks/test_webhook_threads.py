"""The threads of the embedded worker that apply webhooks."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppWebhookLog
from django_meta_whatsapp.services import journal, webhook_threads
from django_meta_whatsapp.services.background import Background, Bounds
from tests.journeys.processes import wait_for
from tests.webhooks.journal_rows import receiving
from tests.webhooks.posting import SECRET, change, encoded

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 400


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A look takes BATCH webhooks, so that a few of them make a long journal."""
    monkeypatch.setattr(journal, "together", lambda: BATCH)
    yield
    webhook_threads.close(30)


def keep(count: int) -> None:
    bodies = [encoded(change("security", {"event": f"PIN_{number}"})) for number in range(count)]
    WhatsAppWebhookLog.objects.bulk_create(
        WhatsAppWebhookLog(body=body, signature=sign(SECRET, body)) for body in bodies
    )


def are_done() -> bool:
    return not WhatsAppWebhookLog.objects.exclude(state="done").exists()


def test_a_long_journal_is_applied_by_as_many_threads_as_the_database_lets_write(
    account: WhatsAppAccount,
) -> None:
    keep(3 * BATCH)
    threads: set[int] = set()

    def note(**told: Any) -> None:
        threads.add(threading.get_ident())

    with receiving(signals.whatsapp_event_received, note):
        webhook_threads.hint()
        wait_for(are_done, seconds=60)
    assert len(threads) == (2 if connection.features.has_select_for_update_skip_locked else 1)


def test_a_worker_that_ends_waits_for_what_is_being_applied_and_leaves_the_rest(
    account: WhatsAppAccount,
) -> None:
    keep(2 * BATCH)
    entered, ending = threading.Event(), threading.Event()

    def hold(**told: Any) -> None:
        entered.set()
        ending.wait(30)

    with receiving(signals.whatsapp_event_received, hold):
        webhook_threads.hint()
        assert entered.wait(30)
        closing = threading.Thread(target=webhook_threads.close, args=[60])
        closing.start()
        wait_for(lambda: webhook_threads._first.is_closing)
        ending.set()
        closing.join()
    assert WhatsAppWebhookLog.objects.filter(state="done").count() == BATCH
    assert WhatsAppWebhookLog.objects.filter(state="pending", attempts=0).count() == BATCH


def break_connection() -> None:
    """As a server does that goes away."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.close()
        return
    end = {"postgresql": "SELECT pg_terminate_backend(pg_backend_pid())", "mysql": "KILL CONNECTION_ID()"}
    with connection.cursor() as cursor:
        cursor.execute(end[connection.vendor])


def test_a_thread_whose_connection_broke_goes_on_with_a_new_one() -> None:
    counted: list[int] = []

    def work(items: list[str]) -> None:
        if items == ["break"]:
            break_connection()
        counted.append(WhatsAppWebhookLog.objects.count())

    thread = Background("breaking", work, waiting=Bounds(5, 0), group=Bounds(1, 1))
    thread.put("break")
    thread.put("count")
    thread.close(30)
    assert counted == [0]
