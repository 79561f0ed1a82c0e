"""`manage.py whatsapp_webhooks` says how the journal stands, and applies and removes what it is told to."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from django_meta_whatsapp.services import journal, replay, replay_threads
from tests.webhooks.journal_rows import break_messages, kept, listening, receiving
from tests.webhooks.posting import inbound, post, statuses, text_message


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("whatsapp_webhooks", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def parked(monkeypatch: pytest.MonkeyPatch, *message_ids: str) -> list[WhatsAppWebhookLog]:
    """Webhooks that failed until nobody tries them any more."""
    rows = [kept(inbound(text_message(each))) for each in message_ids]
    with monkeypatch.context() as patch:
        break_messages(patch, ValueError("a bug that is mended now"))
        journal.process_due()
    WhatsAppWebhookLog.objects.filter(state="failed").update(attempts=journal.MAX_ATTEMPTS, not_before=None)
    return rows


def test_status_says_what_waits_failed_and_is_unrouted(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    parked(monkeypatch, "wamid.BAD")
    post(inbound(text_message()))
    post(inbound(text_message(), number="999"))
    post(statuses({"id": "wamid.APP", "status": "read", "timestamp": "1767000000"}))
    waiting = kept(inbound(text_message("wamid.LATER")))
    WhatsAppWebhookLog.objects.filter(pk=waiting.pk).update(received_at=timezone.now() - timedelta(minutes=2))
    said = json.loads(run("status", "--json"))
    assert said["counts"] == {
        "pending": 1,
        "done": 2,
        "unrouted": 1,
        "failed": 1,
        "repeated": 0,
        "pruned": 0,
    }
    assert (said["parked"], said["unrouted"], said["waiting_statuses"]) == (1, {"999": 1}, 1)
    assert 120 <= said["lag_seconds"] < 1000
    assert "a bug that is mended now" in said["last_error"]["error"]
    text = run("status")
    for line in ("Parked, to be looked at: 1", "1 wait for an account with the ID 999", "Last error: #"):
        assert line in text


def test_status_of_an_empty_journal(transactional_db: None) -> None:
    assert "Nothing waits" in run("status")
    assert json.loads(run("status", "--json"))["last_error"] is None


def test_parked_webhooks_are_applied_once_their_bug_is_mended(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    parked(monkeypatch, "wamid.1", "wamid.2")
    post(inbound(text_message()))
    assert run("replay", "--parked") == "Webhooks applied again: 2\n"
    assert WhatsAppMessage.objects.count() == 3
    assert not WhatsAppWebhookLog.objects.exclude(state="done").exists()


def test_what_has_been_applied_changes_nothing_and_is_told_only_when_asked(account: WhatsAppAccount) -> None:
    post(inbound(text_message()))
    key = str(WhatsAppWebhookLog.objects.get().pk)
    with listening(signals.whatsapp_message_received) as heard:
        assert run("replay", "--id", key) == "Webhooks applied again: 1\n"
        assert heard == []
        run("replay", "--id", key, "--signals")
    assert heard == ["message:wamid.T1"]
    assert WhatsAppMessage.objects.count() == 1


def test_a_range_of_keys_or_times_is_chosen(account: WhatsAppAccount) -> None:
    for number in range(4):
        post(inbound(text_message(f"wamid.{number}")))
    rows = list(WhatsAppWebhookLog.objects.order_by("pk"))
    WhatsAppWebhookLog.objects.filter(pk=rows[0].pk).update(received_at=timezone.now() - timedelta(days=2))
    assert run("replay", "--from-id", str(rows[1].pk), "--to-id", str(rows[2].pk)).endswith(" 2\n")
    yesterday = (timezone.localtime() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert run("replay", "--until", yesterday).endswith(" 1\n")
    assert run("replay", "--since", yesterday).endswith(" 3\n")
    assert run("replay", "--all").endswith(" 4\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Say which"),
        (["--id", "987654"], "There is no webhook 987654."),
        (["--since", "yesterday"], "is no time"),
        (["--since", "2026-13-45T00:00"], "month"),
    ],
)
def test_a_wrong_choice_is_told(transactional_db: None, arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run("replay", *arguments)


def test_a_webhook_without_its_body_cannot_be_applied(account: WhatsAppAccount) -> None:
    row = kept(b"")
    WhatsAppWebhookLog.objects.update(state="pruned")
    with pytest.raises(CommandError, match="body removed"):
        run("replay", "--id", str(row.pk))


def test_an_interrupted_replay_says_how_to_go_on(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = parked(monkeypatch, *(f"wamid.{number}" for number in range(5)))
    monkeypatch.setattr(replay, "AT_ONCE", 2)
    process = journal.process

    def interrupted(key: int) -> bool:
        if key == rows[3].pk:
            raise KeyboardInterrupt
        return process(key)

    with monkeypatch.context() as patch:
        patch.setattr(journal, "process", interrupted)
        with pytest.raises(CommandError, match=f"Go on with --from-id {rows[2].pk}"):
            run("replay", "--parked")
    run("replay", "--all", "--from-id", str(rows[2].pk))
    while journal.process_due():
        pass
    assert WhatsAppMessage.objects.count() == 5
    assert not WhatsAppWebhookLog.objects.exclude(state="done").exists()


def test_prune_tells_what_it_would_do_and_does_it(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_KEEP_DAYS": 3}
    post(inbound(text_message()))
    post(inbound(text_message("wamid.2")))
    WhatsAppWebhookLog.objects.update(received_at=timezone.now() - timedelta(days=4))
    WhatsAppWebhookLog.objects.filter(pk=WhatsAppWebhookLog.objects.order_by("pk")[0].pk).update(
        received_at=timezone.now() - timedelta(days=9)
    )
    assert "Would be removed: 1 webhooks" in run("prune", "--dry-run")
    assert WhatsAppWebhookLog.objects.count() == 2
    assert run("prune").startswith("Removed: 1 webhooks, 1 bodies of others,")
    assert WhatsAppWebhookLog.objects.get().state == "pruned"


CHANGELIST = "admin:django_meta_whatsapp_whatsappwebhooklog_changelist"


def act(client: Client, action: str, *rows: WhatsAppWebhookLog) -> Any:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    response = client.post(reverse(CHANGELIST), chosen, follow=True)
    replay_threads.close()
    return response


def test_a_person_applies_chosen_webhooks_again_in_the_admin(
    account: WhatsAppAccount, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = parked(monkeypatch, "wamid.1", "wamid.2")
    assert b"1 webhook is applied again." in act(admin_client, "replay", rows[0]).content
    assert [row.message_id for row in WhatsAppMessage.objects.all()] == ["wamid.1"]
    with listening(signals.whatsapp_message_received) as heard:
        act(admin_client, "replay_with_signals", rows[0])
    assert heard == ["message:wamid.1"]


def test_who_may_only_look_applies_nothing(
    account: WhatsAppAccount, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = parked(monkeypatch, "wamid.1")
    user = User.objects.create_user("looker", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_whatsappwebhooklog"))
    client.force_login(user)
    act(client, "replay", *rows)
    assert not WhatsAppMessage.objects.exists()


def test_the_admin_finds_parked_and_unrouted_webhooks(
    account: WhatsAppAccount, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    parked(monkeypatch, "wamid.1")
    post(inbound(text_message(), number="999"))
    for query in ({"parked": "yes"}, {"q": "999"}, {"state__exact": "unrouted"}):
        response = admin_client.get(reverse(CHANGELIST), query)
        assert response.context["cl"].result_count == 1, query
    assert admin_client.get(reverse(CHANGELIST), {"parked": "no"}).context["cl"].result_count == 0


def test_webhooks_whose_receivers_failed_are_counted_and_found(
    account: WhatsAppAccount, admin_client: Client
) -> None:
    def bad_receiver(**kwargs: Any) -> None:
        raise RuntimeError("boom")

    with receiving(signals.whatsapp_message_received, bad_receiver):
        post(inbound(text_message("wamid.1")))
    post(inbound(text_message("wamid.2")))
    assert "Applied, but a receiver of signals failed: 1\n" in run("status")
    assert json.loads(run("status", "--json"))["receivers_failed"] == 1
    found = admin_client.get(reverse(CHANGELIST), {"receivers": "failed"}).context["cl"]
    assert [row.state for row in found.queryset] == ["done"]
    waiting = reverse("admin:django_meta_whatsapp_whatsappwaitingstatus_changelist")
    assert admin_client.get(waiting, {"receivers": "failed"}).context["cl"].result_count == 0


@pytest.mark.parametrize("body", [b"[" * 9000, b"<script>alert(1)</script>", b"\xff" * 50, b'{"a": 1}'])
def test_any_body_can_be_looked_at_and_none_is_run(
    transactional_db: None, admin_client: Client, body: bytes
) -> None:
    row = WhatsAppWebhookLog.objects.create(body=body)
    page = admin_client.get(reverse("admin:django_meta_whatsapp_whatsappwebhooklog_change", args=[row.pk]))
    assert page.status_code == 200
    assert b"<script>alert" not in page.content
