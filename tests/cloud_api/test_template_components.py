"""What fills a template when it is sent."""

from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import content as c
from django_meta_whatsapp.cloud_api.content import template_components as tc
from django_meta_whatsapp.cloud_api.content.template_components import build_template_components
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from tests.cloud_api.samples import ORDER, SECTIONS


def texts(*values: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": value} for value in values]


def test_the_example_of_the_reference_builds_three_components() -> None:
    assert build_template_components(
        header_params=["Order Shipped"],
        body_params=["Rahul", "ORD-999"],
        buttons=[{"index": 0, "sub_type": "quick_reply", "payload": "TRACK_ORDER"}],
    ) == [
        {"type": "header", "parameters": texts("Order Shipped")},
        {"type": "body", "parameters": texts("Rahul", "ORD-999")},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "TRACK_ORDER"}],
        },
    ]


def test_nothing_to_fill_in_gives_no_components() -> None:
    assert build_template_components() == []
    assert build_template_components([], [], []) == []


def test_values_may_go_by_name() -> None:
    (body,) = build_template_components(body_params={"first_name": "Asha", "order_id": 9})
    assert body["parameters"] == [
        {"type": "text", "parameter_name": "first_name", "text": "Asha"},
        {"type": "text", "parameter_name": "order_id", "text": "9"},
    ]


def test_values_by_number_go_in_numeric_order() -> None:
    values = {str(number): f"v{number}" for number in (10, 2, 1, 9, 3, 4, 5, 6, 7, 8)}
    (body,) = build_template_components(body_params=values)
    assert body["parameters"] == texts(*(f"v{number}" for number in range(1, 11)))


def test_a_value_may_be_money_or_a_date() -> None:
    values = {"price": tc.currency("$9.99", "USD", 9990), "day": tc.date_time("1 May 2026")}
    assert tc.body(values)["parameters"] == [
        {
            "type": "currency",
            "currency": {"fallback_value": "$9.99", "code": "USD", "amount_1000": 9990},
            "parameter_name": "price",
        },
        {"type": "date_time", "date_time": {"fallback_value": "1 May 2026"}, "parameter_name": "day"},
    ]
    assert tc.body([values["day"]])["parameters"] == [values["day"]]


@pytest.mark.parametrize(
    ("button", "sub_type", "parameters"),
    [
        ({"payload": "YES"}, "quick_reply", [{"type": "payload", "payload": "YES"}]),
        ({"sub_type": "url", "payload": "ORD-9"}, "url", texts("ORD-9")),
        ({"sub_type": "URL", "payload": 9}, "url", texts("9")),
        (
            {"sub_type": "copy_code", "payload": "SAVE20"},
            "copy_code",
            [{"type": "coupon_code", "coupon_code": "SAVE20"}],
        ),
        ({"sub_type": "flow"}, "flow", [{"type": "action", "action": {}}]),
        (
            {"sub_type": "flow", "payload": "tok"},
            "flow",
            [{"type": "action", "action": {"flow_token": "tok"}}],
        ),
        (
            {"sub_type": "flow", "payload": {"flow_token": "tok", "flow_action_data": {"k": 1}}},
            "flow",
            [{"type": "action", "action": {"flow_token": "tok", "flow_action_data": {"k": 1}}}],
        ),
        ({"sub_type": "catalog"}, "CATALOG", [{"type": "action", "action": {}}]),
        (
            {"sub_type": "CATALOG", "payload": "SKU1"},
            "CATALOG",
            [{"type": "action", "action": {"thumbnail_product_retailer_id": "SKU1"}}],
        ),
        (
            {"sub_type": "mpm", "payload": {"thumbnail_product_retailer_id": "SKU1", "sections": SECTIONS}},
            "mpm",
            [{"type": "action", "action": {"thumbnail_product_retailer_id": "SKU1", "sections": SECTIONS}}],
        ),
        (
            {"sub_type": "order_details", "payload": ORDER},
            "order_details",
            [{"type": "action", "action": {"order_details": ORDER}}],
        ),
    ],
)
def test_each_button_gets_the_parameter_of_its_kind(
    button: dict[str, Any], sub_type: str, parameters: list[dict[str, Any]]
) -> None:
    assert build_template_components(buttons=[{"index": 3, **button}]) == [
        {"type": "button", "sub_type": sub_type, "index": "3", "parameters": parameters}
    ]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("body_params", {"body_params": "Rahul"}),
        ("body_params[1]", {"body_params": ["Rahul", None]}),
        ("header_params[name]", {"header_params": {"name": None}}),
        ("body_params[1]", {"body_params": ["Rahul", ""]}),
        ("body_params[0]", {"body_params": [" \n"]}),
        ("body_params[1]", {"body_params": ["Rahul", "two\nlines"]}),
        ("body_params[0]", {"body_params": ["a\tb"]}),
        ("body_params[0]", {"body_params": ["a     b"]}),
        ("body_params[who]", {"body_params": {"who": "a\rb"}}),
        ("payload", {"buttons": [{"sub_type": "url", "payload": "a\nb"}]}),
        ("payload", {"buttons": [{"sub_type": "url", "payload": ""}]}),
        ("buttons[0].sub_type", {"buttons": [{"sub_type": "call", "payload": "x"}]}),
        ("buttons[1].payload", {"buttons": [{"payload": "x"}, {"sub_type": "url"}]}),
        ("index", {"buttons": [{"index": 10, "payload": "x"}]}),
        ("index", {"buttons": [{"index": "first", "payload": "x"}]}),
        ("payload", {"buttons": [{"payload": "x" * 257}]}),
        ("payload", {"buttons": [{"sub_type": "mpm", "payload": "SKU1"}]}),
        ("sections", {"buttons": [{"sub_type": "mpm", "payload": {"thumbnail_product_retailer_id": "S"}}]}),
        ("coupon_code", {"buttons": [{"sub_type": "copy_code", "payload": "x" * 21}]}),
        ("coupon_code", {"buttons": [{"sub_type": "copy_code", "payload": "SAVE 20"}]}),
    ],
)
def test_a_value_that_is_missing_or_too_long_is_named(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage) as caught:
        build_template_components(**values)
    assert caught.value.field == field


def test_media_headers_carry_the_file_and_no_caption() -> None:
    assert tc.header_media(c.Document(id="1", filename="a", mime_type="application/pdf", caption="no")) == {
        "type": "header",
        "parameters": [{"type": "document", "document": {"id": "1", "filename": "a.pdf"}}],
    }


def test_headers_may_show_a_place_or_a_product() -> None:
    place = {"latitude": "1", "longitude": "2", "name": "Depot", "address": "1 Example Rd"}
    assert tc.header_location(c.Location(1, 2, "Depot", "1 Example Rd"))["parameters"] == [
        {"type": "location", "location": place}
    ]
    assert tc.header_product("C1", "SKU1")["parameters"] == [
        {"type": "product", "product": {"product_retailer_id": "SKU1", "catalog_id": "C1"}}
    ]


def test_an_offer_says_when_it_ends() -> None:
    assert tc.limited_time_offer(1798700000000)["parameters"] == [
        {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1798700000000}}
    ]


@pytest.mark.parametrize("end", [0, -1, True, 1.5, "soon"])
def test_the_end_of_an_offer_is_a_number_of_milliseconds(end: Any) -> None:
    with pytest.raises(InvalidMessage, match="expiration_time_ms"):
        tc.limited_time_offer(end)


def test_money_and_dates_say_what_is_shown() -> None:
    for build, field in (
        (lambda: tc.currency("", "USD", 1), "fallback"),
        (lambda: tc.currency("$1", "dollar", 1000), "code"),
        (lambda: tc.date_time(" "), "fallback"),
    ):
        with pytest.raises(InvalidMessage) as caught:
            build()
        assert caught.value.field == field


def test_four_blanks_in_a_row_are_allowed() -> None:
    assert tc.body(["a    b"])["parameters"] == texts("a    b")


def test_carousel_cards_are_numbered() -> None:
    cards = tc.carousel([[tc.quick_reply(0, "A")], [tc.quick_reply(0, "B")]])["cards"]
    assert [card["card_index"] for card in cards] == [0, 1]
    with pytest.raises(InvalidMessage, match="cards"):
        tc.carousel([[]])


def test_a_login_code_goes_into_the_body_and_the_button() -> None:
    assert tc.authentication("123456") == [
        {"type": "body", "parameters": texts("123456")},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": texts("123456")},
    ]
    with pytest.raises(InvalidMessage, match="code"):
        tc.authentication("1" * 16)
