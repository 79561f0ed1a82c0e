"""Content that Meta would refuse is refused before sending, and the error names the field."""

from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import content as c
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from tests.cloud_api.samples import ORDER

YES = c.Button("yes", "Yes")
PICTURE = c.Image(link="https://cdn.example/a.jpg")
FILM = c.Video(link="https://cdn.example/a.mp4")
ITEM = {"product_retailer_id": "SKU1"}


def rows(number: int) -> list[c.Row]:
    return [c.Row(f"r{n}", "Row") for n in range(number)]


def menu(sections: list[c.Section], **more: Any) -> c.ListMessage:
    return c.ListMessage(**{"body": "b", "button": "Choose", **more}, sections=sections)


def card(**more: Any) -> c.Card:
    return c.Card(**{"header": PICTURE, "display_text": "Go", "url": "https://x.example", **more})


def products(sections: Any, **more: Any) -> c.ProductList:
    return c.ProductList(**{"catalog_id": "C", "header": "H", "body": "b", **more}, sections=sections)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ORDER.items() if name != key}


REFUSED: list[tuple[str, c.Content]] = [
    ("body", c.Text("")),
    ("body", c.Text("  \n")),
    ("body", c.Text("x" * 4097)),
    ("body", c.Text(None)),  # type: ignore[arg-type]
    ("caption", c.Image(id="1", caption="x" * 1025)),
    ("caption", c.Document(id="1", caption="x" * 1025)),
    ("id", c.Image()),
    ("id", c.Image(id="1", link="https://x.example/a.jpg")),
    ("link", c.Image(link="ftp://x.example/a.jpg")),
    ("link", c.Sticker(link="cdn.example/a.webp")),
    ("latitude", c.Location(90.1, 0)),
    ("latitude", c.Location("north", 0)),
    ("latitude", c.Location(float("nan"), 0)),
    ("longitude", c.Location(0, -180.5)),
    ("longitude", c.Location(0, float("inf"))),
    ("message_id", c.Reaction("", "👍")),
    ("contacts", c.Contacts([])),
    ("contacts", c.Contacts([{"name": {"formatted_name": "A"}}] * 258)),
    ("contacts[0]", c.Contacts(["Asha"])),  # type: ignore[list-item]
    ("contacts[0].name", c.Contacts([{}])),
    ("contacts[0].name.formatted_name", c.Contacts([{"name": {"first_name": "A"}}])),
    ("contacts[0].birthday", c.Contacts([{"name": {"formatted_name": "A"}, "birthday": "31.12.1990"}])),
    ("contacts[0].phones[0].phone", c.Contacts([{"name": {"formatted_name": "A"}, "phones": [{}]}])),
    ("contacts[0] key", c.Contacts([{"name": {"formatted_name": "A"}, "phone": "1"}])),
    ("type", c.Raw("", {})),
    ("body", c.ReplyButtons("", [YES])),
    ("body", c.ReplyButtons("x" * 1025, [YES])),
    ("header", c.ReplyButtons("b", [YES], header="x" * 61)),
    ("footer", c.ReplyButtons("b", [YES], footer="x" * 61)),
    ("buttons", c.ReplyButtons("b", [])),
    ("buttons", c.ReplyButtons("b", [c.Button(str(n), str(n)) for n in range(4)])),
    ("buttons[0].title", c.ReplyButtons("b", [c.Button("a", "x" * 21)])),
    ("buttons[0].id", c.ReplyButtons("b", [c.Button("x" * 257, "A")])),
    ("buttons: titles", c.ReplyButtons("b", [YES, c.Button("no", "Yes")])),
    ("buttons: ids", c.ReplyButtons("b", [YES, c.Button("yes", "No")])),
    ("body", menu([c.Section("", rows(1))], body="x" * 4097)),
    ("button", menu([c.Section("", rows(1))], button="x" * 21)),
    ("sections", menu([])),
    ("rows", menu([c.Section("", rows(11))])),
    ("rows", menu([c.Section("A", rows(6)), c.Section("B", rows(5))])),
    ("rows: ids", menu([c.Section("A", rows(1)), c.Section("B", rows(1))])),
    ("sections[1].title", menu([c.Section("A", rows(1)), c.Section("", [c.Row("x", "X")])])),
    ("sections[0].title", menu([c.Section("x" * 25, rows(1))])),
    ("sections[1].rows", menu([c.Section("A", rows(1)), c.Section("B", [])])),
    ("sections[0].rows[0].title", menu([c.Section("", [c.Row("a", "x" * 25)])])),
    ("sections[0].rows[0].id", menu([c.Section("", [c.Row("x" * 201, "A")])])),
    ("sections[0].rows[0].description", menu([c.Section("", [c.Row("a", "A", "x" * 73)])])),
    ("display_text", c.CtaUrl("b", "x" * 21, "https://x.example")),
    ("url", c.CtaUrl("b", "Go", "x.example")),
    ("ttl_minutes", c.VoiceCall("b", "Call", 43201)),
    ("ttl_minutes", c.VoiceCall("b", "Call", 0)),
    ("cta", c.FlowMessage(body="b", cta="x" * 21, flow_id="1")),
    ("flow_id", c.FlowMessage(body="b", cta="Go")),
    ("flow_id", c.FlowMessage(body="b", cta="Go", flow_id="1", flow_name="n")),
    ("mode", c.FlowMessage(body="b", cta="Go", flow_id="1", mode="live")),
    ("action", c.FlowMessage(body="b", cta="Go", flow_id="1", action="open")),
    ("screen", c.FlowMessage(body="b", cta="Go", flow_id="1", data={"k": 1})),
    ("screen", c.FlowMessage(body="b", cta="Go", flow_id="1", action="data_exchange", screen="A")),
    ("country", c.AddressMessage(body="b", country="India")),
    ("country", c.AddressMessage(body="b", country="BR")),
    ("catalog_id", c.Product("", "SKU1")),
    ("retailer_id", c.Product("C", "")),
    ("header", products([{"product_items": [ITEM]}], header="")),
    ("header", products([{"product_items": [ITEM]}], header="x" * 61)),
    ("sections", products([])),
    ("sections", products([{"title": str(n), "product_items": [ITEM]} for n in range(11)])),
    ("sections: products", products([{"product_items": [ITEM] * 31}])),
    ("sections[0].product_items", products([{"title": "A"}])),
    ("sections[0]", products(["A"])),
    (
        "sections[0].product_items[0].product_retailer_id",
        products([{"product_items": [{"retailer_id": "1"}]}]),
    ),
    ("sections[1].title", products([{"title": "A", "product_items": [ITEM]}, {"product_items": [ITEM]}])),
    ("body", c.CatalogMessage("")),
    ("retailer_ids", c.ProductCarousel("C", ["SKU1"], "b")),
    ("retailer_ids", c.ProductCarousel("C", [str(n) for n in range(11)], "b")),
    ("retailer_ids[1]", c.ProductCarousel("C", ["SKU1", ""], "b")),
    ("cards", c.MediaCarousel("b", [card()])),
    ("cards", c.MediaCarousel("b", [card()] * 11)),
    ("cards", c.MediaCarousel("b", [card(), card(header=FILM)])),
    ("cards[0].header", c.MediaCarousel("b", [card(header=c.Image(id="1"))] * 2)),
    ("cards[0].url", c.MediaCarousel("b", [card(buttons=[YES])] * 2)),
    ("cards[0].body", c.MediaCarousel("b", [card(body="x" * 161)] * 2)),
    ("cards[0].body", c.MediaCarousel("b", [card(body="a\nb\nc\nd")] * 2)),
    ("parameters.order", c.OrderDetails("b", without("order"))),
    ("parameters.type", c.OrderDetails("b", {**ORDER, "type": "goods"})),
    ("parameters.order.status", c.OrderDetails("b", {**ORDER, "order": {"status": "lost"}})),
    ("parameters.order.items", c.OrderDetails("b", {**ORDER, "order": {"status": "pending", "items": []}})),
    ("status", c.OrderStatus(body="b", reference_id="r", status="lost")),
    ("reference_id", c.OrderStatus(body="b", reference_id="", status="shipped")),
    ("flow_token", c.FlowMessage(body="b", cta="x", flow_id="1", flow_token="")),
    ("name", c.Template("")),
    ("language", c.Template("hello", "")),
]


@pytest.mark.parametrize(
    ("field", "content"), REFUSED, ids=[f"{n}-{field}" for n, (field, _) in enumerate(REFUSED)]
)
def test_what_meta_would_refuse_is_refused_by_name(field: str, content: c.Content) -> None:
    with pytest.raises(InvalidMessage) as caught:
        content.payload()
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


ALLOWED: list[c.Content] = [
    c.Text("x" * 4096),
    c.Image(id="1", caption="x" * 1024),
    c.Audio(id="1", caption="x" * 5000),
    c.Location(-90, 180),
    c.Contacts([{"name": {"formatted_name": "A"}}] * 257),
    c.ReplyButtons("x" * 1024, [c.Button(str(n) * 256, str(n) * 20) for n in range(3)], footer="x" * 60),
    menu([c.Section("", rows(10))], body="x" * 4096, button="x" * 20),
    c.VoiceCall("b", "x" * 20, 43200),
    products([{"title": "x" * 24, "product_items": [ITEM] * 3} for _ in range(10)]),
    c.ProductCarousel("C", [str(n) for n in range(10)], "b"),
    c.MediaCarousel("b", [card(body="x" * 160)] * 10),
    c.FlowMessage(body="b", cta="x" * 20, flow_id="1"),
    # Meta gives no limit for these: signed addresses and signed tokens are long.
    c.Image(link="https://cdn.example/a.jpg?signature=" + "x" * 3000),
    c.CtaUrl("b", "Open", "https://shop.example/?state=" + "x" * 3000),
    c.FlowMessage(body="b", cta="Book", flow_id="1", flow_token="x" * 3000),
    c.OrderStatus(body="b", reference_id="x" * 60, status="shipped", description="x" * 300),
]


@pytest.mark.parametrize("content", ALLOWED, ids=lambda content: type(content).__name__)
def test_the_limits_themselves_are_allowed(content: c.Content) -> None:
    assert content.payload()


def test_the_error_tells_the_limit() -> None:
    with pytest.raises(ValueError, match=r"^body: has 4097 characters, at most 4096 are allowed$"):
        c.Text("x" * 4097).payload()
