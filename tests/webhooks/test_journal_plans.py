"""How the journal finds what is due, however much waits in it."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.services import journal

pytestmark = pytest.mark.django_db(transaction=True)


def plan_of(statement: str) -> str:
    """What the database would do, with so many rows that reading all of them is out of the question."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {statement}")
        return "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())


def journal_of(done: int, waiting: int) -> None:
    rows = [WhatsAppWebhookLog(body=b"{}", state="done") for _ in range(done)]
    rows += [WhatsAppWebhookLog(body=b"{}") for _ in range(waiting)]
    WhatsAppWebhookLog.objects.bulk_create(rows)


def asked(needle: str) -> list[str]:
    """The statements of one look at the journal in which `needle` stands."""
    with CaptureQueriesContext(connection) as captured:
        journal.process_due(limit=2)
    return [query["sql"] for query in captured if needle in query["sql"].replace("`", '"')]


def test_what_is_tried_again_is_found_without_a_look_at_what_is_new() -> None:
    journal_of(done=0, waiting=20)
    statements = asked('not_before" <=')
    assert len(statements) == 2, "what was tried before, and what has been tried too often"
    for statement in statements:
        assert "wa_webhook_again" in plan_of(statement)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL guesses how many rows wait")
def test_what_is_new_is_found_without_a_look_at_what_is_done_however_much_waited_once() -> None:
    journal_of(done=3000, waiting=3000)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {WhatsAppWebhookLog._meta.db_table}")
    [statement] = asked("SKIP LOCKED")
    assert "wa_webhook_new" in plan_of(statement)
