"""Whatever arrives, parsing gives events that can be stored, and never an exception."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_meta_whatsapp.cloud_api.events import (
    Event,
    MessageEvent,
    UnknownEvent,
    Unreadable,
    parse,
    parsing,
)
from django_meta_whatsapp.cloud_api.events.parsing import READERS
from django_meta_whatsapp.cloud_api.events.reading import decoded
from tests.payload_files import load_payload, payload_names

KEYS = [
    "id",
    "from",
    "from_user_id",
    "type",
    "text",
    "body",
    "timestamp",
    "status",
    "statuses",
    "messages",
    "contacts",
    "errors",
    "wa_id",
    "user_id",
    "profile",
    "name",
    "metadata",
    "phone_number_id",
    "context",
    "referral",
    "recipient_id",
    "pricing",
    "category",
    "code",
    "error_data",
    "event",
    "decision",
    "value",
    "user_preferences",
    "message_echoes",
    "message_template_id",
    "new_quality_score",
    "new_category",
    "alert_info",
    "alert_type",
    "ban_info",
    "restriction_info",
    "max_phone_numbers_per_business",
    "interactive",
    "button_reply",
    "media",
    "mime_type",
    "calls",
    "direction",
    "duration",
    "groups",
    "added_participants",
    "history",
    "threads",
    "history_context",
    "state_sync",
    "contact",
    "phone_number",
    "action",
    "flow_id",
    "new_status",
    "configuration_name",
    "payment",
    "transaction",
    "solution_id",
    "system",
    "edit",
    "original_message_id",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["text", "1767000000", "\ud800\x00"]),
)
JSON_VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=25,
)
VALUES = st.dictionaries(st.sampled_from(KEYS), JSON_VALUES, max_size=8)
CHANGES = st.one_of(
    st.fixed_dictionaries(
        {"field": st.sampled_from(sorted(READERS)), "value": st.one_of(VALUES, JSON_VALUES)}
    ),
    JSON_VALUES,
)
ENTRIES = st.one_of(
    st.fixed_dictionaries({"id": JSON_VALUES, "time": JSON_VALUES, "changes": st.lists(CHANGES, max_size=3)}),
    JSON_VALUES,
)
BODIES = st.one_of(st.fixed_dictionaries({"entry": st.lists(ENTRIES, max_size=3)}), JSON_VALUES)


def storable_everywhere(event: Event) -> bool:
    """True when every database takes the event: valid UTF-8, no NUL, strict JSON, an id of at most 200 characters."""
    told = json.dumps([event.raw, str(event)], allow_nan=False, ensure_ascii=False)
    told.encode()
    return "\\u0000" not in told and 0 < len(event.event_id) <= 200


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_no_body_makes_parsing_raise_or_vanish(body: Any) -> None:
    events = parse(body)
    assert all(storable_everywhere(event) for event in events)
    entries = body.get("entry") if isinstance(body, dict) else None
    empty = isinstance(entries, list) and entries and all(_has_no_changes(entry) for entry in entries)
    assert events or empty


def _has_no_changes(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("changes") == []


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_real_body_with_one_damaged_part_still_parses(data: st.DataObject) -> None:
    body = load_payload(data.draw(st.sampled_from(payload_names())))
    part: Any = body["entry"][0]
    for _ in range(data.draw(st.integers(1, 6))):
        steps = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not steps:
            break
        step = data.draw(st.sampled_from(steps))
        if isinstance(part[step], dict | list) and data.draw(st.booleans()):
            part = part[step]
        else:
            part[step] = data.draw(JSON_VALUES)
            break
    assert all(storable_everywhere(event) for event in parse(body))


def in_value(**value: Any) -> dict[str, Any]:
    return {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"entry": []}, {"entry": {}}, {"entry": [None]}])
def test_a_body_that_is_none_becomes_one_unreadable_event(body: Any) -> None:
    (event,) = parse(body)
    assert isinstance(event, Unreadable)


def test_a_value_without_anything_known_is_kept_as_unknown() -> None:
    (event,) = parse(in_value(standby=[{"id": "x"}]))
    assert isinstance(event, UnknownEvent)
    assert event.raw == {"standby": [{"id": "x"}]}


def test_texts_lose_what_a_database_refuses() -> None:
    (event,) = parse(
        in_value(messages=[{"id": "m\x00", "type": "text", "text": {"body": "a\x00b\ud83d c😀"}}])
    )
    assert isinstance(event, MessageEvent)
    assert (event.message_id, event.text) == ("m", "ab\ufffd c😀")


def test_what_is_nested_without_end_is_cut_and_its_neighbours_are_read() -> None:
    deep: Any = "bottom"
    for _ in range(900):
        deep = [deep]
    message = {"id": "m1", "type": "text", "text": {"body": "fine"}}
    events = parse(in_value(messages=[{"id": "m0", "type": "text", "text": {"body": deep}}, message]))
    assert [event.event_id for event in events] == ["message:m0", "message:m1"]


@pytest.mark.parametrize(
    "epoch", ["0", "-5", "nan", "", "1e9", 10**30, 253402300800, True, None, [], float("inf"), "9" * 5000]
)
def test_an_absurd_time_is_none(epoch: Any) -> None:
    (event,) = parse(in_value(messages=[{"id": "m1", "type": "text", "timestamp": epoch}]))
    assert event.timestamp is None


@pytest.mark.parametrize(
    "body",
    [
        {"entry": [0] * 50},
        {"entry": [{"id": "1", "changes": [0] * 50}]},
        in_value(statuses=[0] * 50),
        {"entry": [{"id": "1", "changes": [{"field": "new", "value": {"n": each}} for each in range(50)]}]},
    ],
    ids=["entries", "changes", "parts", "unknown"],
)
def test_of_a_body_with_parts_without_end_the_first_are_read_and_the_rest_is_told(
    body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(parse(body)) == 50
    monkeypatch.setattr(parsing, "MOST", 20)
    told, *events = parse(body)
    assert len(events) == 20
    assert isinstance(told, Unreadable)
    assert "more than 20 parts" in told.reason


@pytest.mark.parametrize(
    "body",
    [
        {"entry": [0] * 300_000},
        in_value(statuses=[0] * 500_000),
        in_value(contacts=[{}] * 400_000, messages=[{"id": "1", "from": "2"}] * 2000),
    ],
    ids=["entries", "parts", "contacts"],
)
def test_work_for_one_body_is_bounded(body: Any) -> None:
    started = time.process_time()
    assert len(parse(body)) in (2000, parsing.MOST + 1)
    assert time.process_time() - started < 5


def test_a_number_without_end_harms_only_the_part_that_needs_it() -> None:
    body = json.dumps(in_value(x=7, messages=[{"id": 8}, {"id": "m"}])).encode()
    long = body.replace(b"7", b"7" * 5000).replace(b"8", b"-" + b"8" * 5000)
    bad, good = parse(decoded(long))
    assert (type(bad), type(good), good.event_id) == (Unreadable, MessageEvent, "message:m")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a": 1e}', b"9" * 5000 + b"x"], ids=["none", "cut", "byte", "1e", "long"]
)
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        decoded(body)


@pytest.mark.parametrize("epoch", [1767000000, "1767000000", 1767000000.0])
def test_a_time_may_be_a_number_or_a_text(epoch: Any) -> None:
    (event,) = parse(in_value(messages=[{"id": "m1", "type": "text", "timestamp": epoch}]))
    assert event.timestamp is not None
    assert event.timestamp.isoformat() == "2025-12-29T09:20:00+00:00"


def test_an_id_that_is_too_long_is_hashed() -> None:
    (event,) = parse(in_value(messages=[{"id": "wamid." + "x" * 500, "type": "text"}]))
    assert len(event.event_id) <= 200
    (other,) = parse(in_value(messages=[{"id": "wamid." + "x" * 501, "type": "text"}]))
    assert event.event_id != other.event_id


def test_an_error_code_that_is_no_number_is_none() -> None:
    error = {"code": "twelve", "title": "?"}
    (event,) = parse(in_value(messages=[{"id": "m1", "type": "unsupported", "errors": [error]}]))
    assert isinstance(event, MessageEvent)
    assert [each.code for each in event.errors] == [None]
