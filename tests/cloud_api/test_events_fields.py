"""Webhook bodies of the rarer fields: calls, groups, flows, history, the app's contacts, payments, usernames, solutions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import events
from django_meta_whatsapp.cloud_api.events import parse
from tests.payload_files import load_payload, payload_names

MAYA = "15550001111"
EXPECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "calls__connect_by_user": (
        "CallEvent",
        {
            "call_id": "wacid.CALL_1",
            "event": "connect",
            "user": MAYA,
            "is_by_user": True,
            "profile_name": "Maya",
        },
    ),
    "calls__connect_by_business": ("CallEvent", {"user": MAYA, "is_by_user": False}),
    "calls__terminate_completed": (
        "CallEvent",
        {
            "event": "terminate",
            "status": "COMPLETED",
            "duration": 120,
            "ended_at": datetime.fromtimestamp(1767000330, UTC),
        },
    ),
    "calls__terminate_failed": (
        "CallEvent",
        {"status": "FAILED", "callback_data": "callback-77", "duration": None},
    ),
    "calls__status_ringing": (
        "CallStatusEvent",
        {
            "call_id": "wacid.CALL_2",
            "status": "RINGING",
            "recipient_id": MAYA,
            "callback_data": "callback-77",
        },
    ),
    "group_lifecycle_update__created": (
        "GroupEvent",
        {
            "type": "group_create",
            "group_id": "120363000000000001",
            "request_id": "req-1",
            "subject": "Spring orders",
        },
    ),
    "group_lifecycle_update__not_created": ("GroupEvent", {"type": "group_create", "group_id": ""}),
    "group_participants_update__removed": (
        "GroupEvent",
        {"removed": [{"wa_id": "15550002222"}], "added": []},
    ),
    "group_status_update__suspended": ("GroupEvent", {"type": "group_suspend"}),
    "flows__throttled": ("FlowStatusEvent", {"status": "THROTTLED", "previous_status": "PUBLISHED"}),
    "flows__endpoint_latency": (
        "FlowAlertEvent",
        {"flow_id": "3330001", "alert": "ENDPOINT_LATENCY", "state": "ACTIVATED", "errors": []},
    ),
    "flows__client_error_rate": (
        "FlowAlertEvent",
        {
            "state": "DEACTIVATED",
            "errors": [{"error_type": "INVALID_SCREEN_TRANSITION", "error_rate": 100, "error_count": 3}],
        },
    ),
    "flows__version_expires": ("UnknownEvent", {"field": "flows"}),
    "history__refused": ("HistoryProgressEvent", {"phase": "", "progress": ""}),
    "smb_app_state_sync__added": (
        "AppContactEvent",
        {"action": "add", "phone_number": MAYA, "full_name": "Maya King", "first_name": "Maya"},
    ),
    "payment_configuration_update__active": (
        "PaymentConfigurationEvent",
        {"configuration_name": "main-upi", "status": "Active", "provider_name": "razorpay"},
    ),
    "messages__status_payment_failed": (
        "PaymentStatusEvent",
        {"status": "failed", "reference_id": "order-77", "recipient_id": MAYA},
    ),
    "partner_solutions__updated": (
        "PartnerSolutionEvent",
        {"event": "SOLUTION_UPDATED", "status": "ACTIVE", "entry_id": "333000333000333"},
    ),
    "business_username_update__approved": (
        "UsernameEvent",
        {"username": "sample.shop", "status": "approved"},
    ),
    "account_update__partner_removed": (
        "AccountUpdateEvent",
        {"disconnection": {"reason": "PRIMARY_INACTIVITY", "initiated_by": "USER"}},
    ),
    "account_update__primary_location": ("AccountUpdateEvent", {"country": "IN"}),
    "messages__edited": ("MessageEvent", {"type": "edit", "context_id": "wamid.IN_TEXT"}),
    "messages__user_id_changed": (
        "MessageEvent",
        {"sender": "", "sender_user_id": "US.13491208655302741918"},
    ),
    "standby__message": ("UnknownEvent", {"phone_number_id": "222000222000222"}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_event_says_what_meta_said(name: str) -> None:
    (event,) = parse(load_payload(name))
    kind, values = EXPECTED[name]
    assert type(event).__name__ == kind
    assert {key: getattr(event, key) for key in values} == values
    assert event.timestamp is not None or kind in ("UnknownEvent", "HistoryProgressEvent")


def test_a_refused_history_says_why() -> None:
    (event,) = parse(load_payload("history__refused"))
    assert isinstance(event, events.HistoryProgressEvent)
    assert [error.code for error in event.errors] == [2593109]


def test_history_tells_who_wrote_and_how_far_it_got() -> None:
    first, second, third, progress = parse(load_payload("history__chunk"))
    assert isinstance(first, events.HistoryMessageEvent)
    assert isinstance(second, events.HistoryMessageEvent)
    assert isinstance(third, events.HistoryMessageEvent)
    assert isinstance(progress, events.HistoryProgressEvent)
    assert [(each.sender, each.is_ours, each.status) for each in (first, second, third)] == [
        (MAYA, False, "READ"),
        (MAYA, True, "DELIVERED"),
        ("15550005555", False, "READ"),
    ]
    assert (progress.phase, progress.chunk_order, progress.progress) == ("0", "1", "55")


LISTS = [
    ("calls__connect_by_user", "calls"),
    ("calls__status_ringing", "statuses"),
    ("group_lifecycle_update__created", "groups"),
    ("smb_app_state_sync__added", "state_sync"),
    ("smb_message_echoes__text", "message_echoes"),
    ("history__chunk", "history"),
]


@pytest.mark.parametrize(("name", "key"), LISTS)
def test_a_bad_part_never_takes_the_good_ones_with_it(name: str, key: str) -> None:
    good = [event.event_id for event in parse(load_payload(name))]
    body = load_payload(name)
    parts = body["entry"][0]["changes"][0]["value"][key]
    parts[:] = [None, "nonsense", *parts, 7]
    found = parse(body)
    assert [event.event_id for event in found if not isinstance(event, events.Unreadable)] == good
    assert sum(isinstance(event, events.Unreadable) for event in found) == 3


@pytest.mark.parametrize("name", [*EXPECTED, "history__chunk"])
def test_an_event_keeps_its_id_and_two_events_never_share_one(name: str) -> None:
    ids = [event.event_id for event in parse(load_payload(name))]
    assert [event.event_id for event in parse(load_payload(name))] == ids
    others = {
        event.event_id for other in payload_names() if other != name for event in parse(load_payload(other))
    }
    assert len(set(ids)) == len(ids)
    assert not others & set(ids)
