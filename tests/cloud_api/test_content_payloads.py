"""What each kind of content looks like on the wire, and in a list of chats."""

import pickle
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import content as c
from tests.cloud_api.samples import CARD, CONTENTS, ORDER, SECTIONS

EXPECTED: dict[str, tuple[str, Any]] = {
    "text": ("text", {"body": "Ready: https://shop.example/o/1", "preview_url": True}),
    "image": ("image", {"id": "9001", "caption": "A mug"}),
    "video": ("video", {"link": "https://cdn.example/v.mp4", "caption": "A film"}),
    "audio": ("audio", {"id": "9002"}),
    "voice": ("audio", {"id": "9002", "voice": True}),
    "document": ("document", {"id": "9003", "caption": "Yours", "filename": "invoice.pdf"}),
    "sticker": ("sticker", {"id": "9004"}),
    "location": (
        "location",
        {"latitude": "12.9716", "longitude": "77.5946", "name": "Depot", "address": "1 Example Rd"},
    ),
    "contacts": ("contacts", [CARD]),
    "reaction": ("reaction", {"message_id": "wamid.X", "emoji": "👍"}),
    "reaction_removed": ("reaction", {"message_id": "wamid.X", "emoji": ""}),
    "reply_buttons": (
        "interactive",
        {
            "type": "button",
            "header": {"type": "image", "image": {"link": "https://cdn.example/a.jpg"}},
            "body": {"text": "Ok?"},
            "footer": {"text": "Thanks"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                    {"type": "reply", "reply": {"id": "no", "title": "No"}},
                ]
            },
        },
    ),
    "list": (
        "interactive",
        {
            "type": "list",
            "header": {"type": "text", "text": "Slots"},
            "body": {"text": "Pick one"},
            "footer": {"text": "Thanks"},
            "action": {
                "button": "Choose",
                "sections": [
                    {"title": "Mornings", "rows": [{"id": "r1", "title": "Nine", "description": "to ten"}]},
                    {"title": "Evenings", "rows": [{"id": "r2", "title": "Six"}]},
                ],
            },
        },
    ),
    "cta_url": (
        "interactive",
        {
            "type": "cta_url",
            "header": {"type": "text", "text": "New"},
            "body": {"text": "See it"},
            "action": {
                "name": "cta_url",
                "parameters": {"display_text": "Open", "url": "https://shop.example"},
            },
        },
    ),
    "location_request": (
        "interactive",
        {
            "type": "location_request_message",
            "body": {"text": "Where are you?"},
            "action": {"name": "send_location"},
        },
    ),
    "contact_info_request": (
        "interactive",
        {
            "type": "request_contact_info",
            "body": {"text": "May we call?"},
            "action": {"name": "request_contact_info"},
        },
    ),
    "call_permission": (
        "interactive",
        {
            "type": "call_permission_request",
            "body": {"text": "May we call?"},
            "action": {"name": "call_permission_request"},
        },
    ),
    "voice_call": (
        "interactive",
        {
            "type": "voice_call",
            "body": {"text": "Any questions?"},
            "action": {"name": "voice_call", "parameters": {"display_text": "Call us", "ttl_minutes": 60}},
        },
    ),
    "flow": (
        "interactive",
        {
            "type": "flow",
            "body": {"text": "Book"},
            "action": {
                "name": "flow",
                "parameters": {
                    "flow_message_version": "3",
                    "flow_id": "333",
                    "flow_cta": "Book now",
                    "mode": "published",
                    "flow_token": "t",
                    "flow_action": "navigate",
                    "flow_action_payload": {"screen": "FIRST", "data": {"k": "v"}},
                },
            },
        },
    ),
    "product": (
        "interactive",
        {
            "type": "product",
            "body": {"text": "A mug"},
            "footer": {"text": "Tea not included"},
            "action": {"catalog_id": "C1", "product_retailer_id": "SKU1"},
        },
    ),
    "product_alone": (
        "interactive",
        {"type": "product", "action": {"catalog_id": "C1", "product_retailer_id": "SKU1"}},
    ),
    "product_list": (
        "interactive",
        {
            "type": "product_list",
            "header": {"type": "text", "text": "All"},
            "body": {"text": "Everything"},
            "footer": {"text": "Enjoy"},
            "action": {"catalog_id": "C1", "sections": SECTIONS},
        },
    ),
    "catalog": (
        "interactive",
        {
            "type": "catalog_message",
            "body": {"text": "Have a look"},
            "footer": {"text": "Enjoy"},
            "action": {
                "name": "catalog_message",
                "parameters": {"thumbnail_product_retailer_id": "SKU1"},
            },
        },
    ),
    "catalog_without_thumbnail": (
        "interactive",
        {"type": "catalog_message", "body": {"text": "Have a look"}, "action": {"name": "catalog_message"}},
    ),
    "product_carousel": (
        "interactive",
        {
            "type": "carousel",
            "body": {"text": "Two of them"},
            "action": {
                "cards": [
                    {
                        "card_index": n,
                        "type": "product",
                        "action": {"product_retailer_id": sku, "catalog_id": "C1"},
                    }
                    for n, sku in enumerate(("SKU1", "SKU2"))
                ]
            },
        },
    ),
    "media_carousel": (
        "interactive",
        {
            "type": "carousel",
            "body": {"text": "News"},
            "action": {
                "cards": [
                    {
                        "card_index": n,
                        "type": "cta_url",
                        "header": {"type": "image", "image": {"link": "https://cdn.example/a.jpg"}},
                        "body": {"text": text},
                        "action": {
                            "name": "cta_url",
                            "parameters": {"display_text": "Shop", "url": "https://shop.example"},
                        },
                    }
                    for n, text in enumerate("ab")
                ]
            },
        },
    ),
    "order_status": (
        "interactive",
        {
            "type": "order_status",
            "body": {"text": "On its way"},
            "action": {
                "name": "review_order",
                "parameters": {
                    "reference_id": "order-77",
                    "order": {"status": "shipped", "description": "By bike"},
                    "payment": {"status": "captured", "timestamp": 1767000000},
                },
            },
        },
    ),
    "template": (
        "template",
        {"name": "hello_world", "language": {"code": "en_US", "policy": "deterministic"}},
    ),
    "raw": ("text", {"body": "as it is"}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_content_is_what_meta_documents(name: str) -> None:
    content = CONTENTS[name]
    assert (content.type, content.payload()) == EXPECTED[name]


def test_a_flow_whose_endpoint_decides_names_no_screen() -> None:
    parameters = CONTENTS["flow_by_endpoint"].payload()["action"]["parameters"]
    assert parameters["flow_name"] == "booking"
    assert parameters["flow_token"] == "unused"
    assert "flow_action_payload" not in parameters


def test_an_address_form_carries_what_is_known_already() -> None:
    parameters = CONTENTS["address"].payload()["action"]["parameters"]
    assert parameters == {
        "country": "IN",
        "values": {"name": "Asha"},
        "saved_addresses": [{"id": "a1", "value": {"city": "Pune"}}],
        "validation_errors": {"in_pin_code": "unknown"},
    }
    bare = c.AddressMessage(body="Where to?").payload()
    assert bare["action"]["parameters"] == {"country": "IN"}


def test_cards_may_carry_reply_buttons_in_place_of_a_link() -> None:
    card = CONTENTS["media_carousel_with_replies"].payload()["action"]["cards"][1]
    assert card["type"] == "button"
    assert card["action"]["buttons"][0]["reply"] == {"id": "b1", "title": "More"}
    assert "body" not in card


def test_a_bill_carries_the_order() -> None:
    interactive = CONTENTS["order_details"].payload()
    assert (interactive["type"], interactive["action"]["name"]) == ("order_details", "review_and_pay")
    assert interactive["action"]["parameters"] == ORDER


def test_a_medium_in_a_header_loses_its_caption() -> None:
    header = c.CtaUrl("a", "b", "https://x.example", header=c.Video(id="1", caption="gone")).payload()[
        "header"
    ]
    assert header == {"type": "video", "video": {"id": "1"}}


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("text", "Ready: https://shop.example/o/1"),
        ("image", "A mug"),
        ("audio", "[audio]"),
        ("voice", "[voice message]"),
        ("document", "Yours"),
        ("sticker", "[sticker]"),
        ("location", "[location] Depot"),
        ("contacts", "[contact] Asha Rao"),
        ("reaction", "👍"),
        ("reply_buttons", "Ok?"),
        ("product_alone", "[product]"),
        ("template", "[template] hello_world"),
        ("raw", "as it is"),
    ],
)
def test_every_content_has_a_line_for_the_chat_list(name: str, summary: str) -> None:
    assert CONTENTS[name].summary() == summary


def test_a_long_or_broken_text_is_one_short_line_in_the_chat_list() -> None:
    summary = c.Text("one\ntwo " + "x" * 300).summary()
    assert summary.startswith("one two x")
    assert summary.endswith("…")
    assert len(summary) == 200


def test_a_place_without_a_name_is_still_a_location() -> None:
    assert c.Location(1, 2).summary() == "[location]"
    assert c.Raw("contacts", [{}]).summary() == "[contacts]"
    assert c.Raw("", {}).type == ""


@pytest.mark.parametrize("name", CONTENTS)
def test_content_travels_between_processes(name: str) -> None:
    content = CONTENTS[name]
    assert pickle.loads(pickle.dumps(content)) == content


@pytest.mark.parametrize(
    ("filename", "mime_type", "shown"),
    [
        ("document", "application/pdf", "document.pdf"),
        ("invoice 77.pdf", "image/png", "invoice 77.pdf"),
        ("report v1.2", "text/csv; charset=utf-8", "report v1.2.csv"),
        ("film.mp4", "", "film.mp4"),
        ("archive", "application/x-nobody-knows", "archive"),
        ("", "application/pdf", None),
    ],
)
def test_a_filename_without_an_extension_gets_that_of_its_type(
    filename: str, mime_type: str, shown: str | None
) -> None:
    assert c.Document(id="1", filename=filename, mime_type=mime_type).payload().get("filename") == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-07, "0.0000001"), (-33, "-33"), ("12.50", "12.50"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_coordinates_are_plain_decimals(value: Any, text: str) -> None:
    assert c.Location(value, 0).payload()["latitude"] == text
