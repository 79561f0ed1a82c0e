"""Template definitions: what Meta gets, what it would refuse, and that a template read back loses nothing."""

from dataclasses import replace
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.operations.template_definition import (
    TemplateDefinition,
)
from tests.cloud_api.template_parts import (
    APP,
    CODE_BUTTON,
    LOGIN,
    OFFER,
    PICTURE,
    PLAIN,
    PRODUCT,
    URL_BUTTON,
    carousel,
    marketing,
    reply,
    template_card,
)

PRODUCT_CARD = template_card(
    HEADER=PRODUCT, BUTTONS={"type": "BUTTONS", "buttons": [{"type": "SPM", "text": "View"}]}
)


def component(definition: TemplateDefinition, type_: str) -> Any:
    found = [each for each in definition.payload()["components"] if each["type"] == type_]
    return found[0] if found else None


def test_a_template_without_variables_has_no_examples_and_no_format() -> None:
    assert PLAIN.payload() == {
        "name": "order_update",
        "language": "en_US",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Your order left."}],
    }


def test_a_text_header_says_its_format_and_not_its_own_type() -> None:
    definition = replace(PLAIN, header={"type": "TEXT", "text": "Order {{1}}"}, examples={"header": ["A-1"]})
    assert component(definition, "HEADER") == {
        "type": "HEADER",
        "format": "TEXT",
        "text": "Order {{1}}",
        "example": {"header_text": ["A-1"]},
    }


@pytest.mark.parametrize("header", [None, {}, {"type": "NONE"}, {"type": "HEADER"}])
def test_no_header_is_no_component(header: dict[str, str] | None) -> None:
    assert component(replace(PLAIN, header=header), "HEADER") is None


def test_numbered_variables_get_examples_in_a_list_inside_a_list() -> None:
    definition = replace(PLAIN, body_text="Hello {{1}}, your {{ 2 }} left.", examples={"body": ["Maya"]})
    assert component(definition, "BODY") == {
        "type": "BODY",
        "text": "Hello {{1}}, your {{2}} left.",
        "example": {"body_text": [["Maya", "Sample 2"]]},
    }
    assert definition.payload()["parameter_format"] == "POSITIONAL"


def test_ten_variables_have_their_examples_in_numeric_order() -> None:
    numbers = range(1, 12)
    text = "Hi " + " ".join(f"{{{{{n}}}}}" for n in numbers) + " bye"
    definition = replace(PLAIN, body_text=text, examples={"body": [f"v{n}" for n in numbers]})
    assert component(definition, "BODY")["example"]["body_text"] == [[f"v{n}" for n in numbers]]


def test_named_variables_get_named_examples() -> None:
    definition = replace(
        PLAIN,
        header={"format": "text", "text": "Order {{order_id}}"},
        body_text="Hello {{first_name}}, it left.",
        examples={"body": {"first_name": "Maya"}},
    )
    assert component(definition, "HEADER")["example"] == {
        "header_text_named_params": [{"param_name": "order_id", "example": "Order id"}]
    }
    assert component(definition, "BODY")["example"] == {
        "body_text_named_params": [{"param_name": "first_name", "example": "Maya"}]
    }
    assert definition.payload()["parameter_format"] == "NAMED"


@pytest.mark.parametrize("format_", ["IMAGE", "VIDEO", "DOCUMENT"])
def test_media_headers_carry_the_handle_of_a_sample(format_: str) -> None:
    for definition in (
        replace(PLAIN, header={"type": format_, "handle": "4::aW"}),
        replace(PLAIN, header={"type": format_}, examples={"header_handle": "4::aW"}),
        replace(PLAIN, header={"type": format_, "example": {"header_handle": ["4::aW"]}}),
    ):
        assert component(definition, "HEADER") == {
            "type": "HEADER",
            "format": format_,
            "example": {"header_handle": ["4::aW"]},
        }


def test_the_address_that_meta_gives_for_a_handle_is_never_sent_back() -> None:
    definition = replace(
        PLAIN, header={"type": "IMAGE", "example": {"header_handle": ["https://cdn.example/1"]}}
    )
    with pytest.raises(InvalidMessage, match="sample image"):
        definition.payload()


def test_a_location_header_needs_nothing_more() -> None:
    assert component(replace(PLAIN, header={"type": "LOCATION"}), "HEADER") == {
        "type": "HEADER",
        "format": "LOCATION",
    }


def test_a_url_with_a_variable_gets_an_example() -> None:
    buttons = [{"type": "url", "text": "Track", "url": "https://shop.example/t/{{ 1 }}"}]
    assert component(replace(PLAIN, buttons=buttons), "BUTTONS")["buttons"] == [
        {
            "type": "URL",
            "text": "Track",
            "url": "https://shop.example/t/{{1}}",
            "example": ["https://shop.example/t/sample"],
        }
    ]
    given = [{**buttons[0], "example": ["https://shop.example/t/9"]}]
    assert component(replace(PLAIN, buttons=given), "BUTTONS")["buttons"][0]["example"] == given[0]["example"]


def test_components_come_in_the_documented_order() -> None:
    definition = replace(
        PLAIN,
        category="MARKETING",
        header=PICTURE,
        buttons=[CODE_BUTTON, URL_BUTTON],
        other_components=[OFFER],
        message_send_ttl_seconds=43200,
    )
    payload = definition.payload()
    assert [each["type"] for each in payload["components"]] == [
        "HEADER",
        "LIMITED_TIME_OFFER",
        "BODY",
        "BUTTONS",
    ]
    assert payload["message_send_ttl_seconds"] == 43200
    cards = replace(
        PLAIN, category="MARKETING", other_components=[carousel(template_card(), template_card())]
    )
    assert [each["type"] for each in cards.payload()["components"]] == ["BODY", "CAROUSEL"]


def test_an_authentication_template_has_metas_texts_and_a_code_button() -> None:
    definition = replace(LOGIN, footer_text="Expires in 10 minutes", add_security_recommendation=False)
    payload = definition.payload()
    assert payload["components"] == [
        {"type": "BODY", "add_security_recommendation": False},
        {"type": "FOOTER", "code_expiration_minutes": 10},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}]},
    ]
    assert "parameter_format" not in payload


@pytest.mark.parametrize("footer", ["", "soon", "in 91 minutes", "in 0 minutes"])
def test_an_impossible_expiry_leaves_the_footer_out(footer: str) -> None:
    types = [each["type"] for each in replace(LOGIN, footer_text=footer).payload()["components"]]
    assert types == ["BODY", "BUTTONS"]


@pytest.mark.parametrize(
    "button",
    [
        {"type": "OTP", "otp_type": "ONE_TAP", "text": "Copy", "supported_apps": [APP]},
        {"type": "ONE_TAP", "text": "Copy", "supported_apps": [APP]},
        {
            "type": "URL",
            "text": "Copy",
            "url": "https://www.whatsapp.com/otp/code/?otp_type=ONE_TAP&cta_display_name=Autofill"
            "&package_name=com.shop.example&signature_hash=K8a0AINcGX7&code=otp{{1}}",
        },
    ],
)
def test_a_one_tap_button_names_its_app(button: dict[str, Any]) -> None:
    assert component(replace(LOGIN, buttons=[button]), "BUTTONS")["buttons"] == [
        {
            "type": "OTP",
            "otp_type": "ONE_TAP",
            "text": "Copy",
            "autofill_text": "Autofill",
            "supported_apps": [APP],
        }
    ]


def test_a_zero_tap_button_needs_the_accepted_terms() -> None:
    button = {"type": "OTP", "otp_type": "ZERO_TAP", "supported_apps": [APP], "zero_tap_terms_accepted": True}
    built = component(replace(LOGIN, buttons=[button]), "BUTTONS")["buttons"][0]
    assert built["zero_tap_terms_accepted"] is True
    with pytest.raises(InvalidMessage, match="zero_tap_terms_accepted"):
        replace(LOGIN, buttons=[{**button, "zero_tap_terms_accepted": False}]).payload()


def buttons_of(*buttons: dict[str, Any]) -> TemplateDefinition:
    return replace(PLAIN, buttons=buttons)


REFUSED: list[tuple[str, TemplateDefinition]] = [
    ("name", replace(PLAIN, name="")),
    ("name", replace(PLAIN, name="Order Update")),
    ("name", replace(PLAIN, name="x" * 513)),
    ("language", replace(PLAIN, language="english")),
    ("category", replace(PLAIN, category="NEWS")),
    ("message_send_ttl_seconds", replace(PLAIN, message_send_ttl_seconds=29)),
    ("message_send_ttl_seconds", replace(PLAIN, category="MARKETING", message_send_ttl_seconds=-1)),
    ("header", replace(PLAIN, header={"type": "MUSIC"})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": ""})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": "x" * 61})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": "{{1}} and {{2}}"})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": "Hi 👍"})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": "*Hi*"})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": "two\nlines"})),
    ("header", replace(PLAIN, header={"type": "IMAGE"})),
    ("header", replace(PLAIN, header={"type": "TEXT", "text": "No {{1}}"}, body_text="Hi {{name}}, bye")),
    ("body_text", replace(PLAIN, body_text="")),
    ("body_text", replace(PLAIN, body_text="x" * 1025)),
    ("body_text", replace(PLAIN, body_text="{{1}} left")),
    ("body_text", replace(PLAIN, body_text="Hello {{1}}")),
    ("body_text", replace(PLAIN, body_text="Hi {{1}} {{3}} bye")),
    ("body_text", replace(PLAIN, body_text="Hi {{0}} bye")),
    ("body_text", replace(PLAIN, body_text="Hi {{1}} {{name}} bye")),
    ("body_text", replace(PLAIN, body_text="Hi {{First}} bye")),
    ("body_text", replace(PLAIN, body_text="Hi {{first name}} bye")),
    ("body_text", replace(PLAIN, body_text="Hi {{}} bye")),
    ("parameter_format", replace(PLAIN, body_text="Hi {{1}} bye", parameter_format="NAMED")),
    ("footer_text", replace(PLAIN, footer_text="x" * 61)),
    ("footer_text", replace(PLAIN, footer_text="{{1}}")),
    ("buttons", buttons_of(*[reply(n) for n in range(11)])),
    ("buttons", buttons_of(URL_BUTTON, URL_BUTTON, URL_BUTTON)),
    ("buttons", buttons_of(reply(1), URL_BUTTON, reply(2))),
    ("buttons", buttons_of(URL_BUTTON, reply(1), URL_BUTTON)),
    ("buttons", buttons_of({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"})),
    ("buttons", replace(LOGIN, buttons=[{"type": "COPY_CODE"}] * 2)),
    ("buttons[0].type", buttons_of({"type": "CALL_REQUEST", "text": "Call"})),
    ("buttons[0].text", buttons_of({"type": "QUICK_REPLY", "text": "x" * 26})),
    ("buttons[0].text", buttons_of({"type": "QUICK_REPLY"})),
    ("buttons[0].url", buttons_of({"type": "URL", "text": "Go", "url": "shop.example"})),
    ("buttons[0].url", buttons_of({"type": "URL", "text": "Go", "url": "https://x.example/" + "x" * 2000})),
    ("buttons[0].url", buttons_of({"type": "URL", "text": "Go", "url": "https://x.example/{{1}}/t"})),
    ("buttons[0].url", buttons_of({"type": "URL", "text": "Go", "url": "https://x.example/{{2}}"})),
    (
        "buttons[0].phone_number",
        buttons_of({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "1" * 21}),
    ),
    ("buttons[0].example", buttons_of({"type": "COPY_CODE", "example": "x" * 16})),
    ("buttons[0].example", buttons_of({"type": "COPY_CODE", "example": []})),
    ("buttons[0].flow_id", buttons_of({"type": "FLOW", "text": "Book"})),
    (
        "buttons[0].flow_action",
        buttons_of({"type": "FLOW", "text": "Book", "flow_id": "1", "flow_action": "x"}),
    ),
    ("buttons[0].supported_apps", replace(LOGIN, buttons=[{"type": "ONE_TAP"}])),
    (
        "buttons[0].supported_apps[0].signature_hash",
        replace(LOGIN, buttons=[{"type": "ONE_TAP", "supported_apps": [{**APP, "signature_hash": "short"}]}]),
    ),
    ("category", replace(PLAIN, other_components=[OFFER], buttons=[URL_BUTTON])),
    (
        "header",
        replace(
            PLAIN,
            category="MARKETING",
            other_components=[OFFER],
            buttons=[URL_BUTTON],
            header={"type": "TEXT", "text": "Hi"},
        ),
    ),
    (
        "buttons",
        replace(PLAIN, category="MARKETING", other_components=[OFFER], buttons=[URL_BUTTON, CODE_BUTTON]),
    ),
    (
        "footer_text",
        replace(
            PLAIN, category="MARKETING", other_components=[OFFER], buttons=[URL_BUTTON], footer_text="Hi"
        ),
    ),
    (
        "body_text",
        replace(PLAIN, category="MARKETING", other_components=[OFFER], body_text="x" * 601),
    ),
    ("body_text", replace(PLAIN, body_text="x" * 161, buttons=[{"type": "SPM", "text": "View"}])),
    (
        "limited_time_offer.text",
        replace(
            PLAIN,
            category="MARKETING",
            other_components=[{"type": "LIMITED_TIME_OFFER"}],
            buttons=[URL_BUTTON],
        ),
    ),
    ("components: types", replace(PLAIN, category="MARKETING", other_components=[OFFER, OFFER])),
    ("cards", marketing(template_card())),
    ("cards", marketing(template_card(), template_card(BODY=None))),
    (
        "cards[0].buttons[0].text",
        marketing(
            *[
                template_card(
                    BUTTONS={"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "x" * 26}]}
                )
                for _ in range(2)
            ]
        ),
    ),
    (
        "cards[0].header",
        marketing(*[template_card(HEADER={"type": "HEADER", "format": "DOCUMENT"}) for _ in range(2)]),
    ),
    (
        "cards[0].body",
        marketing(*[template_card(BODY={"type": "BODY", "text": "x" * 161}) for _ in range(2)]),
    ),
    ("cards[0].buttons", marketing(*[template_card(BUTTONS=None) for _ in range(2)])),
    ("header", replace(PLAIN, header={"type": "PRODUCT"})),
    ("header", buttons_of({"type": "SPM", "text": "View"})),
    ("cards", replace(marketing(template_card(), template_card()), footer_text="Hi")),
    ("cards", replace(marketing(template_card(), template_card()), buttons=[URL_BUTTON])),
    ("category", replace(marketing(PRODUCT_CARD, PRODUCT_CARD), category="UTILITY")),
    ("cards[0].buttons", marketing(*[template_card(HEADER=PRODUCT) for _ in range(2)])),
]


@pytest.mark.parametrize(
    ("field", "definition"), REFUSED, ids=[f"{number}-{field}" for number, (field, _) in enumerate(REFUSED)]
)
def test_what_meta_would_refuse_is_refused_by_name(field: str, definition: TemplateDefinition) -> None:
    with pytest.raises(InvalidMessage) as caught:
        definition.payload()
    assert caught.value.field == field


@pytest.mark.parametrize(
    "definition",
    [
        buttons_of(
            reply(1), reply(2), URL_BUTTON, {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1555"}
        ),
        buttons_of(URL_BUTTON, reply(1), reply(2)),
        buttons_of({"type": "COPY_CODE", "example": ["x" * 15]}),
        buttons_of({"type": "FLOW", "text": "Book", "flow_id": "1"}),
        replace(PLAIN, header={"type": "TEXT", "text": "snake_case {{order_id}}"}),
        replace(PLAIN, message_send_ttl_seconds=-1),
        replace(PLAIN, body_text="x" * 1024, footer_text="x" * 60),
        replace(PLAIN, language="fil"),
    ],
)
def test_what_meta_allows_passes(definition: TemplateDefinition) -> None:
    assert definition.payload()["components"]
