"""What statuses write, column by column: on attempts, recipients and messages, and on no row but those they are about."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_meta_whatsapp.models import WhatsAppMessage, WhatsAppSendAttempt
from django_meta_whatsapp.models.bulk import ladder
from django_meta_whatsapp.models.bulk.ladder import Attempt, Climb, Rung
from django_meta_whatsapp.models.bulk.moves import Move
from tests.campaigns.stored import Line, key, written
from tests.models import rows

pytestmark = pytest.mark.django_db


def at(second: int) -> datetime:
    return datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=second)


def rung(status: str, second: int = 0, wamid: str = "wamid.1", **fields: Any) -> Rung:
    return Rung(wamid, status, at(second), **fields)


def failure(second: int, code: int, message: str) -> Rung:
    return rung("failed", second, error_code=code, error_class=f"class {code}", error_message=message)


@pytest.fixture(autouse=True)
def somebody_elses() -> None:
    rows.account()
    for status in ("sending", "sent"):
        Line(status, lease="theirs")


NO_ERROR = {"error_code": None, "error_class": "", "error_message": ""}
FREE = {"lease": "", "lease_expires_at": None, "not_before": None}


# --- finding rows


def test_attempts_are_found_by_token_within_their_account() -> None:
    under_way, accepted, foreign = Line("sending"), Line("sent", attempt="accepted"), Line("sending")
    alone = rows.message(under_way.message.conversation)
    bare = WhatsAppSendAttempt.objects.create(
        token="bare", account=under_way.message.account, chat_message=alone
    )
    WhatsAppSendAttempt.objects.filter(pk=accepted.attempt.pk).update(account=under_way.message.account)
    asked = [under_way.attempt.token, accepted.attempt.token, foreign.attempt.token, "bare", "nobody's"]
    assert ladder.attempts_by_token(under_way.message.account_id, asked) == {
        under_way.attempt.token: Attempt(
            under_way.attempt.pk, under_way.message.pk, under_way.row.pk, settled=False
        ),
        accepted.attempt.token: Attempt(
            accepted.attempt.pk, accepted.message.pk, accepted.row.pk, settled=True
        ),
        "bare": Attempt(bare.pk, alone.pk, None, settled=False),
    }
    assert set(ladder.attempts_by_token(under_way.message.account_id, ["bare"])) == {"bare"}


def test_messages_are_found_by_the_ids_asked_for_within_their_account_and_outbound() -> None:
    thread = rows.conversation()
    ours = {wamid: rows.message(thread, message_id=wamid).pk for wamid in ("one", "two", "not asked for")}
    rows.message(thread)
    rows.message(thread, message_id="in", direction="inbound", status="received")
    rows.message(message_id="foreign")
    found = ladder.message_keys(thread.account_id, ["one", "two", "in", "foreign", "nobody's"])
    assert found == {"one": ours["one"], "two": ours["two"]}


# --- attempts


@pytest.mark.parametrize("state", ["sending", "unknown", "rejected", "not_sent"])
def test_a_status_settles_an_attempt_at_its_earliest_time_and_clears_the_error(state: str) -> None:
    line = Line("sending", attempt=state)
    WhatsAppSendAttempt.objects.filter(pk=line.attempt.pk).update(
        error_code=5, error_class="old", error_message="Old trouble", answered_at=at(50)
    )
    with written() as changes:
        ladder.accept({line.attempt.pk: [rung("read", 9), rung("sent", 3), rung("delivered", 5)]})
    assert changes == {
        key(line.attempt): {
            "state": "accepted",
            "message_id": "wamid.1",
            "answered_at": at(3),
            **NO_ERROR,
        }
    }


def test_an_accepted_attempt_stays_as_it_is_beside_others_that_are_settled() -> None:
    known, open_one = Line("sent", attempt="accepted"), Line("sending")
    WhatsAppSendAttempt.objects.filter(pk=known.attempt.pk).update(message_id="wamid.0", answered_at=at(7))
    with written() as changes:
        ladder.accept({line.attempt.pk: [rung("sent", 1)] for line in (known, open_one)})
    assert set(changes) == {key(open_one.attempt)}
    with written() as changes:
        ladder.accept({})
    assert changes == {}


# --- recipients


@pytest.mark.parametrize("status", ["pending", "leased", "sending", "unknown"])
def test_a_status_lifts_a_recipient_out_of_every_claim_wait_and_error(status: str) -> None:
    line = Line(status, lease="theirs" if status in ("leased", "sending") else "")
    with written() as changes:
        moves = ladder.climb_recipients({line.row.pk: [rung("delivered", 4), rung("sent", 2)]}, {})
    assert moves == [Move(line.row.campaign_id, status, "delivered", newly_accepted=True)]
    held = FREE if line.row.lease else {"not_before": None}
    assert changes == {
        key(line.row): {
            "status": "delivered",
            "message_id": "wamid.1",
            "accepted_at": at(2),
            "sent_at": at(2),
            "delivered_at": at(4),
            **NO_ERROR,
            **held,
        }
    }


def test_recipients_are_found_by_their_own_key_before_their_messages() -> None:
    by_key, by_message, both = Line("sending"), Line("sending"), Line("sending")
    with written() as changes:
        moves = ladder.climb_recipients(
            {by_key.row.pk: [rung("sent", 1)], both.row.pk: [rung("read", 3)]},
            {line.message.pk: [rung("delivered", 2)] for line in (by_message, both)},
        )
    assert {changes[key(line.row)]["status"] for line in (by_key,)} == {"sent"}
    assert [changes[key(line.row)]["status"] for line in (by_key, by_message, both)] == [
        "sent",
        "delivered",
        "read",
    ]
    assert moves == [
        Move(line.row.campaign_id, "sending", after, newly_accepted=True)
        for line, after in ((by_key, "sent"), (by_message, "delivered"), (both, "read"))
    ]
    assert set(changes) == {key(line.row) for line in (by_key, by_message, both)}


def test_a_skipped_recipient_climbs_from_the_ground_and_is_explained_no_more() -> None:
    skipped = Line("skipped", lease="", skip_reason="blocked", not_before=None)
    other = Line("skipped", lease="", skip_reason="blocked")
    line = Line("sent", lease="", accepted_at=at(0), sent_at=at(0), message_id="wamid.0", not_before=None)
    with written() as changes:
        moves = ladder.climb_recipients({row.row.pk: [rung("read", 3)] for row in (skipped, line)}, {})
    assert moves == [
        Move(skipped.row.campaign_id, "skipped", "read", newly_accepted=True),
        Move(line.row.campaign_id, "sent", "read", newly_accepted=False),
    ]
    read = {"status": "read", "read_at": at(3), **NO_ERROR}
    new = {"skip_reason": "", "message_id": "wamid.1", "accepted_at": at(3)}
    assert changes == {key(skipped.row): read | new, key(line.row): read}
    other.row.refresh_from_db()
    assert other.row.skip_reason == "blocked"


def test_what_a_recipient_says_already_is_no_move() -> None:
    line = Line("sending")
    told = {line.row.pk: [rung("failed", 1, error_code=131026, error_class="recipient", error_message="No")]}
    assert len(ladder.climb_recipients(told, {})) == 1
    with written() as changes:
        assert ladder.climb_recipients(told, {}) == []
    assert changes == {}


# --- messages


def test_a_message_that_climbs_is_told_of_and_so_is_one_that_was_there() -> None:
    line, there = Line("sending", chat="unknown"), Line("read", lease="")
    WhatsAppMessage.objects.filter(pk=there.message.pk).update(
        status="read", message_id="wamid.2", accepted_at=at(0), sent_at=at(0), read_at=at(0)
    )
    WhatsAppMessage.objects.filter(pk=line.message.pk).update(error_code=1, error_message="Old trouble")
    with written() as changes:
        climbs = ladder.climb_messages(
            {line.message.pk: [rung("sent", 1)], there.message.pk: [rung("sent", 5, "wamid.2")]}
        )
    assert climbs == [
        Climb(line.message.pk, "wamid.1", "unknown", "sent", newly_accepted=True),
        Climb(there.message.pk, "wamid.2", "read", "read", newly_accepted=False),
    ]
    assert changes == {
        key(line.message): {
            "status": "sent",
            "message_id": "wamid.1",
            "accepted_at": at(1),
            "sent_at": at(1),
            "error_code": None,
            "error_message": "",
        }
    }


def test_the_id_and_the_first_times_stay_when_an_earlier_or_later_rung_comes() -> None:
    line = Line("sending")
    ladder.climb_messages({line.message.pk: [rung("sent", 5)]})
    with written() as changes:
        ladder.climb_messages({line.message.pk: [rung("sent", 9, "wamid.other"), rung("delivered", 3)]})
    assert changes == {
        key(line.message): {"status": "delivered", "delivered_at": at(3), "accepted_at": at(3)}
    }
    with written() as changes:
        ladder.climb_messages({line.message.pk: [rung("sent", 1), rung("sent", 2)]})
    assert changes == {key(line.message): {"sent_at": at(1), "accepted_at": at(1)}}


FAILURES = [failure(2, 7, "b"), failure(1, 9, "z"), failure(1, 8, "y"), failure(1, 8, "x")]


@pytest.mark.parametrize("order", list(itertools.permutations(FAILURES)))
@pytest.mark.parametrize("together", [True, False])
def test_the_error_is_that_of_the_earliest_failure_then_the_lowest_code_then_the_first_text(
    order: tuple[Rung, ...], together: bool
) -> None:
    line = Line("sending")
    for batch in [order] if together else [[each] for each in order]:
        ladder.climb_recipients({line.row.pk: batch}, {})
        ladder.climb_messages({line.message.pk: batch})
    line.row.refresh_from_db()
    line.message.refresh_from_db()
    assert (line.row.error_code, line.row.error_class, line.row.error_message) == (8, "class 8", "x")
    assert (line.message.error_code, line.message.error_message) == (8, "x")
    assert line.row.failed_at == line.message.failed_at == at(1)


# --- prices


def price_after(*batches: list[dict[str, Any] | None]) -> Any:
    """What the message's price is, each offered with a rung of its own."""
    line = Line("sending")
    for batch in batches:
        ladder.climb_messages(
            {line.message.pk: [rung("sent", wamid=f"wamid.{line.row.pk}", pricing=each) for each in batch]}
        )
    line.message.refresh_from_db()
    return line.message.pricing


DELIVERED = {"status": "delivered", "category": "utility"}
ACCEPTED = {"status": "accepted", "a": 1}
NAMELESS = {"z": 1}
"""No word of a rung: below all that have one, though its text would come last."""
STRANGE = {"status": "zzz"}
TWO, NINE = {"a": 2, "b": 1, "status": "sent"}, {"b": 9, "a": 1, "status": "sent"}
"""The same rung: the text in the order of the names decides, not that in which Meta wrote them."""


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (DELIVERED, ACCEPTED, DELIVERED),
        (ACCEPTED, NAMELESS, ACCEPTED),
        (ACCEPTED, STRANGE, ACCEPTED),
        (NAMELESS, STRANGE, NAMELESS),
        (TWO, NINE, TWO),
        (DELIVERED, None, DELIVERED),
        (NAMELESS, None, NAMELESS),
        (None, None, None),
    ],
)
def test_one_price_outweighs_another_in_whatever_order_they_come(
    one: dict[str, Any] | None, other: dict[str, Any] | None, kept: dict[str, Any] | None
) -> None:
    assert price_after([one, other]) == price_after([other, one]) == kept
    assert price_after([one], [other]) == price_after([other], [one]) == kept
