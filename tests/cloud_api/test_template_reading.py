"""Templates as Meta tells them: read back, and what they need when they are sent."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_meta_whatsapp.cloud_api.operations.template_definition import (
    definition_from_meta,
)
from django_meta_whatsapp.cloud_api.template_variables import ButtonVariable, template_variables, variables_of
from tests.cloud_api.template_parts import (
    APP,
    CODE_BUTTON,
    LOGIN,
    OFFER,
    PICTURE,
    PLAIN,
    URL_BUTTON,
    marketing,
    reply,
    template_card,
)

SYNCED = {
    "id": "900000000000001",
    "name": "order_shipped",
    "language": "en_US",
    "category": "UTILITY",
    "parameter_format": "NAMED",
    "status": "APPROVED",
    "components": [
        {
            "type": "HEADER",
            "format": "TEXT",
            "text": "Order {{order_id}}",
            "example": {"header_text_named_params": [{"param_name": "order_id", "example": "A-1001"}]},
        },
        {
            "type": "BODY",
            "text": "Hello {{first_name}}, it left.",
            "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Maya"}]},
        },
        {"type": "FOOTER", "text": "Sample Shop"},
        {
            "type": "BUTTONS",
            "buttons": [
                {
                    "type": "URL",
                    "text": "Track",
                    "url": "https://shop.example/t/{{1}}",
                    "example": ["A-1001"],
                },
                {"type": "QUICK_REPLY", "text": "Need help"},
            ],
        },
    ],
}


def test_a_synced_template_has_its_plain_values() -> None:
    definition = definition_from_meta(SYNCED)
    assert definition.header == {
        "type": "TEXT",
        "text": "Order {{order_id}}",
        "example": {"header_text_named_params": [{"param_name": "order_id", "example": "A-1001"}]},
    }
    assert (definition.body_text, definition.footer_text) == ("Hello {{first_name}}, it left.", "Sample Shop")
    assert [button["type"] for button in definition.buttons] == ["URL", "QUICK_REPLY"]
    assert definition.examples == {"body": {"first_name": "Maya"}}


@pytest.mark.parametrize(
    "template",
    [
        SYNCED,
        {**PLAIN.payload(), "message_send_ttl_seconds": 60},
        replace(PLAIN, body_text="Hi {{1}} and {{2}} bye", examples={"body": ["a", "b"]}).payload(),
        replace(
            PLAIN, header={"type": "TEXT", "text": "Order {{1}}"}, examples={"header": ["A-1"]}
        ).payload(),
        replace(PLAIN, header=PICTURE).payload(),
        replace(PLAIN, category="MARKETING", other_components=[OFFER], buttons=[URL_BUTTON]).payload(),
        marketing(template_card(), template_card()).payload(),
        replace(LOGIN, footer_text="10", buttons=[{"type": "ONE_TAP", "supported_apps": [APP]}]).payload(),
    ],
)
def test_a_template_read_back_and_built_again_is_the_same(template: dict[str, Any]) -> None:
    built = definition_from_meta(template).payload()
    assert built == {key: template[key] for key in template if key not in ("id", "status")}


@pytest.mark.parametrize(
    "template", [{}, {"components": None}, {"components": ["noise", {"type": "BUTTONS"}]}]
)
def test_a_template_that_lacks_parts_has_empty_values(template: dict[str, Any]) -> None:
    definition = definition_from_meta(template)
    assert (definition.header, definition.body_text, list(definition.buttons)) == (None, "", [])


def test_variables_are_listed_in_numeric_order_or_as_they_appear() -> None:
    text = " ".join(f"{{{{{n}}}}}" for n in (2, 10, 9, 1, 2))
    assert variables_of(text) == ("1", "2", "9", "10")
    assert variables_of("{{b}} {{a}} {{b}}") == ("b", "a")
    assert variables_of("none") == ()


@given(st.permutations([str(n) for n in range(1, 31)]))
def test_the_order_in_the_text_never_changes_the_order_of_numbers(numbers: list[str]) -> None:
    text = " and ".join(f"{{{{{n}}}}}" for n in numbers)
    assert variables_of(text) == tuple(str(n) for n in range(1, 31))


def test_a_template_says_what_it_needs_when_it_is_sent() -> None:
    variables = template_variables(SYNCED["components"])  # type: ignore[arg-type]
    assert (variables.header, variables.body) == (("order_id",), ("first_name",))
    assert variables.buttons == (ButtonVariable(0, "url", "1"),)
    assert variables.named is True
    assert (variables.header_needs_media, variables.header_needs_object) == (False, False)


@pytest.mark.parametrize(
    ("header", "media", "place"),
    [("IMAGE", True, False), ("document", True, False), ("LOCATION", False, True), ("PRODUCT", False, True)],
)
def test_headers_that_show_something_need_it_at_each_send(header: str, media: bool, place: bool) -> None:
    variables = template_variables([{"type": "HEADER", "format": header}])
    assert (variables.header_needs_media, variables.header_needs_object) == (media, place)


def test_buttons_that_need_a_value_are_known_by_their_place() -> None:
    buttons = [reply(), URL_BUTTON, CODE_BUTTON, {"type": "MPM", "text": "View items"}]
    variables = template_variables([{"type": "buttons", "buttons": buttons}, OFFER])
    assert variables.buttons == (ButtonVariable(2, "copy_code"), ButtonVariable(3, "mpm"))
    assert variables.optional_buttons == (ButtonVariable(0, "quick_reply"),)
    assert variables.needs_expiration is True


def test_a_login_template_needs_its_code_twice() -> None:
    variables = template_variables(LOGIN.payload()["components"])
    assert (variables.body, variables.buttons) == (("1",), (ButtonVariable(0, "url", "1"),))
    assert variables.named is False
