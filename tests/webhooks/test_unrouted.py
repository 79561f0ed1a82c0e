"""Events of accounts that are not known wait in the journal, and are applied when their account comes."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppMessage,
    WhatsAppTemplate,
    WhatsAppUnroutedTarget,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import journal, replay_threads, unrouted, upkeep
from tests.webhooks.journal_rows import kept, listening
from tests.webhooks.posting import WABA, change, inbound, post, statuses, text_message

NEW = "777000777000777"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_test() -> Iterator[None]:
    yield
    replay_threads.close()


def add(number: str = NEW, **fields: Any) -> WhatsAppAccount:
    account = WhatsAppAccount.objects.create(**{"name": "New", "phone_number_id": number, **fields})
    replay_threads.close()
    return account


def states() -> list[str]:
    return list(WhatsAppWebhookLog.objects.order_by("pk").values_list("state", flat=True))


def waiting_for() -> set[str]:
    return set(WhatsAppUnroutedTarget.objects.values_list("target", flat=True))


def test_a_webhook_of_an_unknown_number_waits_and_says_for_whom(account: WhatsAppAccount) -> None:
    post(inbound(text_message(), number=NEW))
    assert (states(), waiting_for()) == (["unrouted"], {NEW})
    assert unrouted.waiting(5) == [(NEW, 1)]
    assert not WhatsAppMessage.objects.exists()


def test_it_is_applied_when_the_account_is_added(account: WhatsAppAccount) -> None:
    with listening(signals.whatsapp_message_received) as heard:
        post(inbound(text_message(), number=NEW))
        post(inbound(text_message("wamid.OTHER"), number="888"))
        new = add()
    assert heard == ["message:wamid.T1"]
    assert (states(), waiting_for()) == (["done", "unrouted"], {"888"})
    assert WhatsAppMessage.objects.get().account == new


def _gets_its_id(row: WhatsAppAccount) -> None:
    row.phone_number_id = NEW
    row.save()


def _gets_its_secret(row: WhatsAppAccount) -> None:
    row.app_secret = ""
    row.save()


@pytest.mark.parametrize(
    ("before", "correct"),
    [
        ({"number": "1"}, _gets_its_id),
        ({"app_secret": "one-that-signed-nothing"}, _gets_its_secret),
    ],
)
def test_it_is_applied_when_the_account_is_corrected(
    account: WhatsAppAccount, before: dict[str, Any], correct: Callable[[WhatsAppAccount], None]
) -> None:
    wrong = add(**before)
    post(inbound(text_message(), number=NEW))
    assert states() == ["unrouted"]
    correct(wrong)
    replay_threads.close()
    assert states() == ["done"]
    assert WhatsAppMessage.objects.get().account == wrong


def test_news_of_a_business_account_wait_for_one_of_its_numbers(account: WhatsAppAccount) -> None:
    update = {
        "event": "APPROVED",
        "message_template_id": 31,
        "message_template_name": "hello",
        "message_template_language": "en",
    }
    post(change("message_template_status_update", update, waba="999", time=1767000000))
    assert waiting_for() == {"999"}
    number = add()
    WhatsAppTemplate.objects.create(account=number, name="hello", language="en", status="PENDING")
    number.waba_id = "999"
    number.save()
    replay_threads.close()
    assert (states(), WhatsAppTemplate.objects.get().status) == (["done"], "APPROVED")


def test_news_wait_for_a_number_that_leaves_its_business_account_to_the_settings(
    account: WhatsAppAccount,
) -> None:
    add("1", app_secret="other-secret", waba_id="1")
    wrong = add(app_secret="one-that-signed-nothing")
    post(change("account_update", {"event": "ACCOUNT_DELETED"}, time=1767000000), secret="other-secret")
    assert (states(), waiting_for()) == (["unrouted"], {WABA})
    wrong.app_secret = "other-secret"
    wrong.save()
    replay_threads.close()
    wrong.refresh_from_db()
    assert (states(), wrong.state) == (["done"], "disconnected")


def test_only_what_was_unrouted_is_applied_and_told(account: WhatsAppAccount) -> None:
    security = {"event": "PIN_CHANGED", "display_phone_number": "15550009999"}
    body = change("security", security)
    body["entry"] += inbound(text_message(), number=NEW)["entry"]
    body["entry"] += inbound(text_message("wamid.OURS"))["entry"]
    with (
        listening(signals.whatsapp_event_received) as told,
        listening(signals.whatsapp_message_received) as written,
    ):
        post(body)
        assert (len(told), written) == (1, ["message:wamid.OURS"])
        add()
    assert (len(told), written) == (1, ["message:wamid.OURS", "message:wamid.T1"])
    row = WhatsAppWebhookLog.objects.get()
    assert (row.state, row.event_count, row.unrouted_count) == ("done", 3, 0)


def test_what_was_counted_before_stays_counted(account: WhatsAppAccount) -> None:
    body = statuses({"id": "wamid.X", "status": "read", "timestamp": "1767000000"})
    body["entry"] += inbound(text_message(), number=NEW)["entry"]
    body["entry"] += inbound(text_message("wamid.8"), number="888")["entry"]
    post(body)
    add()
    row = WhatsAppWebhookLog.objects.get()
    assert (row.state, row.unmatched_count, row.unrouted_count) == ("unrouted", 1, 1)
    assert waiting_for() == {"888"}
    add("888")
    row.refresh_from_db()
    assert (row.state, row.unmatched_count, row.unrouted_count) == ("done", 1, 0)
    assert not WhatsAppUnroutedTarget.objects.exists()


def test_an_account_that_changes_otherwise_makes_nothing_due(account: WhatsAppAccount) -> None:
    wrong = add(app_secret="one-that-signed-nothing")
    post(inbound(text_message(), number=NEW))
    wrong.name = "Renamed"
    wrong.save()
    replay_threads.close()
    assert unrouted.release() == 0
    assert WhatsAppWebhookLog.objects.get().attempts == 1
    assert states() == ["unrouted"]


def test_releasing_and_applying_twice_changes_nothing(account: WhatsAppAccount) -> None:
    post(inbound(text_message(), number=NEW))
    with listening(signals.whatsapp_message_received) as heard:
        add()
        assert unrouted.release() == 0
        WhatsAppWebhookLog.objects.update(state="pending", attempts=0, unrouted_count=1)
        journal.process_due()
    assert heard == ["message:wamid.T1"]
    assert WhatsAppMessage.objects.count() == 1


def test_the_tick_finds_an_account_that_came_in_bulk(account: WhatsAppAccount) -> None:
    post(inbound(text_message(), number=NEW))
    WhatsAppAccount.objects.bulk_create([WhatsAppAccount(name="New", phone_number_id=NEW)])
    for _ in range(2):
        upkeep._Seldom.due_at = 0.0
        upkeep.tick(lambda campaign_id: None)
    assert states() == ["done"]


def test_the_tick_finds_a_number_that_the_settings_name_now(account: WhatsAppAccount, settings: Any) -> None:
    post(inbound(text_message(), number=NEW))
    assert unrouted.release() == 0
    settings.WHATSAPP = {**settings.WHATSAPP, "PHONE_NUMBER_ID": NEW}
    assert unrouted.release() == 1
    journal.process_due()
    assert states() == ["done"]


def test_a_process_that_dies_over_it_leaves_it_to_the_next(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(inbound(text_message(), number=NEW))
    WhatsAppAccount.objects.bulk_create([WhatsAppAccount(name="New", phone_number_id=NEW)])
    unrouted.release()

    class Death(BaseException):
        pass

    def die(*arguments: Any) -> None:
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr("django_meta_whatsapp.services.journal_outcomes.write", die)
        with pytest.raises(Death):
            journal.process_due()
    WhatsAppWebhookLog.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    journal.process_due()
    assert states() == ["done"]
    assert WhatsAppMessage.objects.count() == 1


def test_an_account_that_is_rolled_back_makes_nothing_due(account: WhatsAppAccount) -> None:
    post(inbound(text_message(), number=NEW))
    with transaction.atomic():
        WhatsAppAccount.objects.create(name="New", phone_number_id=NEW)
        transaction.set_rollback(True)
    replay_threads.close()
    assert states() == ["unrouted"]


def test_saving_an_account_that_nobody_waits_for_starts_no_thread(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[Any] = []
    monkeypatch.setattr(replay_threads, "hint", lambda *before: hints.append(before))
    add("55")
    assert hints == []


def test_however_many_accounts_are_saved_while_it_looks_each_is_seen_to(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"6{each}" for each in range(30)]
    for number in numbers:
        kept(inbound(text_message(f"wamid.{number}"), number=number))
    journal.process_due()
    looking, go_on = threading.Event(), threading.Event()
    waited_for = unrouted._waited_for

    def slow(ids: Any) -> Any:
        looking.set()
        assert go_on.wait(30)
        return waited_for(ids)

    monkeypatch.setattr(unrouted, "_waited_for", slow)
    for number in numbers:
        WhatsAppAccount.objects.create(name="New", phone_number_id=number)
        assert looking.wait(30)
    go_on.set()
    replay_threads.close(30)
    assert "unrouted" not in states()


def test_what_was_asked_for_meanwhile_is_looked_for_once(account: WhatsAppAccount) -> None:
    asked: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        first.set()
        go_on.wait(30)

    def note() -> None:
        asked.append(1)

    replay_threads.hint(hold)
    assert first.wait(30)
    for _ in range(20):
        replay_threads.hint(note)
    go_on.set()
    replay_threads.close(30)
    assert asked == [1]


def test_what_failed_as_well_is_tried_as_a_whole(account: WhatsAppAccount) -> None:
    body = inbound(text_message("wamid.1"), text_message("wamid.2", sender="nobody"))
    body["entry"] += inbound(text_message(), number=NEW)["entry"]
    post(body)
    assert (states(), waiting_for()) == (["failed"], {NEW})
    add()
    row = WhatsAppWebhookLog.objects.get()
    assert (row.state, row.unrouted_count) == ("failed", 0)
    assert "names a person" in row.error
    assert WhatsAppMessage.objects.count() == 2


def test_an_account_gets_its_events_however_many_others_wait(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrouted, "SIZE", 2)
    for number in ("71", "72", "73", "74", "75"):
        post(inbound(text_message(f"wamid.{number}"), number=number))
    add("75")
    assert states() == ["unrouted"] * 4 + ["done"]
    WhatsAppAccount.objects.bulk_create([WhatsAppAccount(name="Old", phone_number_id="74")])
    assert unrouted.release() == 1
    journal.process_due()
    assert (states(), waiting_for()) == (["unrouted"] * 3 + ["done"] * 2, {"71", "72", "73"})


def test_a_changed_account_asks_for_none_but_its_own(account: WhatsAppAccount) -> None:
    post(inbound(text_message("wamid.1"), number="71"))
    post(inbound(text_message("wamid.2"), number="72"))
    WhatsAppAccount.objects.bulk_create(
        [WhatsAppAccount(name=number, phone_number_id=number) for number in ("71", "72")]
    )
    assert unrouted.release(["72"]) == 1
    assert states() == ["unrouted", "pending"]


def test_many_targets_are_looked_through_page_by_page(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrouted, "SIZE", 2)
    numbers = [f"8{each}" for each in range(7)]
    for number in numbers:
        post(inbound(text_message(f"wamid.{number}"), number=number))
    WhatsAppAccount.objects.bulk_create(
        [WhatsAppAccount(name=each, phone_number_id=each) for each in numbers]
    )
    assert unrouted.release() == 7
    assert unrouted.release() == 0
    journal.process_due()
    assert states() == ["done"] * 7


def test_many_are_released_in_few_statements(account: WhatsAppAccount) -> None:
    def release(count: int, number: str) -> int:
        for each in range(count):
            kept(inbound(text_message(f"wamid.{number}.{each}"), number=number))
        journal.process_due()
        WhatsAppAccount.objects.bulk_create([WhatsAppAccount(name=number, phone_number_id=number)])
        with CaptureQueriesContext(connection) as captured:
            assert unrouted.release() == count
        return len(captured)

    assert release(30, "31") == release(3, "32")
