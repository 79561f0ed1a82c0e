"""Interactive messages: every sub-type of the reference is accepted, and its limits hold."""

import copy
from typing import Any

import pytest

from tests.simulator.caller import Caller

Content = dict[str, Any]
BODY = {"body": {"text": "Pick one"}}
IMAGE = {"type": "image", "image": {"link": "https://cdn.example/i.png"}}
CATALOG = "444000444000444"


def reply_button(index: int, title: str = "") -> Content:
    return {"type": "reply", "reply": {"id": f"b{index}", "title": title or f"Button {index}"}}


def link_card(index: int) -> Content:
    parameters = {"display_text": "Shop", "url": "https://shop.example"}
    return {
        "card_index": index,
        "type": "cta_url",
        "header": IMAGE,
        "body": {"text": "A card"},
        "action": {"name": "cta_url", "parameters": parameters},
    }


def money(value: int) -> Content:
    return {"value": value, "offset": 100}


GOOD: dict[str, Content] = {
    "button": {
        "type": "button",
        "header": IMAGE,
        "footer": {"text": "f" * 60},
        "action": {"buttons": [reply_button(1), reply_button(2), reply_button(3)]},
        **BODY,
    },
    "list": {
        "type": "list",
        "header": {"type": "text", "text": "h" * 60},
        "body": {"text": "b" * 4096},
        "action": {
            "button": "Choose",
            "sections": [{"title": "A", "rows": [{"id": "r1", "title": "Row", "description": "d" * 72}]}],
        },
    },
    "cta_url": {
        "type": "cta_url",
        "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://x.example"}},
        **BODY,
    },
    "location_request_message": {
        "type": "location_request_message",
        "action": {"name": "send_location"},
        **BODY,
    },
    "request_contact_info": {
        "type": "request_contact_info",
        "action": {"name": "request_contact_info"},
        **BODY,
    },
    "call_permission_request": {
        "type": "call_permission_request",
        "action": {"name": "call_permission_request"},
        **BODY,
    },
    "voice_call": {
        "type": "voice_call",
        "action": {"name": "voice_call", "parameters": {"display_text": "Call us", "ttl_minutes": 10080}},
        **BODY,
    },
    "flow": {
        "type": "flow",
        "action": {
            "name": "flow",
            "parameters": {
                "flow_message_version": "3",
                "flow_id": "3330001",
                "flow_cta": "Book",
                "flow_action": "navigate",
                "flow_action_payload": {"screen": "FIRST", "data": {"k": "v"}},
            },
        },
        **BODY,
    },
    "address_message": {
        "type": "address_message",
        "action": {
            "name": "address_message",
            "parameters": {"country": "IN", "saved_addresses": [{"id": "a1", "value": {"name": "Asha"}}]},
        },
        **BODY,
    },
    "catalog_message": {"type": "catalog_message", "action": {"name": "catalog_message"}, **BODY},
    "carousel": {"type": "carousel", "action": {"cards": [link_card(0), link_card(1)]}, **BODY},
    "order_details": {
        "type": "order_details",
        "action": {
            "name": "review_and_pay",
            "parameters": {
                "reference_id": "R1",
                "type": "digital-goods",
                "currency": "INR",
                "total_amount": money(1100),
                "order": {
                    "status": "pending",
                    "items": [{"retailer_id": "1", "name": "Mug", "amount": money(1000), "quantity": 1}],
                    "subtotal": money(1000),
                    "tax": money(200),
                    "discount": money(100),
                },
            },
        },
        **BODY,
    },
    "order_status": {
        "type": "order_status",
        "action": {
            "name": "review_order",
            "parameters": {"reference_id": "R1", "order": {"status": "shipped"}},
        },
        **BODY,
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_every_documented_sub_type_is_accepted(api: Caller, name: str) -> None:
    reply = api.interactive(GOOD[name])
    assert reply.status == 200, reply.body


def changed(name: str, path: str, value: Any) -> Content:
    """A good message with the value at ``path`` (dotted) replaced, or taken away when it is ``None``."""
    content = copy.deepcopy(GOOD[name])
    *parents, last = path.split(".")
    target: Any = content
    for step in parents:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if value is None:
        del target[last]
    elif isinstance(target, list):
        target[int(last)] = value
    else:
        target[last] = value
    return content


def rows(count: int) -> list[Content]:
    return [{"id": f"r{number}", "title": "Row"} for number in range(count)]


BAD: list[tuple[str, str, Any, int]] = [
    ("button", "type", "buttons", 100),
    ("button", "type", None, 131008),
    ("button", "body", None, 131008),
    ("button", "body.text", "b" * 1025, 131009),
    ("button", "footer.text", "f" * 61, 131009),
    ("button", "header", {"type": "audio", "audio": {"link": "https://x.example"}}, 131009),
    ("button", "header", {"type": "text", "text": "h" * 61}, 131009),
    ("button", "header", {"type": "image"}, 131008),
    ("button", "action", None, 131008),
    ("button", "action.buttons", [], 131009),
    ("button", "action.buttons", [reply_button(n) for n in range(4)], 131009),
    ("button", "action.buttons.0", reply_button(1, "t" * 21), 131009),
    ("button", "action.buttons.0", reply_button(1, "Button 2"), 131009),
    ("button", "action.buttons.0.reply.id", "i" * 257, 131009),
    ("button", "action.buttons.0.reply.id", "b2", 131009),
    ("button", "greeting", "hello", 100),
    ("list", "header", IMAGE, 131009),
    ("list", "body.text", "b" * 4097, 131009),
    ("list", "action.button", "b" * 21, 131009),
    ("list", "action.sections", [{"title": str(n), "rows": rows(1)} for n in range(11)], 131009),
    ("list", "action.sections", [{"rows": rows(1)}, {"title": "B", "rows": rows(1)}], 131008),
    ("list", "action.sections.0.title", "t" * 25, 131009),
    ("list", "action.sections.0.rows", rows(11), 131009),
    ("list", "action.sections.0.rows", [rows(1)[0], rows(1)[0]], 131009),
    ("list", "action.sections.0.rows.0.title", "t" * 25, 131009),
    ("list", "action.sections.0.rows.0.description", "d" * 73, 131009),
    ("list", "action.sections.0.rows.0.id", "i" * 201, 131009),
    ("cta_url", "action.parameters.display_text", "d" * 21, 131009),
    ("cta_url", "action.parameters.url", "x.example", 131009),
    ("cta_url", "action.name", "open", 131009),
    ("location_request_message", "header", {"type": "text", "text": "h"}, 131009),
    ("location_request_message", "footer", {"text": "f"}, 131009),
    ("location_request_message", "action.name", "location", 131009),
    ("voice_call", "action.parameters.ttl_minutes", 43201, 131009),
    ("flow", "action.parameters.flow_id", None, 131008),
    ("flow", "action.parameters.flow_cta", "c" * 21, 131009),
    ("flow", "action.parameters.flow_action", "data_exchange", 131009),
    ("flow", "action.parameters.flow_action_payload.data", {}, 131009),
    ("flow", "action.parameters.flow_message_version", "2", 131009),
    ("address_message", "action.parameters.country", "US", 131009),
    ("carousel", "action.cards", [link_card(0)], 131009),
    ("carousel", "action.cards", [link_card(n) for n in range(11)], 131009),
    ("carousel", "action.cards", [link_card(0), link_card(0)], 131009),
    ("carousel", "action.cards.0.header", {"type": "image", "image": {"id": "9"}}, 131008),
    ("carousel", "action.cards.0.body.text", "b" * 161, 131009),
    ("carousel", "action.cards.0.body.text", "a\nb\nc\nd", 131009),
    ("carousel", "footer", {"text": "f"}, 131009),
    (
        "carousel",
        "action.cards.0.header",
        {"type": "video", "video": {"link": "https://x.example/v"}},
        131009,
    ),
    ("order_details", "action.parameters.total_amount.value", 1000, 131009),
    ("order_status", "action.parameters.order.status", "lost", 131009),
]


@pytest.mark.parametrize(
    ("name", "path", "value", "code"), BAD, ids=[f"{n}-{c[0]}-{c[1]}" for n, c in enumerate(BAD)]
)
def test_a_limit_that_is_passed_is_an_error(api: Caller, name: str, path: str, value: Any, code: int) -> None:
    reply = api.interactive(changed(name, path, value))
    assert (reply.status, reply.code) == (400, code), reply.body


def product_card(index: int, sku: str) -> Content:
    return {
        "card_index": index,
        "type": "product",
        "action": {"catalog_id": CATALOG, "product_retailer_id": sku},
    }


def test_products_of_the_catalog_are_accepted(api: Caller) -> None:
    sections = [
        {"title": "Ours", "product_items": [{"product_retailer_id": sku} for sku in ("SKU1", "GONE")]}
    ]
    listing = {
        "type": "product_list",
        "header": {"type": "text", "text": "Ours"},
        "action": {"catalog_id": CATALOG, "sections": sections},
        **BODY,
    }
    cards = {
        "type": "carousel",
        "action": {"cards": [product_card(0, "SKU1"), product_card(1, "SKU2")]},
        **BODY,
    }
    single = {"type": "product", "action": {"catalog_id": CATALOG, "product_retailer_id": "SKU1"}}
    for content in (listing, cards, single):
        reply = api.interactive(content)
        assert reply.status == 200, reply.body
    mixed = {**cards, "action": {"cards": [product_card(0, "SKU1"), link_card(1)]}}
    assert api.interactive(mixed).code == 131009
    too_many = [{"title": "A", "product_items": [{"product_retailer_id": "SKU1"}] * 16} for _ in range(2)]
    assert (
        api.interactive({**listing, "action": {"catalog_id": CATALOG, "sections": too_many}}).code == 131009
    )


def test_products_must_be_in_a_connected_catalog(api: Caller) -> None:
    unknown = {"catalog_id": CATALOG, "product_retailer_id": "NO-SUCH-SKU"}
    assert api.interactive({"type": "product", "action": unknown}).code == 131009
    assert api.interactive({"type": "product", "action": {**unknown, "catalog_id": "5"}}).code == 131009
    listing = {
        "type": "product_list",
        "header": {"type": "text", "text": "Ours"},
        "action": {
            "catalog_id": CATALOG,
            "sections": [{"product_items": [{"product_retailer_id": "NO-SUCH-SKU"}]}],
        },
        **BODY,
    }
    assert api.interactive(listing).code == 131009
    del listing["header"]
    assert api.interactive(listing).code == 131008
