"""A status that comes before the row of its message waits for it: any order of the two gives the same row."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.content import Text
from django_meta_whatsapp.cloud_api.operations.messages import send_message
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContactAccount,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppWaitingStatus,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import (
    journal,
    journal_state,
    outbox_rows,
    statuses,
    tokens,
    upkeep,
    waiting_statuses,
)
from django_meta_whatsapp.services.outbox_rows import Committed
from tests.models import rows
from tests.services.threads import at_once
from tests.webhooks import posting
from tests.webhooks.journal_rows import kept, listening, receiving

pytestmark = pytest.mark.django_db(transaction=True)

START = 1767000000
WAMID = "wamid.FROM_THE_APP"


@pytest.fixture
def account() -> WhatsAppAccount:
    return WhatsAppAccount.objects.create(
        name="Shop", phone_number_id=posting.NUMBER, waba_id=posting.WABA, display_phone_number="15550009999"
    )


def status(state: str, second: int, **parts: Any) -> dict[str, Any]:
    event = {"id": WAMID, "status": state, "timestamp": str(START + second), "recipient_id": "4512345678"}
    return posting.statuses({**event, **parts})


PRICE = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
STATUSES = [
    status("sent", 1, pricing={**PRICE, "category": "marketing"}),
    status(
        "failed", 2, errors=[{"code": 131026, "title": "Undeliverable", "error_data": {"details": "later"}}]
    ),
    status("failed", 1, errors=[{"code": 131049, "title": "Unhealthy", "error_data": {"details": "first"}}]),
    status("delivered", 3, pricing=PRICE),
    status("read", 5),
]
ECHO = posting.change(
    "smb_message_echoes",
    posting.value(
        message_echoes=[
            {
                "from": "15550009999",
                "to": "4512345678",
                "id": WAMID,
                "timestamp": str(START),
                "type": "text",
                "text": {"body": "from the app"},
            }
        ]
    ),
)
FIELDS = [
    "status",
    "accepted_at",
    "sent_at",
    "failed_at",
    "delivered_at",
    "read_at",
    "error_code",
    "error_message",
    "pricing",
]


def deliver(*bodies: dict[str, Any]) -> None:
    for body in bodies:
        assert journal.process(kept(body).pk)


def row() -> dict[str, Any]:
    return WhatsAppMessage.objects.values(*FIELDS).get(message_id=WAMID)


def clear() -> None:
    WhatsAppWaitingStatus.objects.all().delete()
    WhatsAppMessage.objects.all().delete()
    WhatsAppWebhookLog.objects.all().delete()


ORDERS = st.permutations([*STATUSES, STATUSES[1], STATUSES[3], ECHO, ECHO])
JOINS = st.lists(st.booleans(), min_size=len(STATUSES) + 4, max_size=len(STATUSES) + 4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=ORDERS, joined=JOINS, together=st.booleans())
def test_any_order_repetition_and_batching_of_an_echo_and_its_statuses_gives_the_same_row(
    account: WhatsAppAccount, order: list[dict[str, Any]], joined: list[bool], together: bool
) -> None:
    """joined: whether an event comes in one webhook with the one before; together: all webhooks are applied at once."""
    clear()
    deliver(ECHO, *STATUSES)
    expected = row()
    clear()
    webhooks: list[dict[str, Any]] = []
    for body, with_the_last in zip(order, joined, strict=True):
        if webhooks and with_the_last:
            webhooks[-1] = {**webhooks[-1], "entry": webhooks[-1]["entry"] + body["entry"]}
        else:
            webhooks.append(body)
    if together:
        for body in webhooks:
            kept(body)
        assert journal.process_due() == len(webhooks)
    else:
        deliver(*webhooks)
    assert row() == expected
    assert expected["status"] == "read"
    assert expected["error_message"] == "Unhealthy: first"
    assert not WhatsAppWaitingStatus.objects.exists()
    assert set(WhatsAppWebhookLog.objects.values_list("state", flat=True)) == {"done"}


def test_statuses_that_came_first_are_announced_when_their_message_is_there(account: WhatsAppAccount) -> None:
    with listening(signals.whatsapp_message_status_changed) as heard:
        deliver(STATUSES[0], STATUSES[4])
        assert heard == []
        deliver(ECHO)
    assert heard == [f"status:{WAMID}:read:4512345678"]


def test_statuses_of_shared_history_wait_for_it(account: WhatsAppAccount) -> None:
    thread = {"id": "4512345678", "messages": []}
    message = {
        "from": "15550009999",
        "to": "4512345678",
        "id": WAMID,
        "timestamp": str(START),
        "type": "text",
        "text": {"body": "long ago"},
        "history_context": {"status": "SENT"},
    }
    chunk = {
        "metadata": {"phase": 0, "chunk_order": 1, "progress": 100},
        "threads": [{**thread, "messages": [message]}],
    }
    deliver(STATUSES[4], posting.change("history", posting.value(history=[chunk])))
    assert row()["status"] == "read"


def _thread(account: WhatsAppAccount) -> WhatsAppConversation:
    return WhatsAppConversation.objects.create(account=account, contact=rows.contact())


def _by_an_answer(account: WhatsAppAccount) -> None:
    message = WhatsAppMessage.objects.create(
        account=account, conversation=_thread(account), direction="outbound", message_type="text"
    )
    attempt = WhatsAppSendAttempt.objects.create(
        account=account, token=tokens.new_token(), chat_message=message
    )
    call = send_message(posting.NUMBER, "+4512345678", Text("hi"), callback_data=attempt.token)
    outbox_rows.settle_accepted(Committed(message, attempt, call), {"messages": [{"id": WAMID}]})


def _by_the_host(account: WhatsAppAccount) -> None:
    WhatsAppMessage.objects.create(
        account=account,
        conversation=_thread(account),
        direction="outbound",
        message_type="text",
        message_id=WAMID,
    )


def _in_bulk_and_the_tick(account: WhatsAppAccount) -> None:
    message = WhatsAppMessage(
        account=account,
        conversation=_thread(account),
        direction="outbound",
        message_type="text",
        message_id=WAMID,
    )
    WhatsAppMessage.objects.bulk_create([message])
    assert row()["status"] == "sending"
    WhatsAppWaitingStatus.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert statuses.apply_overdue() == 5


@pytest.mark.parametrize("make", [_by_an_answer, _by_the_host, _in_bulk_and_the_tick])
def test_whatever_brings_the_message_lets_its_statuses_follow(
    account: WhatsAppAccount, make: Callable[[WhatsAppAccount], None]
) -> None:
    deliver(*STATUSES)
    assert WhatsAppWaitingStatus.objects.count() == 5
    make(account)
    assert (row()["status"], row()["error_code"], row()["pricing"]["category"]) == ("read", 131049, "utility")
    assert not WhatsAppWaitingStatus.objects.exists()


def test_the_tick_announces_what_a_process_that_died_has_not(account: WhatsAppAccount) -> None:
    deliver(ECHO, STATUSES[4])
    left = WhatsAppWaitingStatus(
        account=account,
        message_id=WAMID,
        event_id=f"status:{WAMID}:read:4512345678",
        key="left",
        status="read",
        happened_at=timezone.now(),
    )
    left.save()
    WhatsAppWaitingStatus.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    upkeep._Seldom.due_at = 0.0
    with listening(signals.whatsapp_message_status_changed) as heard:
        upkeep.tick(lambda campaign_id: None)
    assert heard == [f"status:{WAMID}:read:4512345678"]
    assert not WhatsAppWaitingStatus.objects.exists()


def test_a_status_whose_receiver_failed_is_kept_with_what_went_wrong_and_not_applied_again(
    account: WhatsAppAccount,
) -> None:
    calls: list[str] = []

    def bad_receiver(event_id: str, **kwargs: Any) -> None:
        calls.append(event_id)
        raise RuntimeError("boom")

    deliver(STATUSES[0], STATUSES[4])
    with receiving(signals.whatsapp_message_status_changed, bad_receiver):
        deliver(ECHO)
        WhatsAppWaitingStatus.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        assert statuses.apply_overdue() == 0
        statuses.apply_waiting(account.pk, [WAMID])
    assert calls == [f"status:{WAMID}:read:4512345678"]
    left = WhatsAppWaitingStatus.objects.get()
    assert left.status == "read"
    assert "bad_receiver failed with status:" in left.receiver_error
    assert "boom" in left.receiver_error
    state = journal_state.read()
    assert (state.receivers_failed, state.waiting_statuses) == (1, 0)


def test_a_status_that_is_delivered_again_waits_once(account: WhatsAppAccount) -> None:
    deliver(STATUSES[0], STATUSES[0], STATUSES[3])
    assert WhatsAppWaitingStatus.objects.count() == 2


def test_an_echo_and_its_status_at_the_same_moment_find_each_other(account: WhatsAppAccount) -> None:
    for _ in itertools.repeat(None, 5):
        clear()
        logs = [kept(ECHO).pk, kept(STATUSES[4]).pk, kept(STATUSES[0]).pk]
        assert at_once(lambda number, logs=logs: journal.process(logs[number]), 3) == [True] * 3
        assert row()["status"] == "read"
        assert not WhatsAppWaitingStatus.objects.exists()


def test_marketing_that_was_refused_before_the_message_had_a_row_is_noted(account: WhatsAppAccount) -> None:
    deliver(status("failed", 2, errors=[{"code": 131050, "title": "User has stopped marketing"}]))
    deliver(ECHO)
    assert WhatsAppContactAccount.objects.get(account=account).marketing_opted_out


@pytest.mark.parametrize(
    ("token", "waiting", "foreign"),
    [("", 1, 0), ("cmp:7;rcp:991", 0, 1), ("dmw1.0123456789abcdef0123456789abcdef", 1, 0)],
)
def test_statuses_of_another_system_are_counted_and_not_kept(
    account: WhatsAppAccount, token: str, waiting: int, foreign: int
) -> None:
    deliver(status("read", 1, biz_opaque_callback_data=token))
    assert WhatsAppWaitingStatus.objects.count() == waiting
    log = WhatsAppWebhookLog.objects.get()
    assert (log.unmatched_count, log.foreign_count) == (1, foreign)


def test_a_message_id_that_fits_no_row_is_not_kept(account: WhatsAppAccount) -> None:
    deliver(status("read", 1, id="wamid." + "x" * 300))
    assert not WhatsAppWaitingStatus.objects.exists()


def test_statuses_that_have_waited_too_long_expire(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WAITING_STATUS_DAYS": 2}
    deliver(STATUSES[0])
    WhatsAppWaitingStatus.objects.update(created_at=timezone.now() - timedelta(days=2, hours=1))
    deliver(STATUSES[3])
    assert waiting_statuses.expire() == 1
    assert WhatsAppWaitingStatus.objects.get().status == "delivered"
    deliver(ECHO)
    assert row()["status"] == "delivered"


def test_no_more_wait_than_the_setting_allows_and_the_oldest_go(
    account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WAITING_STATUSES": 3}
    deliver(*(status("read", 1, id=f"wamid.{number}") for number in range(5)))
    assert waiting_statuses.expire() == 2
    left = WhatsAppWaitingStatus.objects.order_by("pk").values_list("message_id", flat=True)
    assert list(left) == ["wamid.2", "wamid.3", "wamid.4"]
    assert waiting_statuses.expire() == 0


def test_a_status_never_waits_for_another_account_s_message(account: WhatsAppAccount) -> None:
    deliver(STATUSES[4])
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2")
    _by_the_host(other)
    assert row()["status"] == "sending"
    assert WhatsAppWaitingStatus.objects.count() == 1


def test_many_statuses_wait_for_few_statements(account: WhatsAppAccount) -> None:
    def statements(count: int, name: str) -> int:
        events = [
            {"id": f"wamid.{name}{number}", "status": "read", "timestamp": str(START)}
            for number in range(count)
        ]
        log = kept(posting.statuses(*events))
        with CaptureQueriesContext(connection) as captured:
            journal.process(log.pk)
        return len(captured)

    statements(1, "first")  # tells also that webhooks came late
    assert statements(40, "a") == statements(4, "b")
