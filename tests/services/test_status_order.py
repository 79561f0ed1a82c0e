"""What Meta tells about our messages: any order, repetition and batching of it ends in the same rows."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_meta_whatsapp.cloud_api.events import StatusEvent
from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.bulk import settling
from django_meta_whatsapp.models.ladder import RANK
from django_meta_whatsapp.services.campaigns import tally
from django_meta_whatsapp.services.transactions import in_transaction
from tests.services.sent_messages import Sent, apply, at
from tests.services.threads import at_once

pytestmark = pytest.mark.django_db

FIELDS = [
    "status",
    "message_id",
    "accepted_at",
    "sent_at",
    "delivered_at",
    "read_at",
    "played_at",
    "failed_at",
    "error_code",
    "error_message",
]


def fields(row: WhatsAppMessage | WhatsAppCampaignRecipient) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


def expected(sent: Sent, events: Sequence[StatusEvent]) -> dict[str, Any]:
    """The rows as the rule says, worked out the long way."""
    times: dict[str, datetime] = {}
    for event in events:
        assert event.timestamp is not None
        times[event.status] = min(times.get(event.status, event.timestamp), event.timestamp)
    failures = sorted((event.timestamp, event.errors[0].code) for event in events if event.errors)  # type: ignore[type-var]
    return {
        "status": max(times, key=lambda status: RANK[status]),
        "message_id": sent.wamid,
        "accepted_at": min(times.values()),
        **{f"{name}_at": times.get(name) for name in ("sent", "delivered", "read", "played", "failed")},
        "error_code": failures[0][1] if failures else None,
        "error_message": f"Error {failures[0][1]}" if failures else "",
    }


SEEN = st.lists(
    st.tuples(st.sampled_from(["sent", "delivered", "read", "played", "failed"]), st.integers(0, 4)),
    min_size=1,
    max_size=6,
    unique=True,
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[str, int]], list[list[tuple[str, int]]]]:
    """What happened, and how it came: shuffled, some of it twice, cut into batches."""
    seen = draw(SEEN)
    again = draw(st.lists(st.sampled_from(seen), max_size=4))
    order = draw(st.permutations([*seen, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    edges = [0, *cuts, len(order)]
    return seen, [list(order[start:end]) for start, end in itertools.pairwise(edges) if start < end]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_any_order_repetition_and_batching_gives_the_same_rows(
    account: WhatsAppAccount,
    campaign: WhatsAppCampaign,
    history: tuple[list[tuple[str, int]], list[list[tuple[str, int]]]],
) -> None:
    seen, batches = history
    sent = Sent(account, campaign)

    def event(status: str, second: int) -> StatusEvent:
        return sent.event(status, second, code=131000 + second if status == "failed" else None)

    for batch in batches:
        apply(account, *(event(*each) for each in batch))
    wanted = expected(sent, [event(*each) for each in seen])
    assert fields(sent.row()) == wanted
    assert fields(sent.recipient_row()) == wanted
    assert (sent.attempt_row().state, sent.attempt.message_id) == (AttemptState.ACCEPTED, sent.wamid)
    assert (sent.recipient_row().lease, sent.recipient_row().lease_expires_at) == ("", None)
    assert_tallies_agree(campaign)


def assert_tallies_agree(campaign: WhatsAppCampaign) -> None:
    campaign.refresh_from_db()
    names = ("sent_count", "delivered_count", "read_count", "failed_count", "unknown_count")
    counted = [getattr(campaign, name) for name in names]
    # What was never counted while these rows were made by hand, is no difference.
    tally.recount(campaign)
    assert counted == [getattr(campaign, name) for name in names]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=SEEN, answer=st.integers(0, 6), data=st.data())
def test_the_answer_to_the_send_may_come_at_any_point(
    account: WhatsAppAccount, seen: list[tuple[str, int]], answer: int, data: st.DataObject
) -> None:
    order: list[tuple[str, int] | None] = list(data.draw(st.permutations(seen)))
    order.insert(min(answer, len(order)), None)
    sent = Sent(account)
    for step in order:
        if step is None:
            sent.answered()
        else:
            apply(account, sent.event(*step, code=131000 + step[1] if step[0] == "failed" else None))
    events = [sent.event(*each, code=131000 + each[1] if each[0] == "failed" else None) for each in seen]
    wanted = expected(sent, events)
    assert fields(sent.row()) == wanted | {"accepted_at": sent.message.accepted_at}
    assert sent.attempt_row().state == AttemptState.ACCEPTED


def test_a_late_sent_status_never_undoes_delivered(account: WhatsAppAccount) -> None:
    sent = Sent(account)
    apply(account, sent.event("delivered", 5))
    apply(account, sent.event("sent", 1))
    assert (sent.row().status, sent.row().sent_at, sent.row().delivered_at) == ("delivered", at(1), at(5))


def test_failed_and_then_delivered_is_delivered_and_keeps_what_failed(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = Sent(account, campaign)
    apply(account, sent.event("failed", 3, code=131026))
    assert (sent.row().status, sent.recipient_row().status) == ("failed", "failed")
    assert sent.recipient_row().error_class == "recipient"
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.failed_count, campaign.delivered_count) == (1, 1, 0)
    apply(account, sent.event("delivered", 9))
    for row in (sent.row(), sent.recipient_row()):
        assert (row.status, row.error_code, row.error_message) == ("delivered", 131026, "Error 131026")
        assert (row.failed_at, row.delivered_at) == (at(3), at(9))
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.failed_count, campaign.delivered_count) == (1, 0, 1)


def test_a_status_that_comes_before_the_campaign_s_settling_stays(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = Sent(account, campaign)
    apply(account, sent.event("delivered", 4))
    answer = settling.Answer(
        sent.attempt.token, "mine", AttemptState.ACCEPTED, timezone.now(), message_id=sent.wamid
    )
    in_transaction(lambda: tally.apply(settling.settle([answer])))
    assert (sent.row().status, sent.recipient_row().status) == ("delivered", "delivered")
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.delivered_count) == (1, 1)


def pricing(category: str) -> dict[str, Any]:
    return {"pricing": {"pricing_model": "PMP", "type": "regular", "category": category, "billable": True}}


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_the_price_is_that_of_the_highest_rung_that_has_one(
    account: WhatsAppAccount, order: tuple[str, ...]
) -> None:
    sent = Sent(account)
    priced = {"sent": pricing("utility"), "delivered": pricing("marketing"), "read": {}}
    for status in order:
        apply(account, sent.event(status, **priced[status]))
    assert sent.row().pricing == {
        "status": "delivered",
        "pricing_model": "PMP",
        "type": "regular",
        "category": "marketing",
        "billable": True,
    }


def test_a_repetition_writes_nothing(account: WhatsAppAccount, campaign: WhatsAppCampaign) -> None:
    sent = Sent(account, campaign)
    events = [sent.event("sent", 1), sent.event("delivered", 2)]
    apply(account, *events)
    with CaptureQueriesContext(connection) as captured:
        apply(account, *events)
    written = [query["sql"] for query in captured if query["sql"].startswith(("INSERT", "UPDATE"))]
    # SQLite locks with an update of no row.
    assert [sql for sql in written if '"id" = 0' not in sql] == []


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_lower_no_row_and_count_once(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = [Sent(account, campaign) for _ in range(5)]
    steps = ["sent", "delivered", "read", "sent", "delivered", "read"]

    def write(number: int) -> None:
        ordered = sent if number % 2 else sent[::-1]
        apply(account, *(each.event(steps[number], RANK[steps[number]]) for each in ordered))

    assert at_once(write, len(steps)) == [None] * len(steps)
    assert {(each.row().status, each.recipient_row().status) for each in sent} == {("read", "read")}
    assert {each.row().sent_at for each in sent} == {at(RANK["sent"])}
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.delivered_count, campaign.read_count) == (5, 5, 5)
