"""What a template definition must be: Meta's rules, one by one."""

from typing import Any

import pytest

from tests.simulator.caller import WABA, Caller, Reply

JSON = dict[str, Any]
SIMPLE: JSON = {"type": "BODY", "text": "Your parcel left our warehouse."}
URL: JSON = {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{1}}", "example": ["A-1"]}
REPLY: JSON = {"type": "QUICK_REPLY", "text": "Help"}
PHONE: JSON = {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550009999"}
CODE: JSON = {"type": "COPY_CODE", "example": "SAVE20"}
APP: JSON = {"package_name": "com.shop.example", "signature_hash": "K8a0AINcGX7"}
OTP: JSON = {"type": "OTP", "otp_type": "ONE_TAP", "supported_apps": [APP]}
OFFER: JSON = {
    "type": "LIMITED_TIME_OFFER",
    "limited_time_offer": {"text": "Ends soon", "has_expiration": True},
}


def body(text: str, *examples: str, **example: Any) -> JSON:
    if examples:
        example = {"body_text": [list(examples)]}
    return {"type": "BODY", "text": text, **({"example": example} if example else {})}


def header(text: str, **example: Any) -> JSON:
    return {"type": "HEADER", "format": "TEXT", "text": text, **({"example": example} if example else {})}


def buttons(*items: JSON) -> JSON:
    return {"type": "BUTTONS", "buttons": list(items)}


def footer(text: str) -> JSON:
    return {"type": "FOOTER", "text": text}


def product_card(*items: JSON, text: str = "") -> JSON:
    parts = [{"type": "HEADER", "format": "PRODUCT"}, *([body(text)] if text else []), buttons(*items)]
    return {"components": parts}


SPM: JSON = {"type": "SPM", "text": "View"}


def carousel(*cards: JSON) -> JSON:
    return {"type": "CAROUSEL", "cards": list(cards)}


def create(api: Caller, *components: JSON, **changes: Any) -> Reply:
    definition = {
        "name": "parcel",
        "language": "en_US",
        "category": "UTILITY",
        "components": list(components),
    }
    return api.call("POST", f"{WABA}/message_templates", {**definition, **changes})


GOOD: dict[str, tuple[list[JSON], JSON]] = {
    "a plain body": ([SIMPLE], {}),
    "types in lower case": ([{"type": "body", "text": "Hello there."}], {"category": "utility"}),
    "numbered variables": ([body("Hello {{1}}, parcel {{2}} left.", "Asha", "A-1")], {}),
    "named variables": (
        [
            header(
                "Order {{order_id}}", header_text_named_params=[{"param_name": "order_id", "example": "A"}]
            ),
            body("Hello {{name}}, bye.", body_text_named_params=[{"param_name": "name", "example": "Asha"}]),
        ],
        {"parameter_format": "NAMED"},
    ),
    "a header with a variable": ([header("Order {{1}}", header_text=["A-1"]), SIMPLE], {}),
    "a location header": ([{"type": "HEADER", "format": "LOCATION"}, SIMPLE], {}),
    "a footer": ([SIMPLE, footer("x" * 60)], {}),
    "replies before links": ([SIMPLE, buttons(REPLY, REPLY, URL, PHONE)], {}),
    "links before replies": ([SIMPLE, buttons(URL, PHONE, REPLY)], {}),
    "ten replies": ([SIMPLE, buttons(*[REPLY] * 10)], {}),
    "an offer": ([OFFER, SIMPLE, buttons(CODE, URL)], {"category": "MARKETING"}),
    "one product": (
        [{"type": "HEADER", "format": "PRODUCT"}, SIMPLE, buttons(SPM)],
        {"category": "MARKETING"},
    ),
    "a product carousel": (
        [SIMPLE, carousel(product_card(SPM), product_card(SPM))],
        {"category": "MARKETING"},
    ),
    "a code": (
        [
            {"type": "BODY", "add_security_recommendation": True},
            {"type": "FOOTER", "code_expiration_minutes": 10},
            buttons(OTP),
        ],
        {"category": "AUTHENTICATION", "message_send_ttl_seconds": 600},
    ),
    "a code to copy": (
        [{"type": "BODY"}, buttons({"type": "OTP", "otp_type": "COPY_CODE"})],
        {"category": "AUTHENTICATION"},
    ),
    "a lifetime": ([SIMPLE], {"message_send_ttl_seconds": -1}),
    "a flow": ([SIMPLE, buttons({"type": "FLOW", "text": "Book", "flow_id": "1"})], {}),
    "a dead switch": ([SIMPLE], {"allow_category_change": True}),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_meta_takes_is_taken(api: Caller, case: str) -> None:
    components, changes = GOOD[case]
    assert create(api, *components, **changes).json.get("status") == "PENDING"


NUMBERED: dict[str, tuple[list[JSON], int]] = {
    "a body that is too long": ([body("x" * 1025)], 2388040),
    "a header that is too long": ([header("x" * 61), SIMPLE], 2388040),
    "a footer that is too long": ([SIMPLE, footer("x" * 61)], 2388040),
    "a label that is too long": ([SIMPLE, buttons({**REPLY, "text": "x" * 26})], 2388040),
    "an address that is too long": ([SIMPLE, buttons({**URL, "url": "https://" + "x" * 2000})], 2388040),
    "a header with emoji": ([header("Hello 🎉"), SIMPLE], 2388047),
    "a header with formatting": ([header("*Hello*"), SIMPLE], 2388047),
    "a header of two lines": ([header("Hello\nthere"), SIMPLE], 2388047),
    "a header with two variables": ([header("{{1}} {{2}}", header_text=["a", "b"]), SIMPLE], 2388047),
    "a header without an example": ([header("Order {{1}}"), SIMPLE], 2388047),
    "a header of an unknown kind": ([{"type": "HEADER", "format": "SONG"}, SIMPLE], 2388047),
    "a picture without a sample": ([{"type": "HEADER", "format": "IMAGE"}, SIMPLE], 2388047),
    "a picture that was never uploaded": (
        [{"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::x"]}}, SIMPLE],
        2388047,
    ),
    "a gap in the numbers": ([body("Hello {{1}} and {{3}} too.", "a", "b")], 2388072),
    "a name among numbers": ([body("Hello {{name}} there.", "a")], 2388072),
    "broken brackets": ([body("Hello {{1} there.", "a")], 2388072),
    "no example": ([body("Hello {{1}}, bye.")], 2388072),
    "an example too few": ([body("Hello {{1}} and {{2}}, bye.", "a")], 2388072),
    "an example without its inner list": ([body("Hello {{1}}, bye.", body_text=["a"])], 2388072),
    "a variable in front": ([body("{{1}} is your code.", "a")], 2388299),
    "a variable at the end": ([body("Your code is {{1}}", "a")], 2388299),
    "hardly anything but variables": ([body("Hi {{1}} {{2}} {{3}} !", "a", "b", "c")], 2388293),
    "a variable in the footer": ([SIMPLE, footer("Bye {{1}}")], 2388073),
}


@pytest.mark.parametrize("case", NUMBERED)
def test_rules_that_have_a_subcode_tell_it_with_texts_for_the_user(api: Caller, case: str) -> None:
    components, subcode = NUMBERED[case]
    reply = create(api, *components)
    error = reply.json["error"]
    assert (reply.status, error["code"], error.get("error_subcode")) == (400, 100, subcode)
    assert error["error_user_title"]
    assert error["error_user_msg"]


REFUSED: dict[str, tuple[list[JSON], JSON]] = {
    "no components": ([], {}),
    "no body": ([footer("Bye")], {}),
    "two bodies": ([SIMPLE, SIMPLE], {}),
    "an unknown component": ([SIMPLE, {"type": "SIDEBAR"}], {}),
    "a component without a type": ([{"text": "x"}], {}),
    "an empty body": ([body(" ")], {}),
    "a name with capitals": ([SIMPLE], {"name": "Parcel"}),
    "a name with spaces": ([SIMPLE], {"name": "my parcel"}),
    "no name": ([SIMPLE], {"name": None}),
    "a name that is too long": ([SIMPLE], {"name": "x" * 513}),
    "an unknown category": ([SIMPLE], {"category": "FUN"}),
    "no category": ([SIMPLE], {"category": None}),
    "a language with a hyphen": ([SIMPLE], {"language": "en-US"}),
    "no language": ([SIMPLE], {"language": None}),
    "an unknown variable style": ([SIMPLE], {"parameter_format": "MIXED"}),
    "numbers in a named template": ([body("Hello {{1}}, bye.", "a")], {"parameter_format": "NAMED"}),
    "a marketing lifetime for ever": ([SIMPLE], {"category": "MARKETING", "message_send_ttl_seconds": -1}),
    "a lifetime that is too short": ([SIMPLE], {"message_send_ttl_seconds": 29}),
    "the library": ([SIMPLE], {"library_template_name": "x"}),
    "a switch that is none": ([SIMPLE], {"cta_url_link_tracking_opted_out": "yes"}),
    "eleven buttons": ([SIMPLE, buttons(*[REPLY] * 11)], {}),
    "no buttons": ([SIMPLE, buttons()], {}),
    "three links": ([SIMPLE, buttons(URL, URL, URL)], {}),
    "two calls": ([SIMPLE, buttons(PHONE, PHONE)], {}),
    "replies around a link": ([SIMPLE, buttons(REPLY, URL, REPLY)], {}),
    "a variable within an address": ([SIMPLE, buttons({**URL, "url": "https://a.example/{{1}}/x"})], {}),
    "two variables in an address": ([SIMPLE, buttons({**URL, "url": "https://a.example/{{1}}{{2}}"})], {}),
    "an address that is none": ([SIMPLE, buttons({**URL, "url": "a.example"})], {}),
    "an address without an example": ([SIMPLE, buttons({**URL, "example": None})], {}),
    "a variable in a label": ([SIMPLE, buttons({**REPLY, "text": "Hi {{1}}"})], {}),
    "a phone without a number": ([SIMPLE, buttons({**PHONE, "phone_number": "call me"})], {}),
    "a code that is too long": ([SIMPLE, buttons({**CODE, "example": "x" * 16})], {}),
    "two ways to name a flow": (
        [SIMPLE, buttons({"type": "FLOW", "text": "x", "flow_id": "1", "flow_name": "x"})],
        {},
    ),
    "an unknown flow action": (
        [SIMPLE, buttons({"type": "FLOW", "text": "x", "flow_id": "1", "flow_action": "fly"})],
        {},
    ),
    "an unknown button": ([SIMPLE, buttons({"type": "LEVER", "text": "x"})], {}),
    "a code button in a utility template": ([SIMPLE, buttons(OTP)], {}),
    "an offer that is no marketing": ([OFFER, SIMPLE, buttons(URL)], {}),
    "an offer with a footer": ([OFFER, SIMPLE, footer("x"), buttons(URL)], {"category": "MARKETING"}),
    "an offer without a link": ([OFFER, SIMPLE, buttons(CODE)], {"category": "MARKETING"}),
    "an offer with a text header": ([header("x"), OFFER, SIMPLE, buttons(URL)], {"category": "MARKETING"}),
    "an offer with a long body": ([OFFER, body("x" * 601), buttons(URL)], {"category": "MARKETING"}),
    "a product without its button": ([{"type": "HEADER", "format": "PRODUCT"}, SIMPLE], {}),
    "one card": ([SIMPLE, carousel(product_card(SPM))], {"category": "MARKETING"}),
    "eleven cards": ([SIMPLE, carousel(*[product_card(SPM)] * 11)], {"category": "MARKETING"}),
    "cards with products that are no marketing": ([SIMPLE, carousel(*[product_card(SPM)] * 2)], {}),
    "cards that differ": (
        [SIMPLE, carousel(product_card(SPM), product_card(URL))],
        {"category": "MARKETING"},
    ),
    "a body on one card only": (
        [SIMPLE, carousel(product_card(SPM, text="Nice thing"), product_card(SPM))],
        {"category": "MARKETING"},
    ),
    "a card without buttons": (
        [SIMPLE, carousel(*[{"components": [{"type": "HEADER", "format": "PRODUCT"}, body("Nice")]}] * 2)],
        {"category": "MARKETING"},
    ),
    "a carousel beside a footer": (
        [SIMPLE, footer("x"), carousel(product_card(SPM), product_card(SPM))],
        {"category": "MARKETING"},
    ),
    "a code with a text of its own": ([SIMPLE, buttons(OTP)], {"category": "AUTHENTICATION"}),
    "a code without a button": ([{"type": "BODY"}], {"category": "AUTHENTICATION"}),
    "a code with a header": ([header("x"), {"type": "BODY"}, buttons(OTP)], {"category": "AUTHENTICATION"}),
    "a code with a reply": ([{"type": "BODY"}, buttons(REPLY)], {"category": "AUTHENTICATION"}),
    "a code that never expires": (
        [{"type": "BODY"}, {"type": "FOOTER", "code_expiration_minutes": 91}, buttons(OTP)],
        {"category": "AUTHENTICATION"},
    ),
    "an app without its hash": (
        [{"type": "BODY"}, buttons({**OTP, "supported_apps": [{**APP, "signature_hash": "short"}]})],
        {"category": "AUTHENTICATION"},
    ),
    "a tap without apps": (
        [{"type": "BODY"}, buttons({**OTP, "supported_apps": []})],
        {"category": "AUTHENTICATION"},
    ),
    "zero taps without the terms": (
        [{"type": "BODY"}, buttons({**OTP, "otp_type": "ZERO_TAP"})],
        {"category": "AUTHENTICATION"},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_meta_refuses_is_refused(api: Caller, case: str) -> None:
    components, changes = REFUSED[case]
    reply = create(api, *components, **changes)
    assert (reply.status, reply.code in {100, 131008}) == (400, True)


def test_an_authentication_template_is_read_with_metas_texts_and_a_link_button(api: Caller) -> None:
    components, changes = GOOD["a code"]
    template_id = create(api, *components, **changes).json["id"]
    text, expiry, actions = api.call("GET", f"{template_id}?fields=components").json["components"]
    assert "{{1}}" in text["text"]
    assert "security" in text["text"]
    assert "10 minutes" in expiry["text"]
    assert actions["buttons"][0]["type"] == "URL"
    assert "{{1}}" in actions["buttons"][0]["url"]
