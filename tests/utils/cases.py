"""Every message function once: its arguments, and what must stand in the message that Meta gets."""

from typing import Any, NamedTuple

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.utils import content

PICTURE = "https://shop.example/mug.png"
SECTIONS = [{"title": "Mugs", "product_items": [{"product_retailer_id": "SKU1"}]}]
ORDER: JSON = {
    "reference_id": "order-1",
    "type": "digital-goods",
    "payment_type": "br",
    "payment_settings": [{"type": "payment_link", "payment_link": {"uri": "https://pay.example/1"}}],
    "currency": "BRL",
    "total_amount": {"value": 1000, "offset": 100},
    "order": {
        "status": "pending",
        "items": [
            {"retailer_id": "SKU1", "name": "Mug", "amount": {"value": 1000, "offset": 100}, "quantity": 1}
        ],
        "subtotal": {"value": 1000, "offset": 100},
        "tax": {"value": 0, "offset": 100},
    },
}


class Case(NamedTuple):
    """A call of `utils.<name>(phone, *args, **kwargs)` and the content that it sends."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    type: str
    content: Any

    def __repr__(self) -> str:
        return self.name


def interactive(type_: str, action: JSON, **frame: Any) -> JSON:
    """An interactive object with the body "Hi"."""
    return {"type": type_, "body": {"text": "Hi"}, "action": action, **frame}


CASES = [
    Case("send_text_message", ("Hi",), {}, "text", {"body": "Hi", "preview_url": False}),
    Case(
        "send_location_message",
        (28.6139, 77.2090),
        {"name": "Office", "address": "1 Road"},
        "location",
        {"latitude": "28.6139", "longitude": "77.209", "name": "Office", "address": "1 Road"},
    ),
    Case(
        "send_template_message",
        ("order_update", "en_US"),
        {
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": t} for t in ("Asha", "ORD-9")]}
            ]
        },
        "template",
        {
            "name": "order_update",
            "language": {"code": "en_US", "policy": "deterministic"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": t} for t in ("Asha", "ORD-9")]}
            ],
        },
    ),
    Case(
        "send_reaction_message", ("wamid.x", "👍"), {}, "reaction", {"message_id": "wamid.x", "emoji": "👍"}
    ),
    Case(
        "send_contacts_message",
        ([{"name": {"formatted_name": "Asha Rao", "first_name": "Asha"}}],),
        {},
        "contacts",
        [{"name": {"formatted_name": "Asha Rao", "first_name": "Asha"}}],
    ),
    Case(
        "send_reply_buttons_message",
        ("Hi", [{"id": "yes", "title": "Yes"}]),
        {"header": content.Image(link=PICTURE), "footer": "Shop"},
        "interactive",
        interactive(
            "button",
            {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]},
            header={"type": "image", "image": {"link": PICTURE}},
            footer={"text": "Shop"},
        ),
    ),
    Case(
        "send_list_message",
        ("Hi", "Choose", [{"title": "A", "rows": [{"id": "r", "title": "Row", "description": "d"}]}]),
        {"header": "Menu"},
        "interactive",
        interactive(
            "list",
            {
                "button": "Choose",
                "sections": [{"title": "A", "rows": [{"id": "r", "title": "Row", "description": "d"}]}],
            },
            header={"type": "text", "text": "Menu"},
        ),
    ),
    Case(
        "send_cta_url_message",
        ("Hi", "Open", "https://shop.example"),
        {},
        "interactive",
        interactive(
            "cta_url",
            {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://shop.example"}},
        ),
    ),
    Case(
        "send_location_request_message",
        ("Hi",),
        {},
        "interactive",
        interactive("location_request_message", {"name": "send_location"}),
    ),
    Case(
        "send_contact_info_request_message",
        ("Hi",),
        {},
        "interactive",
        interactive("request_contact_info", {"name": "request_contact_info"}),
    ),
    Case(
        "send_call_permission_request_message",
        ("Hi",),
        {},
        "interactive",
        interactive("call_permission_request", {"name": "call_permission_request"}),
    ),
    Case(
        "send_voice_call_message",
        ("Hi", "Call us", 60),
        {},
        "interactive",
        interactive(
            "voice_call", {"name": "voice_call", "parameters": {"display_text": "Call us", "ttl_minutes": 60}}
        ),
    ),
    Case(
        "send_address_message",
        ("Hi",),
        {"values": {"name": "Asha"}},
        "interactive",
        interactive(
            "address_message",
            {"name": "address_message", "parameters": {"country": "IN", "values": {"name": "Asha"}}},
        ),
    ),
    Case(
        "send_flow_message",
        ("Hi", "Book"),
        {"flow_id": "3330001", "flow_token": "tok", "screen": "FIRST", "data": {"k": "v"}},
        "interactive",
        interactive(
            "flow",
            {
                "name": "flow",
                "parameters": {
                    "flow_message_version": "3",
                    "flow_id": "3330001",
                    "flow_cta": "Book",
                    "mode": "published",
                    "flow_token": "tok",
                    "flow_action": "navigate",
                    "flow_action_payload": {"screen": "FIRST", "data": {"k": "v"}},
                },
            },
        ),
    ),
    Case(
        "send_single_product_message",
        ("444000444000444", "SKU1", "Hi", "Shop"),
        {},
        "interactive",
        interactive(
            "product",
            {"catalog_id": "444000444000444", "product_retailer_id": "SKU1"},
            footer={"text": "Shop"},
        ),
    ),
    Case(
        "send_multi_product_message",
        ("444000444000444", SECTIONS, "Shop", "Hi"),
        {},
        "interactive",
        interactive(
            "product_list",
            {"catalog_id": "444000444000444", "sections": SECTIONS},
            header={"type": "text", "text": "Shop"},
        ),
    ),
    Case(
        "send_catalog_message",
        ("SKU1", "Hi"),
        {},
        "interactive",
        interactive(
            "catalog_message",
            {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "SKU1"}},
        ),
    ),
    Case(
        "send_product_carousel_message",
        ("444000444000444", ["SKU1", "SKU2"], "Hi"),
        {},
        "interactive",
        interactive(
            "carousel",
            {
                "cards": [
                    {
                        "card_index": index,
                        "type": "product",
                        "action": {"product_retailer_id": sku, "catalog_id": "444000444000444"},
                    }
                    for index, sku in enumerate(["SKU1", "SKU2"])
                ]
            },
        ),
    ),
    Case(
        "send_catalog_link_message",
        ("+1 555-000-9999",),
        {},
        "text",
        {"body": "https://wa.me/c/15550009999", "preview_url": True},
    ),
    Case(
        "send_order_details_message",
        ("Hi", ORDER),
        {},
        "interactive",
        interactive("order_details", {"name": "review_and_pay", "parameters": ORDER}),
    ),
    Case(
        "send_order_status_message",
        ("Hi", "order-1", "shipped"),
        {"description": "On its way"},
        "interactive",
        interactive(
            "order_status",
            {
                "name": "review_order",
                "parameters": {
                    "reference_id": "order-1",
                    "order": {"status": "shipped", "description": "On its way"},
                },
            },
        ),
    ),
    Case(
        "send_media_carousel_message",
        (
            "Hi",
            [
                content.Card(
                    header=content.Image(link=PICTURE), display_text="Shop", url="https://shop.example"
                )
                for _ in range(2)
            ],
        ),
        {},
        "interactive",
        interactive(
            "carousel",
            {
                "cards": [
                    {
                        "card_index": index,
                        "type": "cta_url",
                        "header": {"type": "image", "image": {"link": PICTURE}},
                        "action": {
                            "name": "cta_url",
                            "parameters": {"display_text": "Shop", "url": "https://shop.example"},
                        },
                    }
                    for index in range(2)
                ]
            },
        ),
    ),
]
