"""What may be written once a call has ended, and what may not: rows, messages and attempts, column by column."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import settling
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.models.bulk.settling import Answer
from tests.campaigns.stored import AT, LATER, UNLEASED, Changes, Line, key, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("somebody_elses")]

ACCEPTED, REJECTED = AttemptState.ACCEPTED, AttemptState.REJECTED

NOT_SENT, UNKNOWN = AttemptState.NOT_SENT, AttemptState.UNKNOWN


def answer(line: Line, state: AttemptState, *, lease: str = "mine", **fields: Any) -> Answer:
    return Answer(line.attempt.token, lease, state, **{"at": AT, **fields})


def settled(*answers: Answer) -> tuple[list[Move], Changes]:
    with written() as changes:
        moves = settling.settle(answers)
    return moves, changes


# --- settling


@pytest.mark.parametrize("status", ["sending", "unknown", "leased", "pending", "skipped"])
def test_an_acceptance_is_written_on_recipient_message_and_attempt_whoever_holds_the_row(status: str) -> None:
    skipped = {"skip_reason": "blocked"} if status == "skipped" else {}
    line = Line(status, lease="theirs" if status in ("leased", "sending") else "", chat="unknown", **skipped)
    recipient, message, attempt = line.keys
    moves, changes = settled(answer(line, ACCEPTED, message_id="wamid.1"))
    assert moves == [Move(line.row.campaign_id, status, "accepted", newly_accepted=True)]
    lease = UNLEASED if line.row.lease else {}
    assert changes == {
        recipient: {
            "status": "accepted",
            "message_id": "wamid.1",
            "accepted_at": AT,
            "error_code": None,
            "error_class": "",
            "error_message": "",
            "not_before": None,
            **lease,
            **dict.fromkeys(skipped, ""),
        },
        message: {"status": "accepted", "message_id": "wamid.1", "accepted_at": AT},
        attempt: {"state": "accepted", "message_id": "wamid.1", "answered_at": AT},
    }


def test_an_acceptance_keeps_what_a_webhook_has_told_of_the_row() -> None:
    told: dict[str, Any] = {"message_id": "wamid.told", "accepted_at": AT - timedelta(minutes=1)}
    line = Line("delivered", lease="", **told)
    WhatsAppMessage.objects.filter(pk=line.message.pk).update(status="read", **told)
    moves, changes = settled(answer(line, ACCEPTED, message_id="wamid.answer"))
    assert moves == [Move(line.row.campaign_id, "delivered", "delivered", newly_accepted=False)]
    assert changes == {
        key(line.attempt): {"state": "accepted", "message_id": "wamid.answer", "answered_at": AT}
    }


def test_an_acceptance_fills_the_id_and_time_that_a_higher_row_lacks() -> None:
    line = Line("failed", lease="", chat="failed")
    recipient, message, attempt = line.keys
    moves, changes = settled(answer(line, ACCEPTED, message_id="wamid.1"))
    assert moves == [Move(line.row.campaign_id, "failed", "failed", newly_accepted=True)]
    filled = {"message_id": "wamid.1", "accepted_at": AT}
    assert changes == {
        recipient: filled,
        message: filled,
        attempt: {"state": "accepted", "message_id": "wamid.1", "answered_at": AT},
    }


def test_a_rejection_for_good_fails_recipient_and_message_with_the_time_and_the_reason() -> None:
    line = Line("sending")
    recipient, message, attempt = line.keys
    told: dict[str, Any] = {
        "error_code": 131026,
        "error_class": "recipient",
        "error_message": "Cannot get it",
    }
    moves, changes = settled(answer(line, REJECTED, **told))
    assert moves == [Move(line.row.campaign_id, "sending", "failed")]
    assert changes == {
        recipient: {"status": "failed", "failed_at": AT, **told, **UNLEASED},
        message: {
            "status": "failed",
            "failed_at": AT,
            "error_code": 131026,
            "error_message": "Cannot get it",
        },
        attempt: {"state": "rejected", "answered_at": AT, **told},
    }


def test_a_failure_tells_of_the_newest_answer_and_not_of_an_earlier_one_or_of_a_call_under_way() -> None:
    line = Line("sending", chat="unknown")
    WhatsAppSendAttempt.objects.filter(pk=line.attempt.pk).update(
        state="rejected", answered_at=AT - timedelta(hours=1), error_code=130429, error_message="Slower"
    )
    newest = line.attempt = line.tried("sending")
    line.tried("sending")
    moves, changes = settled(answer(line, REJECTED, error_code=131026, error_message="Cannot get it"))
    assert moves == [Move(line.row.campaign_id, "sending", "failed")]
    told = {"failed_at": AT, "error_code": 131026, "error_message": "Cannot get it", "status": "failed"}
    assert changes[key(line.row)] == {**told, "error_class": "", **UNLEASED}
    assert changes[key(line.message)] == told
    assert set(changes) == {key(line.row), key(line.message), key(newest)}


def test_a_rejection_that_may_be_tried_again_frees_the_row_and_keeps_its_count() -> None:
    line = Line("sending", chat="unknown")
    recipient, message, attempt = line.keys
    told: dict[str, Any] = {"error_code": 130429, "error_class": "retry_now", "error_message": "Slower"}
    moves, changes = settled(answer(line, REJECTED, retry_at=LATER, **told))
    assert moves == [Move(line.row.campaign_id, "sending", "pending")]
    assert changes == {
        recipient: {"status": "pending", "not_before": LATER, **told, **UNLEASED},
        message: {"status": "sending"},
        attempt: {"state": "rejected", "answered_at": AT, **told},
    }


def test_a_call_that_never_left_is_no_attempt_and_frees_only_its_own_row_from_the_count() -> None:
    unsent, refused = Line("sending"), Line("unknown", lease="", chat="unknown")
    moves, changes = settled(
        answer(unsent, NOT_SENT, retry_at=LATER, error_message="No way out"),
        answer(refused, REJECTED, retry_at=AT, error_code=130429),
    )
    assert sorted(moves, key=lambda move: move.before) == [
        Move(unsent.row.campaign_id, "sending", "pending"),
        Move(refused.row.campaign_id, "unknown", "pending"),
    ]
    recipient, _, attempt = unsent.keys
    assert changes == {
        recipient: {
            "status": "pending",
            "not_before": LATER,
            "attempt_count": 1,
            "error_code": None,
            "error_class": "",
            "error_message": "No way out",
            **UNLEASED,
        },
        attempt: {"state": "not_sent", "answered_at": AT, "error_message": "No way out"},
        key(refused.row): {
            "status": "pending",
            "not_before": AT,
            "error_code": 130429,
            "error_class": "",
            "error_message": "",
        },
        key(refused.message): {"status": "sending"},
        key(refused.attempt): {"state": "rejected", "answered_at": AT, "error_code": 130429},
    }


def test_an_answer_that_never_came_leaves_the_row_unknown_with_the_reason() -> None:
    line = Line("sending")
    line.tried("rejected")
    line.attempt = line.tried("sending")
    told: dict[str, Any] = {"error_code": 2, "error_class": "network", "error_message": "No answer"}
    moves, changes = settled(answer(line, UNKNOWN, **told))
    assert moves == [Move(line.row.campaign_id, "sending", "unknown")]
    recipient, message, attempt = line.keys
    assert changes == {
        recipient: {"status": "unknown", **told, **UNLEASED},
        message: {"status": "unknown"},
        attempt: {"state": "unknown", "answered_at": AT, **told},
    }


@pytest.mark.parametrize("state", [REJECTED, NOT_SENT, UNKNOWN])
@pytest.mark.parametrize("retry_at", [None, LATER])
@pytest.mark.parametrize(
    ("status", "lease"),
    [
        ("sending", "theirs"),
        ("leased", "theirs"),
        ("leased", "mine"),
        ("pending", ""),
        ("sent", ""),
        ("failed", ""),
    ],
)
def test_an_answer_without_acceptance_is_written_on_the_attempt_alone_when_the_row_is_no_longer_ours(
    state: AttemptState, retry_at: datetime | None, status: str, lease: str
) -> None:
    line = Line(status, lease=lease)
    moves, changes = settled(answer(line, state, retry_at=retry_at, error_code=7))
    assert moves == []
    assert changes == {key(line.attempt): {"state": state, "answered_at": AT, "error_code": 7}}


@pytest.mark.parametrize("state", [REJECTED, NOT_SENT])
@pytest.mark.parametrize("other", ["sending", "unknown"])
def test_an_unknown_row_waits_for_all_its_open_attempts(state: AttemptState, other: str) -> None:
    line = Line("unknown", lease="", chat="unknown", attempt="unknown")
    again = line.tried(other)
    moves, changes = settled(answer(line, state))
    assert (moves, set(changes)) == ([], {key(line.attempt)})
    line.attempt = again
    [move], changes = settled(answer(line, state))
    assert (move.before, move.after) == ("unknown", "failed")
    assert set(changes) == set(line.keys)


def test_an_acceptance_settles_an_unknown_row_whatever_else_is_open() -> None:
    line = Line("unknown", lease="", chat="unknown", attempt="unknown")
    line.tried("unknown")
    [move], _ = settled(answer(line, ACCEPTED, message_id="wamid.1"))
    assert (move.before, move.after) == ("unknown", "accepted")


@pytest.mark.parametrize("state", [ACCEPTED, REJECTED, NOT_SENT])
def test_an_attempt_that_is_settled_stays_so_and_so_does_its_row(state: AttemptState) -> None:
    line = Line("sending", attempt=state)
    for late in (ACCEPTED, REJECTED, UNKNOWN):
        assert settled(answer(line, late, message_id="wamid.9", error_code=9)) == ([], {})


def test_an_attempt_that_belongs_to_no_campaign_is_not_settled_here() -> None:
    line = Line("sending")
    WhatsAppSendAttempt.objects.filter(pk=line.attempt.pk).update(recipient=None)
    assert settled(answer(line, ACCEPTED, message_id="wamid.1")) == ([], {})


def test_a_row_whose_message_was_erased_is_settled_all_the_same() -> None:
    for state in (ACCEPTED, REJECTED, UNKNOWN):
        line = Line("sending", chat_message=None)
        [move], changes = settled(answer(line, state, message_id="wamid.1" if state == ACCEPTED else ""))
        assert move.before == "sending"
        assert set(changes) == {key(line.row), key(line.attempt)}
        WhatsAppCampaignRecipient.objects.filter(pk=line.row.pk).update(message_id=None)
