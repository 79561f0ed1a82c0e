"""What a send of a template must supply, worked out once from the template's components."""

import re
from dataclasses import dataclass, field
from typing import Any

from whatsapp_simulator.http import JSON

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
BODY_MAX, OFFER_BODY_MAX, SHORT_BODY_MAX = 1024, 600, 160
_FREE_BUTTONS = frozenset({"PHONE_NUMBER", "SPM", "REQUEST_CONTACT_INFO"})


@dataclass(slots=True)
class TextShape:
    """A text with variables, in the order of their first use."""

    text: str = ""
    variables: tuple[str, ...] = ()


@dataclass(slots=True)
class ButtonShape:
    """A button: its upper-case type and whether a send must give it a parameter."""

    type: str
    needs_parameter: bool


@dataclass(slots=True)
class TemplateShape:
    """``header_format`` is "" without a header; ``cards`` holds the shape of each carousel card.

    ``body_max`` is how long the body may be with its variables filled in.
    """

    named: bool
    body_max: int = BODY_MAX
    header_format: str = ""
    header: TextShape = field(default_factory=TextShape)
    body: TextShape = field(default_factory=TextShape)
    buttons: list[ButtonShape] = field(default_factory=list)
    limited_time_offer: bool = False
    cards: list["TemplateShape"] = field(default_factory=list)


def text_shape(text: str) -> TextShape:
    """The variables of ``text``."""
    return TextShape(text, tuple(dict.fromkeys(_VARIABLE.findall(text))))


def hydrate(shape: TextShape, values: dict[str, str]) -> str:
    """The text with its variables filled in."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), shape.text)


def shape_of(components: list[JSON], parameter_format: str) -> TemplateShape:
    """The shape of a template (or of a card) with these components."""
    shape = TemplateShape(parameter_format.upper() == "NAMED")
    for component in components:
        kind = str(component.get("type", "")).upper()
        if kind == "HEADER":
            shape.header_format = str(component.get("format", "TEXT")).upper()
            shape.header = text_shape(component.get("text") or "")
        elif kind == "BODY":
            shape.body = text_shape(component.get("text") or "")
        elif kind == "BUTTONS":
            shape.buttons = [_button(button) for button in component.get("buttons", ())]
        elif kind == "LIMITED_TIME_OFFER":
            shape.limited_time_offer = bool(component.get("limited_time_offer", {}).get("has_expiration"))
            shape.body_max = OFFER_BODY_MAX
        elif kind == "CAROUSEL":
            shape.cards = [_card(card["components"], parameter_format) for card in component["cards"]]
    if any(button.type == "SPM" for button in shape.buttons):
        shape.body_max = SHORT_BODY_MAX
    if any(button.type == "OTP" for button in shape.buttons):
        # Meta writes the body of authentication templates itself: it holds the code, and the button copies it.
        shape.body = TextShape("{{1}}", ("1",))
    return shape


def _card(components: list[JSON], parameter_format: str) -> TemplateShape:
    shape = shape_of(components, parameter_format)
    shape.body_max = SHORT_BODY_MAX
    return shape


def _button(button: dict[str, Any]) -> ButtonShape:
    kind = str(button.get("type", "")).upper()
    needs = kind in {"COPY_CODE", "MPM", "OTP", "ORDER_DETAILS"} or (
        kind == "URL" and bool(_VARIABLE.search(button.get("url") or ""))
    )
    return ButtonShape(kind, needs and kind not in _FREE_BUTTONS)
