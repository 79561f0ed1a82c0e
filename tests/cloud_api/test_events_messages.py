"""Webhook bodies of the fields `messages`, `smb_message_echoes` and `user_preferences`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api.events import (
    EchoEvent,
    Event,
    MessageEvent,
    PaymentStatusEvent,
    Pricing,
    StatusEvent,
    SystemErrorEvent,
    Unreadable,
    UserPreferenceEvent,
    parse,
)
from tests.payload_files import load_payload

MAYA = "US.13491208655302741918"
INBOUND_AT = datetime.fromtimestamp(1767000000, UTC)


def one(name: str) -> Any:
    (event,) = parse(load_payload(name))
    return event


@pytest.mark.parametrize(
    ("name", "type_", "text"),
    [
        ("messages__text", "text", "Is the blue mug in stock?"),
        ("messages__text_reply", "text", "Yes, that one"),
        ("messages__text_product_question", "text", "Do you have it in red?"),
        ("messages__text_from_ad", "text", "Hi, I saw your ad"),
        ("messages__image", "image", "The broken one"),
        ("messages__video", "video", "[video]"),
        ("messages__voice", "audio", "[voice message]"),
        ("messages__document", "document", "order-77.pdf"),
        ("messages__sticker", "sticker", "[sticker]"),
        ("messages__location", "location", "[location] Depot"),
        ("messages__contacts", "contacts", "[contact] Asha Rao"),
        ("messages__reaction", "reaction", "😀"),
        ("messages__reaction_removed", "reaction", "[reaction removed]"),
        ("messages__template_button", "button", "Track"),
        ("messages__button_reply", "interactive", "Yes, please"),
        ("messages__list_reply", "interactive", "Tomorrow"),
        ("messages__flow_reply", "interactive", "Sent"),
        ("messages__order", "order", "[order] Gift wrap please"),
        ("messages__number_changed", "system", "User Maya changed from 15550001111 to 15550003333"),
        ("messages__unsupported", "unsupported", "[unsupported]"),
    ],
)
def test_every_kind_of_message_names_its_sender_its_time_and_a_line_of_text(
    name: str, type_: str, text: str
) -> None:
    event = one(name)
    assert isinstance(event, MessageEvent)
    assert (event.type, event.text) == (type_, text)
    assert event.event_id == f"message:{event.message_id}"
    assert (event.entry_id, event.phone_number_id) == ("111000111000111", "222000222000222")
    assert event.display_phone_number == "15550009999"
    assert (event.sender, event.sender_user_id) == ("15550001111", MAYA)
    assert event.timestamp == INBOUND_AT
    assert event.raw["id"] == event.message_id


def test_the_name_of_the_sender_comes_from_the_contact_with_the_same_id() -> None:
    assert one("messages__text").profile_name == "Maya"
    mixed = [
        event for event in parse(load_payload("messages__mixed_batch")) if isinstance(event, MessageEvent)
    ]
    assert [event.profile_name for event in mixed] == ["Maya", "Zoe", ""]


def test_a_sender_without_a_phone_number_is_known_by_the_user_id() -> None:
    event = one("messages__text_without_phone")
    assert (event.sender, event.sender_user_id) == ("", "IN.99120865530274")
    assert (event.profile_name, event.username) == ("Ravi", "ravi.k")


def test_a_message_without_any_sender_belongs_to_the_only_contact() -> None:
    body = load_payload("messages__text")
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["from"], message["from_user_id"]
    (event,) = parse(body)
    assert isinstance(event, MessageEvent)
    assert event.sender == "15550001111"


def test_a_reply_names_the_message_it_answers() -> None:
    event = one("messages__text_reply")
    assert event.context_id == "wamid.OUT_1"
    assert event.forwarded is False
    question = one("messages__text_product_question")
    assert question.context["referred_product"]["product_retailer_id"] == "SKU1"


@pytest.mark.parametrize("key", ["forwarded", "frequently_forwarded"])
def test_a_forwarded_message_says_so(key: str) -> None:
    assert one(f"messages__text_{key}").forwarded is True
    body = load_payload("messages__text")
    body["entry"][0]["changes"][0]["value"]["messages"][0]["context"] = {key: True}
    (event,) = parse(body)
    assert isinstance(event, MessageEvent)
    assert event.forwarded is True


def test_the_advertisement_that_led_to_a_message_is_kept() -> None:
    assert one("messages__text_from_ad").referral["ctwa_clid"] == "ARAkLkA8rmlFeiCktEJQ"
    assert "ctwa_clid" not in one("messages__text_from_ad_in_status").referral
    welcomed = one("messages__text_from_ad_with_welcome").referral
    assert welcomed["welcome_message"] == {"text": "Hi! What can we do for you?"}
    post = one("messages__text_from_post").referral
    assert (post["source_type"], post["video_url"]) == ("post", "https://cdn.example/post.mp4")


def test_a_person_of_linked_portfolios_has_a_parent_id_and_one_may_have_a_username_only() -> None:
    linked = one("messages__text_of_linked_portfolio")
    assert linked.sender_parent_user_id == "US.ENT.11815799212886844830"
    unnamed = one("messages__text_with_username_only")
    assert (unnamed.sender, unnamed.profile_name, unnamed.sender_name) == ("", "", "lena.k")
    assert one("messages__text").sender_name == "Maya"


def test_only_messages_with_a_file_have_media() -> None:
    assert one("messages__image").media["id"] == "900000000000011"
    assert one("messages__text").media == {}
    assert one("messages__contacts").media == {}


def test_an_unsupported_message_says_why() -> None:
    (error,) = one("messages__unsupported").errors
    assert (error.code, error.title) == (131051, "Message type unknown")


def test_a_sent_status_carries_price_conversation_and_our_own_data() -> None:
    event = one("messages__status_sent")
    assert isinstance(event, StatusEvent)
    assert (event.message_id, event.status) == ("wamid.OUT_1", "sent")
    assert (event.recipient_id, event.recipient_user_id) == ("15550001111", MAYA)
    assert event.callback_data == "dmw1.0123456789abcdef"
    assert event.pricing == Pricing(model="PMP", type="regular", category="marketing", billable=True)
    assert event.conversation["origin"] == {"type": "marketing"}
    assert event.timestamp == datetime.fromtimestamp(1767000010, UTC)
    assert event.event_id == "status:wamid.OUT_1:sent:15550001111"


@pytest.mark.parametrize(
    ("name", "status"), [("messages__status_delivered", "delivered"), ("messages__status_read", "read")]
)
def test_later_statuses_have_ids_of_their_own(name: str, status: str) -> None:
    event = one(name)
    assert event.status == status
    assert event.event_id == f"status:wamid.OUT_1:{status}:15550001111"


def test_a_failed_status_says_why() -> None:
    event = one("messages__status_failed")
    (error,) = event.errors
    assert event.status == "failed"
    assert (error.code, error.details) == (131049, "The user got enough marketing messages for now.")
    assert error.href.startswith("https://")
    assert event.pricing is None


def test_a_status_may_name_its_recipient_by_user_id_only() -> None:
    event = one("messages__status_sent_without_phone")
    assert (event.recipient_id, event.recipient_user_id) == ("", MAYA)
    assert event.event_id == f"status:wamid.OUT_1:sent:{MAYA}"


def test_both_spellings_of_the_international_category_become_one() -> None:
    assert one("messages__status_sent_without_phone").pricing.category == "authentication-international"


def test_members_of_a_group_have_statuses_of_their_own() -> None:
    event = one("messages__status_group_delivered")
    assert (event.recipient_type, event.participant_id) == ("group", "15550001111")
    assert event.event_id == "status:wamid.OUT_1:delivered:120363000000000001:15550001111"


def test_a_contact_beside_a_status_completes_it_and_leaves_its_id_alone() -> None:
    body = load_payload("messages__status_sent")
    del body["entry"][0]["changes"][0]["value"]["statuses"][0]["recipient_user_id"]
    (event,) = parse(body)
    assert isinstance(event, StatusEvent)
    assert event.recipient_user_id == MAYA
    assert event.event_id == one("messages__status_sent").event_id


def test_the_status_of_a_payment_is_never_taken_for_one_of_a_message() -> None:
    event = one("messages__status_payment")
    assert isinstance(event, PaymentStatusEvent)
    assert (event.status, event.reference_id, event.transaction["id"]) == ("captured", "order-77", "t-1")


def test_trouble_at_meta_is_an_event_of_its_own() -> None:
    event = one("messages__system_error")
    assert isinstance(event, SystemErrorEvent)
    assert event.error.code == 130429


@pytest.mark.parametrize(
    ("name", "value", "signup_id"),
    [("user_preferences__stop", "stop", ""), ("user_preferences__signup", "signup", "700000000000001")],
)
def test_a_users_choice_names_the_user_and_the_number(name: str, value: str, signup_id: str) -> None:
    event = one(name)
    assert isinstance(event, UserPreferenceEvent)
    assert (event.value, event.signup_id) == (value, signup_id)
    assert (event.wa_id, event.phone_number_id) == ("15550001111", "222000222000222")
    assert (event.category, event.profile_name) == ("marketing_messages", "Maya")
    assert event.timestamp is not None


def test_an_echo_names_both_sides() -> None:
    event = one("smb_message_echoes__text")
    assert isinstance(event, EchoEvent)
    assert (event.sender, event.recipient, event.recipient_user_id) == ("15550009999", "15550001111", MAYA)
    assert (event.text, event.event_id) == ("Answered from the phone", "echo:wamid.ECHO_1")


def test_broken_parts_and_entries_never_take_the_others_with_them() -> None:
    events: list[Event] = parse(load_payload("messages__mixed_batch"))
    kinds = [type(event).__name__ for event in events]
    assert kinds == [
        "MessageEvent",
        "Unreadable",
        "Unreadable",
        "MessageEvent",
        "StatusEvent",
        "Unreadable",
        "Unreadable",
        "MessageEvent",
    ]
    reasons = [event.reason for event in events if isinstance(event, Unreadable)]
    assert reasons == [
        "'id' is missing",
        "an object was expected, not str",
        "'status' is missing",
        "an entry has no changes",
    ]
    assert [event.phone_number_id for event in events][-1] == "222000222000333"
    assert len({event.event_id for event in events}) == len(events)


def error_body(number: str, *errors: dict[str, Any], **beside: Any) -> dict[str, Any]:
    value = {"metadata": {"phone_number_id": number}, "errors": list(errors), **beside}
    return {"entry": [{"id": "111000111000111", "changes": [{"field": "messages", "value": value}]}]}


def test_system_errors_of_two_numbers_or_beside_two_messages_are_different_events() -> None:
    slow = {"code": 130429, "title": "Rate limit hit"}
    message = {"from": "15550001111", "timestamp": "1767000000", "type": "interactive"}
    bodies = [
        error_body("222", slow),
        error_body("333", slow),
        error_body("222", slow, messages=[{**message, "id": "wamid.A"}]),
        error_body("222", slow, messages=[{**message, "id": "wamid.B"}]),
        error_body("222", {**slow, "code": 131000}),
    ]
    ids = [
        [event.event_id for event in parse(body) if isinstance(event, SystemErrorEvent)] for body in bodies
    ]
    assert [len(each) for each in ids] == [1] * len(bodies)
    assert len({each[0] for each in ids}) == len(bodies)
    again = [event.event_id for event in parse(bodies[2]) if isinstance(event, SystemErrorEvent)]
    assert again == ids[2]


def test_the_same_broken_part_at_two_numbers_is_two_events() -> None:
    bodies = [error_body(number, messages=[{"type": "text"}]) for number in ("222", "333")]
    first, second = (parse(body)[0] for body in bodies)
    assert isinstance(first, Unreadable)
    assert first.event_id != second.event_id


def test_an_impossible_time_is_none_and_the_message_is_kept() -> None:
    late = [
        event for event in parse(load_payload("messages__mixed_batch")) if event.event_id.endswith("IN_B2")
    ]
    assert [event.timestamp for event in late] == [None]
