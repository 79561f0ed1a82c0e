"""Webhook bodies about templates, phone numbers and accounts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import events
from django_meta_whatsapp.cloud_api.events import parse
from tests.payload_files import load_payload

AT = datetime.fromtimestamp(1767000100, UTC)
EXPECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "message_template_status_update__approved": (
        "TemplateStatusEvent",
        {"status": "APPROVED", "reason": "", "category": "UTILITY"},
    ),
    "message_template_status_update__rejected": (
        "TemplateStatusEvent",
        {
            "status": "REJECTED",
            "reason": "INVALID_FORMAT",
            "language": "en_US",
            "explanation": "The body starts with a variable. Put a word in front of it.",
        },
    ),
    "message_template_status_update__paused": (
        "TemplateStatusEvent",
        {
            "status": "PAUSED",
            "reason": "",
            "title": "FIRST_PAUSE",
            "explanation": "Recipients gave negative feedback.",
        },
    ),
    "message_template_status_update__second_pause": (
        "TemplateStatusEvent",
        {
            "timestamp": datetime.fromtimestamp(1767000300, UTC),
            "status": "PAUSED",
            "title": "SECOND_PAUSE",
            "explanation": "Recipients gave negative feedback again.",
        },
    ),
    "message_template_status_update__rate_limiting_pause": (
        "TemplateStatusEvent",
        {"status": "PAUSED", "title": "RATE_LIMITING_PAUSE"},
    ),
    "message_template_status_update__unpaused": (
        "TemplateStatusEvent",
        {"timestamp": datetime.fromtimestamp(1767000200, UTC), "status": "APPROVED", "title": "UNPAUSE"},
    ),
    "phone_number_quality_update__upgrade": (
        "PhoneQualityEvent",
        {"event": "UPGRADE", "messaging_limit": "TIER_10K", "previous_limit": "TIER_1K"},
    ),
    "phone_number_quality_update__downgrade": (
        "PhoneQualityEvent",
        {"event": "DOWNGRADE", "messaging_limit": "TIER_1K", "previous_limit": "TIER_10K"},
    ),
    "phone_number_name_update__deferred": (
        "PhoneNameEvent",
        {"decision": "DEFERRED", "requested_name": "Sample Shop"},
    ),
    "account_review_update__pending": ("AccountReviewEvent", {"decision": "PENDING"}),
    "account_review_update__deferred": ("AccountReviewEvent", {"decision": "DEFERRED"}),
    "account_alerts__badge_rejected": (
        "AccountAlertEvent",
        {
            "alert_type": "OBA_REJECTED",
            "severity": "WARNING",
            "status": "NONE",
            "entity_type": "PHONE_NUMBER",
            "entity_id": "222000222000222",
        },
    ),
    "security__pin_request_success": ("SecurityEvent", {"event": "PIN_REQUEST_SUCCESS"}),
    "business_capability_update__whole_number": (
        "BusinessCapabilityEvent",
        {"messaging_limit": "2000", "max_phone_numbers": 20},
    ),
    "message_template_quality_update__yellow": (
        "TemplateQualityEvent",
        {"quality": "YELLOW", "previous_quality": "GREEN"},
    ),
    "message_template_status_update__quality_under_the_wrong_field": (
        "TemplateQualityEvent",
        {"quality": "RED", "previous_quality": "YELLOW"},
    ),
    "message_template_components_update__edited": (
        "TemplateComponentsEvent",
        {
            "header_text": "Order {{order_id}}",
            "body_text": "Hello {{first_name}}, it left today.",
            "footer_text": "Sample Shop",
        },
    ),
    "template_category_update__announced": (
        "TemplateCategoryEvent",
        {
            "category": "UTILITY",
            "coming_category": "MARKETING",
            "previous_category": "",
            "effective_at": datetime.fromtimestamp(1767086400, UTC),
        },
    ),
    "template_category_update__done": (
        "TemplateCategoryEvent",
        {
            "category": "MARKETING",
            "coming_category": "",
            "previous_category": "UTILITY",
            "effective_at": None,
        },
    ),
    "phone_number_quality_update__throughput_upgrade": (
        "PhoneQualityEvent",
        {
            "event": "THROUGHPUT_UPGRADE",
            "messaging_limit": "TIER_UNLIMITED",
            "display_phone_number": "15550009999",
        },
    ),
    "phone_number_name_update__rejected": (
        "PhoneNameEvent",
        {"decision": "REJECTED", "requested_name": "Best Shop", "rejection_reason": "NAME_EMPLOYEE_ISSUE"},
    ),
    "account_update__restriction": (
        "AccountUpdateEvent",
        {
            "event": "ACCOUNT_RESTRICTION",
            "restrictions": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1767600000}
            ],
        },
    ),
    "account_update__disabled": (
        "AccountUpdateEvent",
        {"ban_state": "DISABLE", "ban_date": "December 29, 2025"},
    ),
    "account_update__violation": ("AccountUpdateEvent", {"violation_type": "SCAM"}),
    "account_review_update__approved": ("AccountReviewEvent", {"decision": "APPROVED"}),
    "account_alerts__profile_picture_lost": (
        "AccountAlertEvent",
        {"alert_type": "PROFILE_PICTURE_LOST", "severity": "WARNING", "entity_type": "PHONE_NUMBER"},
    ),
    "account_alerts__flat": (
        "AccountAlertEvent",
        {"alert_type": "OBA_APPROVED", "status": "NONE", "entity_id": "333000333000333"},
    ),
    "business_capability_update__tier": (
        "BusinessCapabilityEvent",
        {"messaging_limit": "TIER_2K", "max_phone_numbers": 20},
    ),
    "business_capability_update__old_spelling": (
        "BusinessCapabilityEvent",
        {"messaging_limit": "-1", "max_phone_numbers": 2},
    ),
    "security__pin_changed": ("SecurityEvent", {"event": "PIN_CHANGED", "requester": "100000000000077"}),
    "flows__status_change": (
        "FlowStatusEvent",
        {"flow_id": "3330001", "status": "PUBLISHED", "previous_status": "DRAFT"},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_account_event_says_what_meta_said(name: str) -> None:
    (event,) = parse(load_payload(name))
    kind, values = EXPECTED[name]
    assert type(event).__name__ == kind
    assert {key: getattr(event, key) for key in values} == values
    assert (event.entry_id, event.timestamp) == ("111000111000111", values.get("timestamp", AT))
    assert event.raw == load_payload(name)["entry"][0]["changes"][0]["value"]


@pytest.mark.parametrize("name", [name for name in EXPECTED if "template" in name])
def test_every_template_event_names_the_template(name: str) -> None:
    (event,) = parse(load_payload(name))
    assert isinstance(event, events.TemplateEvent)
    assert (event.template_id, event.template_name) == ("900000000000001", "order_shipped")
    assert event.language == "en_US"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_repeated_delivery_has_the_same_id_and_a_later_event_another(name: str) -> None:
    body, again, later = load_payload(name), load_payload(name), load_payload(name)
    again["entry"][0]["changes"][0] = dict(reversed(again["entry"][0]["changes"][0].items()))
    later["entry"][0]["time"] += 1
    first, second, third = (parse(each)[0].event_id for each in (body, again, later))
    assert first == second != third


@pytest.mark.parametrize("name", [name for name in EXPECTED if not name.startswith("business")])
def test_an_account_event_without_its_main_value_is_unreadable(name: str) -> None:
    body = load_payload(name)
    body["entry"][0]["changes"][0]["value"] = {"something": "else"}
    (event,) = parse(body)
    assert isinstance(event, events.Unreadable)
    assert "is missing" in event.reason
    assert event.raw["value"] == {"something": "else"}
