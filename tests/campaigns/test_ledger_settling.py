"""Answers settle rows once, and never against what is known."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    MessageStatus,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import ledger, reconcile, states
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from tests.campaigns.ledger_steps import answer, counts, mark_one, run_out, statuses

pytestmark = pytest.mark.django_db(transaction=True)


def test_settling_twice_changes_nothing(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    settled = answer(mark_one(assignment), AttemptState.ACCEPTED, message_id="wamid.1")
    for _ in range(2):
        ledger.settle(assignment, [settled])
    assert statuses(assignment) == ["accepted"]
    assert counts(assignment) == {"sent": 1}


@pytest.mark.parametrize(
    "late",
    [
        {"state": AttemptState.ACCEPTED, "message_id": "wamid.1"},
        {"state": AttemptState.UNKNOWN},
        {"state": AttemptState.REJECTED, "error_code": 131026},
    ],
)
def test_an_answer_after_the_webhook_undoes_nothing(
    frozen: Callable[..., Assignment], late: dict[str, Any]
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    told = timezone.now() - timedelta(seconds=5)
    # What the status webhook leaves behind: the attempt settled, row and message on a higher rung.
    WhatsAppSendAttempt.objects.update(state="accepted", message_id="wamid.1", answered_at=told)
    WhatsAppCampaignRecipient.objects.update(
        status="delivered",
        message_id="wamid.1",
        accepted_at=told,
        delivered_at=told,
        lease="",
        lease_expires_at=None,
    )
    WhatsAppMessage.objects.update(status="delivered", message_id="wamid.1", accepted_at=told)
    ledger.settle(assignment, [answer(marked, **late)])
    row, message = WhatsAppCampaignRecipient.objects.get(), WhatsAppMessage.objects.get()
    assert (row.status, row.message_id, row.accepted_at, row.error_code) == (
        "delivered",
        "wamid.1",
        told,
        None,
    )
    assert (message.status, message.accepted_at, message.error_code) == ("delivered", told, None)
    assert WhatsAppSendAttempt.objects.get().state == AttemptState.ACCEPTED


def test_an_acceptance_climbs_and_never_lowers_a_row(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    WhatsAppCampaignRecipient.objects.update(status="read", lease="", lease_expires_at=None)
    WhatsAppMessage.objects.update(status="read")
    ledger.settle(assignment, [answer(marked, AttemptState.ACCEPTED, message_id="wamid.1")])
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.message_id) == ("read", "wamid.1")
    assert row.accepted_at
    assert WhatsAppMessage.objects.get().status == "read"


def test_a_rejection_does_not_free_a_row_that_somebody_else_has_taken(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    WhatsAppCampaignRecipient.objects.update(lease="another")
    ledger.settle(
        assignment, [answer(marked, AttemptState.REJECTED, retry_at=timezone.now(), error_code=130429)]
    )
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.lease) == ("sending", "another")
    assert WhatsAppSendAttempt.objects.get().state == AttemptState.REJECTED


def test_a_rejected_row_goes_back_with_its_time_and_reason(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    due = timezone.now() + timedelta(seconds=30)
    rejected = answer(
        marked,
        AttemptState.REJECTED,
        retry_at=due,
        error_code=130429,
        error_class="retry_now",
        error_message="Slower, please",
    )
    ledger.settle(assignment, [rejected])
    row = WhatsAppCampaignRecipient.objects.get()
    assert (row.status, row.not_before, row.attempt_count) == ("pending", due, 1)
    assert (row.error_code, row.error_class, row.error_message) == (130429, "retry_now", "Slower, please")
    assert WhatsAppMessage.objects.get().status == MessageStatus.SENDING
    assert counts(assignment) == {}


def test_a_refusal_that_comes_after_the_end_opens_the_campaign_again(
    frozen: Callable[..., Assignment],
) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    assert states.finish(assignment.campaign_id)
    ledger.settle(assignment, [answer(marked, AttemptState.REJECTED, retry_at=clock.now())])
    assert statuses(assignment) == ["pending"]
    assert states.is_running(assignment.campaign_id)
    again = mark_one(assignment)
    ledger.settle(assignment, [answer(again, AttemptState.ACCEPTED, message_id="wamid.2")])
    assert states.finish(assignment.campaign_id)
    assert counts(assignment) == {"sent": 1}


def test_a_cancelled_campaign_stays_so_whatever_comes_late(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    marked = mark_one(assignment)
    run_out(assignment)
    reconcile.expire_leases()
    WhatsAppCampaign.objects.update(status="cancelled")
    ledger.settle(assignment, [answer(marked, AttemptState.REJECTED, retry_at=clock.now())])
    assert WhatsAppCampaign.objects.get().status == "cancelled"


def test_a_second_attempt_uses_the_same_message_and_another_token(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    first = mark_one(assignment)
    ledger.settle(assignment, [answer(first, AttemptState.REJECTED, retry_at=clock.now())])
    second = mark_one(assignment)
    assert second.attempts == 2
    assert second.token != first.token
    ledger.settle(assignment, [answer(second, AttemptState.ACCEPTED, message_id="wamid.2")])
    message = WhatsAppMessage.objects.get()
    assert (message.status, message.message_id, message.attempts.count()) == ("accepted", "wamid.2", 2)


def test_an_unknown_row_is_never_claimed(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=1)
    ledger.settle(assignment, [answer(mark_one(assignment), AttemptState.UNKNOWN, error_message="no answer")])
    assert statuses(assignment) == ["unknown"]
    with clock.moved(timedelta(days=30)):
        assert ledger.claim(assignment, 9).taken == 0


def test_a_mixed_batch_settles_each_row_by_its_own_answer(frozen: Callable[..., Assignment]) -> None:
    assignment = frozen(people=5)
    marked = ledger.mark(assignment, ledger.claim(assignment, 5).ready)
    at = timezone.now()
    states_given: list[dict[str, Any]] = [
        {"state": AttemptState.ACCEPTED, "message_id": "wamid.0"},
        {"state": AttemptState.REJECTED, "error_code": 131026, "error_class": "recipient"},
        {"state": AttemptState.NOT_SENT, "retry_at": at},
        {"state": AttemptState.UNKNOWN},
        {"state": AttemptState.ACCEPTED, "message_id": "wamid.4"},
    ]
    ledger.settle(
        assignment, [answer(item, **given) for item, given in zip(marked, states_given, strict=True)]
    )
    assert statuses(assignment) == ["accepted", "failed", "pending", "unknown", "accepted"]
    ids = WhatsAppCampaignRecipient.objects.order_by("pk").values_list("message_id", flat=True)
    assert list(ids) == ["wamid.0", None, None, None, "wamid.4"]
    messages = WhatsAppMessage.objects.order_by("phone_number").values_list("status", "message_id")
    assert list(messages) == [
        ("accepted", "wamid.0"),
        ("failed", None),
        ("sending", None),
        ("unknown", None),
        ("accepted", "wamid.4"),
    ]
    assert counts(assignment) == {"sent": 2, "failed": 1, "unknown": 1}
    assert WhatsAppCampaignRecipient.objects.get(status="pending").attempt_count == 0
