"""What a status says beside its rung, why it failed and when it came, and how a climb is announced."""

from typing import Any

import pytest

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContactAccount,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.ladder import RANK
from django_meta_whatsapp.services.transactions import in_transaction
from tests.services.sent_messages import Sent, apply, at
from tests.webhooks.journal_rows import listening

pytestmark = pytest.mark.django_db


def test_the_details_of_a_failure_are_kept(account: WhatsAppAccount) -> None:
    sent = Sent(account)
    error = {"code": 131049, "title": "Not delivered", "error_data": {"details": "Healthy ecosystem."}}
    apply(account, sent.event("failed", errors=[error]))
    assert sent.row().error_message == "Not delivered: Healthy ecosystem."
    apply(account, sent.event("failed", 0, errors=[]))
    assert sent.row().status == "failed"


def test_a_status_without_a_time_gets_the_time_of_its_arrival(account: WhatsAppAccount) -> None:
    sent = Sent(account)
    apply(account, sent.event("sent", timestamp="soon"))
    assert sent.row().sent_at == at(999)


def test_stopped_marketing_marks_the_person_for_this_number(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent, other = Sent(account, campaign), Sent(account, campaign)
    apply(account, sent.event("failed", 6, code=131050), other.event("failed", 6, code=131049))
    row = WhatsAppContactAccount.objects.get()
    assert (row.contact, row.account) == (sent.contact, account)
    assert (row.marketing_opted_out, row.marketing_changed_at) == (True, at(6))
    sent.contact.refresh_from_db()
    assert not sent.contact.opted_out


class Heard:
    """What the two signals of outbound messages brought."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.sent: list[str] = []

    def on_change(self, message: WhatsAppMessage, status: str, event_id: str, **kwargs: Any) -> None:
        assert RANK[message.status] >= RANK[status]
        self.changes.append((status, event_id))

    def on_sent(self, event_id: str, **kwargs: Any) -> None:
        self.sent.append(event_id)


@pytest.fixture
def heard() -> Any:
    listener = Heard()
    signals.whatsapp_message_status_changed.connect(listener.on_change)
    signals.whatsapp_message_sent.connect(listener.on_sent)
    yield listener
    signals.whatsapp_message_status_changed.disconnect(listener.on_change)
    signals.whatsapp_message_sent.disconnect(listener.on_sent)


def test_a_climb_is_announced_once_and_a_repetition_or_a_late_rung_is_not(
    account: WhatsAppAccount, heard: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    sent = Sent(account)
    with django_capture_on_commit_callbacks(execute=True):
        apply(account, sent.event("delivered", 2), sent.event("read", 3))
        apply(account, sent.event("read", 3))
        apply(account, sent.event("sent", 1))
    assert heard.changes == [("read", f"status:{sent.wamid}:read:4512345678")]
    assert heard.sent == [f"sent:{sent.wamid}"]


def test_a_second_try_announces_each_of_its_events_and_the_acceptance_again(
    account: WhatsAppAccount, heard: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    sent = Sent(account)
    apply(account, sent.event("sent"), sent.event("read"))
    with django_capture_on_commit_callbacks(execute=True):
        apply(account, sent.event("sent"), sent.event("read"), sent.event("read"), again=True)
    assert [status for status, _ in heard.changes] == ["sent", "read"]
    assert heard.sent == [f"sent:{sent.wamid}"]


def test_what_was_committed_without_its_signal_is_announced_though_the_message_has_climbed_since(
    account: WhatsAppAccount, heard: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    sent = Sent(account)
    apply(account, sent.event("delivered", 2))
    with django_capture_on_commit_callbacks(execute=True):
        apply(account, sent.event("read", 3))
        apply(account, sent.event("delivered", 2), again=True)
    assert [status for status, _ in heard.changes] == ["read", "delivered"]
    assert heard.sent == [f"sent:{sent.wamid}"]


def test_what_is_rolled_back_is_not_announced(
    account: WhatsAppAccount, heard: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    sent = Sent(account)

    def fail() -> None:
        apply(account, sent.event("sent"))
        raise ValueError("undone")

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ValueError, match="undone"):
        in_transaction(fail)
    assert heard.changes == []
    assert sent.row().status == "sending"


def test_a_status_that_we_do_not_know_changes_nothing_and_is_told_of(
    account: WhatsAppAccount, django_capture_on_commit_callbacks: Any
) -> None:
    sent = Sent(account)
    with listening(signals.whatsapp_event_received) as told, django_capture_on_commit_callbacks(execute=True):
        delivery = apply(account, sent.event("held", 2), sent.event("sent", 1))
    assert told == [f"status:{sent.wamid}:held:4512345678"]
    assert (sent.row().status, delivery.unknown) == ("sent", 1)
