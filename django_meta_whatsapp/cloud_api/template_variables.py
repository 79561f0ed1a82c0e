"""The variables of a template: which there are, in which order, and where their values go."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VARIABLE = re.compile(r"{{\s*([A-Za-z0-9_]+)\s*}}")
_MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
_OTHER_FORMATS = ("LOCATION", "PRODUCT")
_BUTTON_SUB_TYPES = {"COPY_CODE": "copy_code", "MPM": "mpm", "ORDER_DETAILS": "order_details"}
_OPTIONAL_SUB_TYPES = {"QUICK_REPLY": "quick_reply", "FLOW": "flow", "CATALOG": "catalog"}


@dataclass(frozen=True, slots=True)
class ButtonVariable:
    """A button that takes a value when the template is sent. index: its place among the template's buttons.

    sub_type: as `build_template_components` takes it. name: the variable in the address (`1`), else empty.
    """

    index: int
    sub_type: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class TemplateVariables:
    """What a template needs when it is sent.

    header, body: names, or numbers as text in numeric order. named: whether values go by name.
    buttons: those that need a value; optional_buttons: those that may have one.
    header_format: `TEXT`, `IMAGE` …, or empty. needs_expiration: whether the end of an offer must be told.
    cards: what each card of a carousel needs.
    """

    header: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    buttons: tuple[ButtonVariable, ...] = ()
    optional_buttons: tuple[ButtonVariable, ...] = ()
    header_format: str = ""
    needs_expiration: bool = False
    cards: tuple["TemplateVariables", ...] = ()

    @property
    def named(self) -> bool:
        """True when the template's variables have names instead of numbers."""
        return any(not name.isdecimal() for name in (*self.header, *self.body))

    @property
    def header_needs_media(self) -> bool:
        """True when each send must name a picture, film or document for the header."""
        return self.header_format in _MEDIA_FORMATS

    @property
    def header_needs_object(self) -> bool:
        """True when each send must name a place or a product for the header."""
        return self.header_format in _OTHER_FORMATS


def variables_of(text: str) -> tuple[str, ...]:
    """The variables in a text, each once: numbers in numeric order (10 after 9), names as they appear."""
    names = tuple(dict.fromkeys(VARIABLE.findall(text)))
    return tuple(sorted(names, key=int)) if all(name.isdecimal() for name in names) else names


def template_variables(components: Sequence[Mapping[str, Any]]) -> TemplateVariables:
    """The variables of a template in Meta's shape (its `components`)."""
    header = component_of(components, "HEADER")
    body = component_of(components, "BODY")
    buttons = component_of(components, "BUTTONS").get("buttons") or ()
    offer = component_of(components, "LIMITED_TIME_OFFER").get("limited_time_offer") or {}
    cards = component_of(components, "CAROUSEL").get("cards") or ()
    numbered = list(enumerate(buttons))
    return TemplateVariables(
        header=variables_of(_text(header)),
        # The body of an authentication template is Meta's: a definition may not spell its one variable out.
        body=variables_of(_text(body)) or (("1",) if any(map(_is_otp, buttons)) else ()),
        buttons=tuple(found for index, button in numbered if (found := _needed(index, button))),
        optional_buttons=tuple(found for index, button in numbered if (found := _optional(index, button))),
        header_format=str(header.get("format") or "").upper(),
        needs_expiration=bool(offer.get("has_expiration")),
        cards=tuple(template_variables(card.get("components") or ()) for card in cards),
    )


def _is_otp(button: Mapping[str, Any]) -> bool:
    return str(button.get("type", "")).upper() == "OTP"


def _needed(index: int, button: Mapping[str, Any]) -> ButtonVariable | None:
    if _is_otp(button):
        return ButtonVariable(index, "url", "1")
    type_ = str(button.get("type", "")).upper()
    if type_ == "URL":
        names = variables_of(str(button.get("url") or ""))
        return ButtonVariable(index, "url", names[0]) if names else None
    return ButtonVariable(index, _BUTTON_SUB_TYPES[type_]) if type_ in _BUTTON_SUB_TYPES else None


def _optional(index: int, button: Mapping[str, Any]) -> ButtonVariable | None:
    type_ = str(button.get("type", "")).upper()
    return ButtonVariable(index, _OPTIONAL_SUB_TYPES[type_]) if type_ in _OPTIONAL_SUB_TYPES else None


def component_of(components: Sequence[Mapping[str, Any]], type_: str) -> Mapping[str, Any]:
    """The component of a type (`HEADER`, `BODY` …); an empty one when the template has none."""
    found = (each for each in components if str(each.get("type", "")).upper() == type_)
    return next(found, {})


def _text(component: Mapping[str, Any]) -> str:
    text = component.get("text")
    return text if isinstance(text, str) else ""
