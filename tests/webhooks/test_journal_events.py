"""A webhook is applied: what it leaves, what cannot be read or belongs to nobody, and the signals."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import parsing
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import journal
from tests.payload_files import load_payload
from tests.webhooks.journal_rows import break_messages, listening, only_row, receiving
from tests.webhooks.posting import change, encoded, inbound, post, statuses, text_message


def test_a_webhook_is_done_when_its_events_are_applied(account: WhatsAppAccount) -> None:
    post(inbound(text_message()))
    row = only_row()
    assert (row.state, row.attempts, row.event_count, row.error) == ("done", 1, 1, "")
    assert row.processed_at is not None
    assert row.not_before is None


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b"[" * 100_000], ids=["cut", "empty", "bytes", "deep"]
)
def test_a_signed_body_that_is_no_json_is_kept_as_failed_and_not_tried_again(
    account: WhatsAppAccount, body: bytes
) -> None:
    assert post(body).status_code == 200
    row = only_row()
    assert (row.state, row.not_before, bytes(row.body)) == ("failed", None, body)
    assert row.error.startswith("The body is not JSON")
    assert journal.process_due() == 0


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"{}", b'{"entry": 5}', b'{"entry": [5]}'])
def test_json_without_events_is_kept_as_failed(account: WhatsAppAccount, body: bytes) -> None:
    assert post(body).status_code == 200
    assert (only_row().state, only_row().not_before) == ("failed", None)


def test_parts_that_cannot_be_read_do_not_take_the_good_ones_with_them(account: WhatsAppAccount) -> None:
    post(load_payload("messages__mixed_batch"))
    row = only_row()
    stored = set(WhatsAppMessage.objects.values_list("message_id", flat=True))
    assert stored == {"wamid.IN_B1", "wamid.IN_B2"}
    assert (row.state, row.event_count, row.unrouted_count, row.unmatched_count) == ("failed", 8, 1, 1)
    assert len(row.error.splitlines()) == 4
    assert row.not_before is None


def test_a_number_without_end_does_not_take_the_good_parts_with_it(account: WhatsAppAccount) -> None:
    body = encoded(inbound(text_message("wamid.1"), {**text_message(), "id": 77}, counter=88))
    post(body.replace(b"77", b"7" * 5000).replace(b"88", b"8" * 5000))
    assert WhatsAppMessage.objects.get().message_id == "wamid.1"
    assert (only_row().state, only_row().error) == ("failed", "'id' is missing")


def test_of_a_body_with_parts_without_end_the_first_are_applied_and_it_stays_in_the_journal(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "MOST", 3)
    body = encoded(inbound(text_message("wamid.1"), *[0] * 5000))
    post(body)
    row = only_row()
    assert (row.state, row.not_before, bytes(row.body)) == ("failed", None, body)
    assert row.error.startswith("the body has more than 3 parts")
    assert WhatsAppMessage.objects.get().message_id == "wamid.1"


def test_one_event_that_fails_does_not_take_its_neighbours_with_it(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_messages(monkeypatch, ValueError("cannot be stored"), only="wamid.BAD")
    post(inbound(text_message("wamid.1"), text_message("wamid.BAD"), text_message("wamid.3")))
    assert set(WhatsAppMessage.objects.values_list("message_id", flat=True)) == {"wamid.1", "wamid.3"}
    row = only_row()
    assert row.state == "failed"
    assert row.error == "message:wamid.BAD: ValueError('cannot be stored')"


def test_a_message_that_names_nobody_does_not_take_its_neighbours_with_it(account: WhatsAppAccount) -> None:
    post(inbound(text_message("wamid.1"), text_message("wamid.2", sender="not a number")))
    assert set(WhatsAppMessage.objects.values_list("message_id", flat=True)) == {"wamid.1"}
    assert "names a person" in only_row().error


def test_the_same_webhook_again_changes_nothing_and_is_not_announced(account: WhatsAppAccount) -> None:
    with listening(signals.whatsapp_message_received) as heard:
        post(inbound(text_message()))
        post(inbound(text_message()))
    assert heard == ["message:wamid.T1"]
    assert WhatsAppMessage.objects.count() == 1
    assert WhatsAppConversation.objects.get().unread_count == 1


def test_signals_come_after_the_commit(account: WhatsAppAccount) -> None:
    seen: list[bool] = []

    def look(message: WhatsAppMessage, **kwargs: Any) -> None:
        seen.append(transaction.get_connection().in_atomic_block)

    with receiving(signals.whatsapp_message_received, look):
        post(inbound(text_message()))
    assert seen == [False]


def test_a_failing_receiver_loses_no_event_and_is_recorded(account: WhatsAppAccount) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("the host's bug")

    with (
        receiving(signals.whatsapp_message_received, fail),
        listening(signals.whatsapp_message_received) as heard,
    ):
        assert post(inbound(text_message())).status_code == 200
    assert heard == ["message:wamid.T1"]
    assert WhatsAppMessage.objects.count() == 1
    row = only_row()
    assert row.state == "done"
    assert 'fail failed with message:wamid.T1: RuntimeError("the host\'s bug")' in row.error


def test_a_try_after_a_death_between_commit_and_signals_sends_them(account: WhatsAppAccount) -> None:
    post(inbound(text_message()))
    WhatsAppWebhookLog.objects.update(state="pending", not_before=timezone.now() - timedelta(seconds=1))
    with listening(signals.whatsapp_message_received) as heard:
        assert journal.process_due() == 1
    assert heard == ["message:wamid.T1"]
    assert WhatsAppMessage.objects.count() == 1


def test_events_of_unknown_numbers_are_counted_and_make_no_rows(account: WhatsAppAccount) -> None:
    post(inbound(text_message(), number="999"))
    post(change("account_update", {"event": "ACCOUNT_DELETED"}, waba="999"))
    assert [row.unrouted_count for row in WhatsAppWebhookLog.objects.order_by("pk")] == [1, 1]
    assert not WhatsAppMessage.objects.exists()
    account.refresh_from_db()
    assert account.state == "connected"


def test_events_that_nothing_understands_are_counted(account: WhatsAppAccount) -> None:
    post(change("from_the_future", {"metadata": {"phone_number_id": account.phone_number_id}}))
    post(statuses({"id": "wamid.X", "status": "teleported", "timestamp": "1767000000"}))
    rows = WhatsAppWebhookLog.objects.order_by("pk")
    assert [(row.state, row.unknown_count) for row in rows] == [("done", 1), ("done", 1)]


def test_a_host_with_nothing_but_settings_gets_its_account_with_the_first_message(
    transactional_db: None,
) -> None:
    post(inbound(text_message()))
    account = WhatsAppAccount.objects.get()
    assert (account.phone_number_id, account.waba_id) == ("222000222000222", "111000111000111")
    assert WhatsAppMessage.objects.get().account == account


def test_another_app_s_secret_makes_no_account_of_the_settings(transactional_db: None) -> None:
    WhatsAppAccount.objects.create(name="Other", phone_number_id="2", app_secret="other-secret")
    post(inbound(text_message()), secret="other-secret")
    assert WhatsAppAccount.objects.count() == 1
    assert only_row().unrouted_count == 1
