"""Meta repeats webhooks for seven days. An identical one changes nothing and is not told again, also when the body is gone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import RFC_4122

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppMessage,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.models.bulk.journal import store
from django_meta_whatsapp.services import clock, journal, retention, upkeep
from tests.webhooks.journal_rows import break_messages, listening, make_due
from tests.webhooks.posting import SECRET, change, encoded, inbound, post, text_message

SECURITY = change("security", {"event": "PIN_CHANGED", "display_phone_number": "15550009999"})


def states() -> list[str]:
    return list(WhatsAppWebhookLog.objects.order_by("pk").values_list("state", flat=True))


def record(body: Any) -> WhatsAppWebhookLog:
    """A webhook that is kept as the doors do, and not applied yet."""
    raw = encoded(body)
    received = journal.received(raw, sign(SECRET, raw))
    return WhatsAppWebhookLog.objects.create(
        body=raw, signature=received.signature, digest=received.digest, received_at=received.at
    )


def test_an_identical_webhook_is_not_applied_again(account: WhatsAppAccount, both_doors: str) -> None:
    with listening(signals.whatsapp_event_received) as heard:
        post(SECURITY)
        post(SECURITY)
    assert len(heard) == 1
    assert states() == ["done", "repeated"]


def test_one_that_differs_by_a_byte_is_applied(account: WhatsAppAccount) -> None:
    with listening(signals.whatsapp_event_received) as heard:
        post(SECURITY)
        post(encoded(SECURITY) + b" ")
    assert len(heard) == 2
    assert states() == ["done", "done"]


def test_the_same_body_under_another_app_s_signature_is_another_webhook(account: WhatsAppAccount) -> None:
    WhatsAppAccount.objects.create(name="Other", phone_number_id="2", waba_id="2", app_secret="other-secret")
    post(SECURITY, secret="other-secret")
    post(SECURITY)
    assert states() == ["unrouted", "done"]


def test_days_later_and_pruned_it_is_still_known(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_KEEP_DAYS": 1}
    with (
        listening(signals.whatsapp_event_received) as heard,
        listening(signals.whatsapp_message_received) as written,
    ):
        post(SECURITY)
        post(inbound(text_message()))
        WhatsAppWebhookLog.objects.update(received_at=timezone.now() - timedelta(days=7, hours=23))
        assert retention.prune().bodies == 2
        WhatsAppMessage.objects.all().delete()
        post(SECURITY)
        post(inbound(text_message()))
    assert (len(heard), len(written)) == (1, 1)
    assert states() == ["pruned", "pruned", "repeated", "repeated"]
    assert not WhatsAppMessage.objects.exists()


def test_identical_ones_that_are_applied_together_count_once(account: WhatsAppAccount) -> None:
    for _ in range(3):
        record(SECURITY)
    with listening(signals.whatsapp_event_received) as heard:
        assert journal.process_due() == 3
    assert len(heard) == 1
    assert states() == ["done", "repeated", "repeated"]


def test_what_failed_is_not_known_by_its_likes(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        record(inbound(text_message()))
    with monkeypatch.context() as patch:
        break_messages(patch, ValueError("not now"))
        journal.process_due()
    assert states() == ["failed", "failed"]
    make_due()
    assert journal.process_due() == 2
    assert states() == ["done", "repeated"]
    assert WhatsAppMessage.objects.count() == 1


def test_to_look_for_likes_takes_one_query_for_many(account: WhatsAppAccount) -> None:
    def statements(count: int, first: int) -> int:
        for number in range(count):
            record(inbound(text_message(f"wamid.{first + number}")))
        with CaptureQueriesContext(connection) as captured:
            assert journal.process_due() == count
        return len([query for query in captured if "digest" in query["sql"] and "MIN" in query["sql"]])

    assert (statements(2, 0), statements(20, 100)) == (1, 1)


@pytest.fixture
def aged(account: WhatsAppAccount) -> Callable[[str, float], WhatsAppWebhookLog]:
    def make(state: str, days: float) -> WhatsAppWebhookLog:
        received_at = timezone.now() - timedelta(days=days)
        return WhatsAppWebhookLog.objects.create(body=b"{}", state=state, received_at=received_at)

    return make


def kept_states() -> set[tuple[str, bool]]:
    return {(row.state, bool(row.body)) for row in WhatsAppWebhookLog.objects.all()}


def test_bodies_go_first_and_rows_when_no_redelivery_can_come(aged: Any, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_KEEP_DAYS": 3}
    aged("done", 2.9)
    old, older = aged("done", 3.1), aged("done", 8.1)
    repeated = aged("repeated", 3.1)
    pruned = retention.prune()
    assert (pruned.bodies, pruned.rows, pruned.finished) == (1, 2, True)
    left = WhatsAppWebhookLog.objects.filter(pk__in=[old.pk, older.pk, repeated.pk])
    assert list(left.values_list("pk", "state")) == [(old.pk, "pruned")]
    with clock.moved(timedelta(days=5)):
        assert retention.prune().rows == 1
    assert kept_states() == {("pruned", False)}


def test_what_waits_or_is_in_trouble_is_kept_longer(aged: Any, settings: Any) -> None:
    settings.WHATSAPP = {
        **settings.WHATSAPP,
        "WEBHOOK_KEEP_DAYS": 3,
        "WEBHOOK_KEEP_TROUBLE_DAYS": 20,
    }
    for state in ("pending", "failed", "unrouted"):
        aged(state, 19)
    assert retention.prune().rows == 0
    retried = aged("failed", 21)
    WhatsAppWebhookLog.objects.filter(pk=retried.pk).update(not_before=timezone.now())
    aged("pending", 400)
    for state in ("failed", "unrouted"):
        aged(state, 21)
    assert retention.prune().rows == 2
    assert sorted(states()) == ["failed", "failed", "pending", "pending", "unrouted"]


def test_pruning_goes_in_small_steps_and_can_be_stopped(aged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        aged("done", 40)
    aged("done", 1)
    steps: list[int] = []
    assert retention.prune(dry_run=True, on_progress=lambda count: None).rows == 5
    assert not retention.prune(seconds=0.0).finished
    assert retention.prune(on_progress=steps.append).finished
    assert sum(steps) == 5 - 2
    assert max(steps) <= 2
    assert states() == ["done"]


def test_the_tick_prunes(aged: Any) -> None:
    aged("done", 40)
    upkeep._Seldom.due_at = 0.0
    upkeep.tick(lambda campaign_id: None)
    assert states() == []


@pytest.mark.django_db
def test_any_digest_is_a_uuid_that_every_database_takes() -> None:
    webhooks = [journal.received(b"%d" % number, "") for number in range(64)]
    assert {(webhook.digest.version, webhook.digest.variant) for webhook in webhooks} == {(5, RFC_4122)}
    store(webhooks)
    digests = set(WhatsAppWebhookLog.objects.values_list("digest", flat=True))
    assert digests == {webhook.digest for webhook in webhooks}
