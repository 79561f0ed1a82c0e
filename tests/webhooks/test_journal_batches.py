"""Webhooks that wait are applied together: how many, in how many statements, and each with its own outcome."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk import ladder
from django_meta_whatsapp.services import journal, routing
from tests.webhooks.journal_rows import break_messages, kept
from tests.webhooks.posting import NUMBER, WABA, change, inbound, statuses, text_message


def test_the_oldest_go_first_and_no_more_than_asked_for(account: WhatsAppAccount) -> None:
    rows = [kept(inbound(text_message(f"wamid.{number}"))) for number in range(3)]
    assert journal.process_due(limit=2) == 2
    assert [WhatsAppWebhookLog.objects.get(pk=row.pk).state for row in rows] == ["done", "done", "pending"]


def test_statuses_of_many_webhooks_are_applied_in_as_many_statements_as_those_of_a_few(
    account: WhatsAppAccount,
) -> None:
    def statements(count: int) -> int:
        for number in range(count):
            kept(statuses({"id": f"wamid.{number}", "status": "read", "timestamp": "1767000000"}))
        with CaptureQueriesContext(connection) as captured:
            assert journal.process_due() == count
        return len(captured)

    # The first of all is late news, and is noted as such.
    statements(1)
    assert statements(30) == statements(3)
    assert set(WhatsAppWebhookLog.objects.values_list("state", "unmatched_count")) == {("done", 1)}


def test_of_a_business_account_only_those_are_read_that_an_event_may_be_for(
    account: WhatsAppAccount, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one costs a decryption, and statuses, the most of all events, name their number."""
    settings.WHATSAPP = {**settings.WHATSAPP, "WABA_ID": WABA}
    WhatsAppAccount.objects.create(name="Blank", phone_number_id="2")
    WhatsAppAccount.objects.create(name="Named", phone_number_id="3", waba_id=WABA)
    read: list[set[str]] = []
    readable, own = routing._readable, threading.get_ident()

    def note(rows: Any) -> Any:
        found, shut = readable(rows)
        # Another thread looks for what waited for the accounts that were just saved.
        if threading.get_ident() == own:
            read.append({each.phone_number_id for each in found})
        return found, shut

    monkeypatch.setattr(routing, "_readable", note)
    status = statuses({"id": "wamid.1", "status": "read", "timestamp": "1767000000"})
    nameless = inbound(text_message("wamid.2"))
    del nameless["entry"][0]["changes"][0]["value"]["metadata"]
    news = change("account_update", {"event": "ACCOUNT_DELETED"}, time=1767000000)
    for body in (status, inbound(text_message()), nameless, news):
        kept(body)
        assert journal.process_due() == 1
    assert read == [{NUMBER}, {NUMBER}, {NUMBER, "2", "3"}, {NUMBER, "2", "3"}]
    assert set(WhatsAppAccount.objects.values_list("state", flat=True)) == {"disconnected"}


def test_what_becomes_of_each_webhook_is_told_apart_when_they_are_applied_together(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_messages(monkeypatch, ValueError("cannot be stored"), only="wamid.BAD")
    stray = {"id": "wamid.STRAY", "status": "read", "timestamp": "1767000000"}
    bodies = [
        inbound(text_message("wamid.1")),
        b"{",
        inbound(text_message("wamid.BAD")),
        statuses(stray, {**stray, "id": "wamid.STRAY-2"}),
        statuses({**stray, "status": "teleported"}),
        inbound(text_message("wamid.2"), number="999"),
        statuses(stray, {"status": "read"}),
    ]
    rows = [kept(body) for body in bodies]
    assert journal.process_due() == len(rows)
    names = ("state", "event_count", "unmatched_count", "unknown_count", "unrouted_count")
    assert [WhatsAppWebhookLog.objects.values_list(*names).get(pk=row.pk) for row in rows] == [
        ("done", 1, 0, 0, 0),
        ("failed", 0, 0, 0, 0),
        ("failed", 1, 0, 0, 0),
        ("done", 2, 2, 0, 0),
        ("done", 1, 0, 1, 0),
        ("unrouted", 1, 0, 0, 1),
        ("failed", 2, 1, 0, 0),
    ]
    assert set(WhatsAppMessage.objects.values_list("message_id", flat=True)) == {"wamid.1"}
    due_again = WhatsAppWebhookLog.objects.exclude(not_before=None)
    assert [row.pk for row in due_again] == [rows[2].pk]


def test_one_status_that_fails_does_not_take_those_of_other_webhooks_with_it(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [{"id": f"wamid.{number}", "status": "read", "timestamp": "1767000000"} for number in range(9)]
    rows = [kept(statuses(each)) for each in told]
    keys_of = ladder.message_keys

    def fail(account_id: int, message_ids: Any) -> dict[str, int]:
        if "wamid.4" in message_ids:
            raise ValueError("cannot be applied")
        return keys_of(account_id, message_ids)

    monkeypatch.setattr(ladder, "message_keys", fail)
    assert journal.process_due() == len(rows)
    states = [WhatsAppWebhookLog.objects.get(pk=row.pk).state for row in rows]
    assert states == ["done"] * 4 + ["failed"] + ["done"] * 4
    assert WhatsAppWebhookLog.objects.get(pk=rows[4].pk).error.endswith("ValueError('cannot be applied')")


def test_no_more_is_held_in_memory_than_some_megabytes(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(kept(inbound(text_message("wamid.0"))).body)
    for number in range(1, 5):
        kept(inbound(text_message(f"wamid.{number}")))
    monkeypatch.setattr(journal, "TOGETHER", size * 2)
    assert [journal.process_due() for _ in range(4)] == [2, 2, 1, 0]
    kept(inbound(text_message("wamid.5")))
    monkeypatch.setattr(journal, "TOGETHER", 1)
    assert journal.process_due() == 1
