"""Template messages: existence, language, status, and the parameters that the template asks for."""

from typing import Any

import pytest

from tests.simulator.caller import NUMBER, Caller
from whatsapp_simulator.control import Control


def words(*values: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": value} for value in values]


def body(*values: str) -> dict[str, Any]:
    return {"type": "body", "parameters": words(*values)}


def button(sub_type: str, index: int | str, **parameter: Any) -> dict[str, Any]:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def test_a_template_without_variables_needs_no_components(api: Caller, sim: Control) -> None:
    reply = api.template("hello_world")
    assert reply.status == 200
    assert reply.json["messages"][0]["message_status"] == "accepted"
    assert next(sim.messages())["template"] == "hello_world"


def test_name_and_language_must_both_match(api: Caller) -> None:
    for reply in (api.template("no_such"), api.template("hello_world", language="en")):
        assert (reply.status, reply.code) == (404, 132001)


@pytest.mark.parametrize("values", [(), ("a",), ("a", "b", "c")])
def test_the_count_of_body_parameters_must_match(api: Caller, values: tuple[str, ...]) -> None:
    assert api.template("order_update", [body(*values)]).code == 132000
    assert api.template("order_update", [body("a", "b")]).status == 200


def test_a_text_that_grows_too_long_is_refused(api: Caller) -> None:
    assert api.template("order_update", [body("a", "b" * 1024)]).code == 132005


def test_an_empty_or_wrong_parameter_is_refused(api: Caller) -> None:
    assert api.template("order_update", [body("a", "")]).code == 131008
    image = {"type": "image", "image": {"link": "https://x.example/i.png"}}
    assert api.template("order_update", [{"type": "body", "parameters": [image, image]}]).code == 132012
    assert api.template("order_update", [{"type": "torso"}]).code == 100
    assert api.template("order_update", [body("a", "b"), body("a", "b")]).code == 100


def test_line_breaks_in_a_parameter_have_their_own_code_from_v23(api: Caller) -> None:
    assert api.template("order_update", [body("a", "b\nc")]).code == 100
    assert api.template("order_update", [body("a", "b\nc")], version="v23.0").code == 132018
    assert api.template("order_update", [body("a", "b     c")], version="v23.0").code == 132018


def test_currency_and_date_use_their_fallback(api: Caller) -> None:
    currency = {
        "type": "currency",
        "currency": {"fallback_value": "$9.99", "code": "USD", "amount_1000": 9990},
    }
    date = {"type": "date_time", "date_time": {"fallback_value": "1 May"}}
    assert api.template("order_update", [{"type": "body", "parameters": [currency, date]}]).status == 200
    for key in ("fallback_value", "code", "amount_1000"):
        part = {"type": "currency", "currency": {**currency["currency"]}}  # type: ignore[dict-item]
        del part["currency"][key]  # type: ignore[attr-defined]
        assert api.template("order_update", [{"type": "body", "parameters": [part, date]}]).code == 131008


def test_named_parameters_may_come_in_any_order_but_need_their_names(api: Caller, sim: Control) -> None:
    components = [{"type": "BODY", "text": "Dear {{first_name}}, {{order_id}} left, {{first_name}}!"}]
    sim.template("named", components=components, parameter_format="NAMED")
    first = {"type": "text", "text": "Asha", "parameter_name": "first_name"}
    order = {"type": "text", "text": "A1", "parameter_name": "order_id"}
    assert api.template("named", [{"type": "body", "parameters": [order, first]}]).status == 200
    assert api.template("named", [{"type": "body", "parameters": [first]}]).code == 132000
    assert api.template("named", [{"type": "body", "parameters": [first, first]}]).code == 100
    assert api.template("named", [body("Asha", "A1")]).code == 100
    stranger = {**first, "parameter_name": "name"}
    assert api.template("named", [{"type": "body", "parameters": [stranger, order]}]).code == 100


@pytest.mark.parametrize(("status", "code"), [("PAUSED", 132015), ("DISABLED", 132016), ("PENDING", 132001)])
def test_only_approved_templates_go_out(api: Caller, sim: Control, status: str, code: int) -> None:
    sim.template("hello_world", status=status)
    assert api.template("hello_world").code == code
    sim.template("hello_world", status="APPROVED")
    assert api.template("hello_world").status == 200


def test_a_header_needs_a_parameter_of_its_format(api: Caller, sim: Control) -> None:
    sim.template(
        "pictured", components=[{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Look"}]
    )
    image = {"type": "image", "image": {"link": "https://x.example/i.png"}}
    video = {"type": "video", "video": {"link": "https://x.example/v.mp4"}}
    assert api.template("pictured", [{"type": "header", "parameters": [image]}]).status == 200
    assert api.template("pictured", [{"type": "header", "parameters": [video]}]).code == 132012
    assert api.template("pictured").code == 132012
    broken = {"type": "image", "image": {"id": "12345"}}
    assert api.template("pictured", [{"type": "header", "parameters": [broken]}]).code == 100


def test_location_product_and_text_headers(api: Caller, sim: Control) -> None:
    for form in ("LOCATION", "PRODUCT"):
        sim.template(
            form.lower(), components=[{"type": "HEADER", "format": form}, {"type": "BODY", "text": "x"}]
        )
    sim.template(
        "titled",
        components=[
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
            {"type": "BODY", "text": "x"},
        ],
    )
    place = {"type": "location", "location": {"latitude": "1", "longitude": "2"}}
    item = {"type": "product", "product": {"product_retailer_id": "SKU1", "catalog_id": "444000444000444"}}
    assert api.template("location", [{"type": "header", "parameters": [place]}]).status == 200
    assert api.template("product", [{"type": "header", "parameters": [item]}]).status == 200
    assert api.template("titled", [{"type": "header", "parameters": words("A1")}]).status == 200
    assert api.template("titled", [{"type": "header", "parameters": words("A" * 60)}]).code == 132005
    assert api.template("titled").code == 132000
    assert (
        api.template(
            "location", [{"type": "header", "parameters": [{"type": "location", "location": {}}]}]
        ).code
        == 131008
    )


BUTTONS = [
    {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{1}}"},
    {"type": "QUICK_REPLY", "text": "Help"},
    {"type": "COPY_CODE", "example": "SAVE20"},
]


@pytest.fixture
def buttons(sim: Control) -> None:
    components = [{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": BUTTONS}]
    sim.template("buttons", components=components)


@pytest.mark.usefixtures("buttons")
def test_buttons_with_variables_need_parameters_of_their_kind(api: Caller) -> None:
    link = button("url", "0", type="text", text="ORD-9")
    code = button("copy_code", 2, type="coupon_code", coupon_code="SAVE20")
    reply = button("quick_reply", 1, type="payload", payload="HELP")
    assert api.template("buttons", [link, code]).status == 200
    assert api.template("buttons", [link, reply, code]).status == 200
    assert api.template("buttons", [code]).code == 131008
    assert api.template("buttons", [link]).code == 131008
    for wrong, expected in (
        (button("url", "0", type="payload", payload="x"), 132012),
        (button("quick_reply", "0", type="payload", payload="x"), 132012),
        (button("quick_reply", "9", type="payload", payload="x"), 132000),
        (button("quick_reply", "first", type="payload", payload="x"), 100),
        (button("quick_reply", 1, type="payload", payload="x" * 257), 131009),
        ({"type": "button", "sub_type": "url", "parameters": []}, 131008),
    ):
        assert api.template("buttons", [link, code, wrong]).code in {expected, 100}
        others = [] if wrong.get("index") == "0" else [link]
        assert api.template("buttons", [*others, code, wrong]).code == expected
    dashed = button("copy_code", 2, type="coupon_code", coupon_code="SAVE-20")
    assert api.template("buttons", [link, dashed]).code == 131009


def test_a_static_url_takes_no_parameter(api: Caller, sim: Control) -> None:
    buttons = [{"type": "URL", "text": "Shop", "url": "https://shop.example"}]
    sim.template(
        "static", components=[{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": buttons}]
    )
    assert api.template("static").status == 200
    assert api.template("static", [button("url", 0, type="text", text="x")]).code == 132000


def test_a_login_code_stands_in_body_and_button(api: Caller, sim: Control) -> None:
    components = [
        {"type": "BODY", "add_security_recommendation": True},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
    ]
    sim.template("login", category="AUTHENTICATION", components=components)
    code = button("url", "0", type="text", text="123456")
    assert api.template("login", [body("123456"), code]).status == 200
    assert api.template("login", [body("123456")]).code == 131008
    assert api.template("login", [body("654321"), code]).code == 132012
    assert (
        api.template("login", [body("123456"), code], to=None, recipient="US.13491208655302741918").code
        == 131062
    )


def test_a_carousel_has_as_many_cards_as_its_template(api: Caller, sim: Control) -> None:
    card = {
        "components": [
            {"type": "HEADER", "format": "IMAGE"},
            {"type": "BODY", "text": "Only {{1}}"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Buy"}]},
        ]
    }
    sim.template(
        "cards", components=[{"type": "BODY", "text": "New"}, {"type": "CAROUSEL", "cards": [card, card]}]
    )
    image = {"type": "image", "image": {"link": "https://x.example/i.png"}}

    def sent(index: int) -> dict[str, Any]:
        return {"card_index": index, "components": [{"type": "header", "parameters": [image]}, body("9")]}

    def reply(count: int) -> Any:
        return api.template("cards", [{"type": "carousel", "cards": [sent(n) for n in range(count)]}])

    assert reply(2).status == 200
    assert reply(3).code == 132000
    assert api.template("cards", [{"type": "carousel", "cards": [sent(0), sent(0)]}]).code == 131009
    assert api.template("cards").code == 131008
    bare = {"type": "carousel", "cards": [{"card_index": n, "components": []} for n in range(2)]}
    assert api.template("cards", [bare]).code == 132012
    assert api.template("hello_world", [bare]).code == 132000


def test_a_limited_time_offer_needs_its_end(api: Caller, sim: Control) -> None:
    offer = {
        "type": "LIMITED_TIME_OFFER",
        "limited_time_offer": {"text": "Ends soon", "has_expiration": True},
    }
    sim.template("offer", category="MARKETING", components=[offer, {"type": "BODY", "text": "x"}])
    end = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 4133894400000}}
    assert api.template("offer", [{"type": "limited_time_offer", "parameters": [end]}]).status == 200
    assert api.template("offer").code == 131008


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"expiration_time_ms": 1000}, 131009),
        ({"expiration_time_ms": "tomorrow"}, 100),
        ({"expiration_time_ms": True}, 100),
        ({}, 131008),
    ],
)
def test_the_end_of_an_offer_is_a_moment_to_come(
    api: Caller, sim: Control, value: dict[str, Any], code: int
) -> None:
    offer = {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Soon", "has_expiration": True}}
    sim.template("offer", category="MARKETING", components=[offer, {"type": "BODY", "text": "x"}])
    end = {"type": "limited_time_offer", "limited_time_offer": value}
    component = {"type": "limited_time_offer", "parameters": [end]}
    assert api.template("offer", [component]).code == code
    assert api.template("offer", [{**component, "parameters": [{**end, "type": "text"}]}]).code == 132012
    assert api.template("hello_world", [component]).code == 132000


def test_the_body_of_an_offer_and_of_a_card_is_shorter(api: Caller, sim: Control) -> None:
    offer = {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Soon"}}
    sim.template("offer", category="MARKETING", components=[offer, {"type": "BODY", "text": "Buy {{1}} now"}])
    assert api.template("offer", [body("x" * 592)]).status == 200
    assert api.template("offer", [body("x" * 593)]).code == 132005
    spm = {"type": "BUTTONS", "buttons": [{"type": "SPM", "text": "View"}]}
    sim.template(
        "item",
        components=[{"type": "HEADER", "format": "PRODUCT"}, {"type": "BODY", "text": "A {{1}}."}, spm],
    )
    item = {"type": "product", "product": {"product_retailer_id": "SKU1", "catalog_id": "444000444000444"}}
    shown = {"type": "header", "parameters": [item]}
    assert api.template("item", [shown, body("x" * 157)]).status == 200
    assert api.template("item", [shown, body("x" * 158)]).code == 132005


def test_products_must_be_in_a_catalog_of_the_account(api: Caller, sim: Control) -> None:
    sim.template("item", components=[{"type": "HEADER", "format": "PRODUCT"}, {"type": "BODY", "text": "x"}])
    for kind in ("MPM", "CATALOG"):
        buttons = [{"type": kind, "text": "View"}]
        sim.template(
            kind.lower(), components=[{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": buttons}]
        )
    for product in (
        {"product_retailer_id": "SKU99", "catalog_id": "444000444000444"},
        {"product_retailer_id": "SKU1", "catalog_id": "1"},
    ):
        header = {"type": "header", "parameters": [{"type": "product", "product": product}]}
        assert api.template("item", [header]).code == 131009

    def items(*skus: str) -> list[dict[str, Any]]:
        listed = [{"title": "A", "product_items": [{"product_retailer_id": sku} for sku in skus]}]
        action = {"thumbnail_product_retailer_id": "SKU1", "sections": listed}
        return [button("mpm", 0, type="action", action=action)]

    assert api.template("mpm", items("SKU99", "SKU1")).status == 200
    assert api.template("mpm", items("SKU99")).code == 131009
    thumbnail = {"thumbnail_product_retailer_id": "SKU99"}
    assert api.template("catalog", [button("CATALOG", 0, type="action", action=thumbnail)]).code == 131009


def test_a_header_holds_its_medium_and_nothing_else(api: Caller, sim: Control) -> None:
    for form in ("IMAGE", "DOCUMENT"):
        sim.template(
            form.lower(), components=[{"type": "HEADER", "format": form}, {"type": "BODY", "text": "x"}]
        )

    def sent(kind: str, **more: Any) -> Any:
        value = {"link": "https://x.example/f", **more}
        return api.template(kind, [{"type": "header", "parameters": [{"type": kind, kind: value}]}])

    assert sent("document", filename="Invoice.pdf").status == 200
    assert sent("document", filename="x" * 241).code == 131009
    assert sent("image", filename="a.png").code == 100
    assert sent("image", caption="Look").code == 100
    assert sent("image", id="1").code == 131009


def test_a_place_must_be_on_earth(api: Caller, sim: Control) -> None:
    sim.template(
        "place", components=[{"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": "x"}]
    )
    place = {"type": "location", "location": {"latitude": "91", "longitude": "2"}}
    assert api.template("place", [{"type": "header", "parameters": [place]}]).code == 131009


def test_buttons_take_one_parameter_of_the_right_kind(api: Caller, sim: Control) -> None:
    buttons = [{"type": "FLOW", "text": "Book"}, {"type": "QUICK_REPLY", "text": "Yes"}]
    sim.template("book", components=[{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": buttons}])

    def flow(**action: Any) -> Any:
        return api.template("book", [button("flow", 0, type="action", action=action)])

    assert flow(flow_token="t", flow_action_data={"k": 1}).status == 200
    assert flow(flow_token=5).code == 100
    assert flow(flow_action_data="k").code == 100
    assert flow(flow_action_data={}).code == 131009
    twice = button("quick_reply", 1, type="payload", payload="A")
    twice["parameters"] *= 2
    assert api.template("book", [twice]).code == 132000


def test_template_buttons_with_actions(api: Caller, sim: Control) -> None:
    for kind in ("MPM", "CATALOG", "FLOW"):
        buttons = [{"type": kind, "text": "View"}]
        components = [{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": buttons}]
        sim.template(kind.lower(), components=components)
    sections = [{"title": "A", "product_items": [{"product_retailer_id": "SKU1"}]}]
    items = {"thumbnail_product_retailer_id": "SKU1", "sections": sections}
    assert api.template("mpm", [button("mpm", 0, type="action", action=items)]).status == 200
    assert api.template("mpm", [button("mpm", 0, type="action", action={})]).code == 131008
    assert api.template("mpm").code == 131008

    def listed(*counts: int, **more: Any) -> Any:
        item = {"product_retailer_id": "SKU1"}
        shown = [{"title": "A", "product_items": [item] * count, **more} for count in counts]
        return api.template("mpm", [button("mpm", 0, type="action", action={**items, "sections": shown})])

    assert listed(15, 15).status == 200
    assert listed(15, 16).code == 131009
    assert listed(1, 1, title=None).code == 131008
    assert listed(1, title="x" * 25).code == 131009
    assert api.template("catalog").status == 200
    assert api.template("flow", [button("flow", 0, type="action", action={"flow_token": "t"})]).status == 200
    assert api.template("flow", [button("flow", 0, type="text", text="t")]).code == 132012


def test_templates_belong_to_the_waba_of_the_number(api: Caller, sim: Control) -> None:
    sim.number("222000222000333", waba_id="111000111000222")
    assert api.template("hello_world", number="222000222000333").code == 132001
    assert api.template("hello_world", number=NUMBER).status == 200
