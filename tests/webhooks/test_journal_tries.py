"""A webhook is tried again: with which pauses, how often, after a death, and by one process at a time."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from django_meta_whatsapp.services import inbox, journal
from tests.services.threads import at_once
from tests.webhooks.journal_rows import break_messages, kept, listening, make_due, only_row, receiving
from tests.webhooks.posting import inbound, post, text_message


def test_what_failed_is_tried_again_when_it_is_due_and_then_it_is_done(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_messages(patch, ValueError("not now"))
        assert post(inbound(text_message())).status_code == 200
    assert journal.process_due() == 0
    make_due()
    assert journal.process_due() == 1
    assert (only_row().state, only_row().attempts, only_row().error) == ("done", 2, "")
    assert WhatsAppMessage.objects.count() == 1


def test_pauses_between_tries_grow_up_to_an_hour(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_messages(monkeypatch, ValueError("never"))
    post(inbound(text_message()))
    pauses = []
    while (due := only_row().not_before) is not None:
        pauses.append(round((due - timezone.now()).total_seconds() / 10) * 10)
        make_due()
        assert journal.process_due() == 1
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (only_row().state, only_row().attempts) == ("failed", journal.MAX_ATTEMPTS)
    assert "never" in only_row().error


def test_trouble_with_the_database_is_not_held_against_the_events(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_meta_whatsapp.services.transactions._FIRST_PAUSE", 0)
    break_messages(monkeypatch, OperationalError("the server went away"))
    post(inbound(text_message("wamid.1"), text_message("wamid.2")))
    assert only_row().error == "OperationalError('the server went away')"
    assert only_row().not_before is not None


def test_a_webhook_whose_process_died_is_found_by_the_tick(account: WhatsAppAccount) -> None:
    kept(inbound(text_message("wamid.1")))
    died = kept(inbound(text_message("wamid.2")))
    WhatsAppWebhookLog.objects.filter(pk=died.pk).update(
        attempts=1, not_before=timezone.now() - timedelta(seconds=1)
    )
    assert journal.process_due() == 2
    assert WhatsAppMessage.objects.count() == 2


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_webhook_with_which_every_process_dies_is_parked(account: WhatsAppAccount, state: str) -> None:
    row = kept(inbound(text_message()))
    past = timezone.now() - timedelta(seconds=1)
    WhatsAppWebhookLog.objects.update(state=state, attempts=journal.MAX_ATTEMPTS, not_before=past)
    assert journal.process_due() == 0
    row.refresh_from_db()
    assert (row.state, row.not_before) == ("failed", None)
    assert "each time" in row.error


def test_a_webhook_that_somebody_else_is_applying_is_left_alone(account: WhatsAppAccount) -> None:
    row = kept(inbound(text_message()))
    seen: list[bool] = []

    def meanwhile(**kwargs: Any) -> None:
        seen.append(journal.process(row.pk))

    with receiving(signals.whatsapp_message_received, meanwhile):
        assert journal.process(row.pk)
    assert seen == [False]
    assert not journal.process(row.pk)
    assert not journal.process(row.pk + 1)


@pytest.mark.parametrize("state", ["done", "pending", "failed"])
def test_a_webhook_that_somebody_slow_gets_on_with_meanwhile_is_not_claimed(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    row = kept(inbound(text_message()))
    past = timezone.now() - timedelta(seconds=1)
    WhatsAppWebhookLog.objects.update(attempts=1, not_before=past)
    until = None if state == "done" else timezone.now() + timedelta(minutes=1)
    ends_in = journal.ends_in

    def meanwhile(seconds: float) -> Any:
        WhatsAppWebhookLog.objects.update(state=state, not_before=until)
        return ends_in(seconds)

    monkeypatch.setattr(journal, "ends_in", meanwhile)
    assert not journal.process(row.pk)
    assert (only_row().state, only_row().attempts, only_row().not_before) == (state, 1, until)
    assert not WhatsAppMessage.objects.exists()


def test_webhooks_that_take_long_together_stay_with_whoever_gets_on_with_them(
    account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_RETRY_SECONDS": 1.5}
    rows = [kept(inbound(text_message(f"wamid.{number}"))) for number in range(4)]
    taken: list[int] = []

    def dawdle(**kwargs: Any) -> None:
        time.sleep(0.6)
        taken.append(journal.process_due())

    with receiving(signals.whatsapp_message_received, dawdle):
        assert journal.process_due() == len(rows)
    assert taken == [0] * len(rows)
    assert set(WhatsAppWebhookLog.objects.values_list("state", "attempts")) == {("done", 1)}


def test_of_several_who_look_at_once_each_webhook_goes_to_one(account: WhatsAppAccount) -> None:
    rows = [kept(inbound(text_message(f"wamid.{number}"))) for number in range(12)]
    with listening(signals.whatsapp_message_received) as heard:
        done = at_once(lambda number: journal.process_due(limit=5), 3)
    assert sum(each for each in done if isinstance(each, int)) == len(heard) == len(set(heard))
    while journal.process_due():
        pass
    assert set(WhatsAppWebhookLog.objects.values_list("state", "attempts")) == {("done", 1)}
    assert WhatsAppMessage.objects.count() == len(rows)


def test_webhooks_with_which_a_process_died_are_tried_one_at_a_time(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [inbound(text_message("wamid.1")), inbound(text_message("wamid.DEADLY"))]
    rows = [kept(body) for body in bodies]

    class Death(BaseException):
        pass

    store = inbox._store

    def die(account: Any, received: Any, *others: Any) -> Any:
        if any(each.event.message_id == "wamid.DEADLY" for each in received):
            raise Death
        return store(account, received, *others)

    monkeypatch.setattr(inbox, "_store", die)
    for _ in range(3):
        with pytest.raises(Death):
            journal.process_due()
        make_due()
    assert WhatsAppWebhookLog.objects.get(pk=rows[0].pk).state == "done"
    assert WhatsAppWebhookLog.objects.get(pk=rows[0].pk).attempts == 2
