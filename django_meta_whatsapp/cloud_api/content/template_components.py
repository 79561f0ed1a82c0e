"""What fills a template when it is sent: header, body, buttons (Meta's pages "template components" and "send").

Each function returns one component, ready for `Template.components`; `build_template_components` is the
reference's shorthand for the common ones.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.commerce import RETAILER_ID_LIMIT, product_sections
from django_meta_whatsapp.cloud_api.content.payments import order_parameters
from django_meta_whatsapp.cloud_api.content.people import Location
from django_meta_whatsapp.cloud_api.content.text_media import Document, Image, Video

PAYLOAD_LIMIT = 256
COPY_CODE_LIMIT = 20
OTP_LIMIT = 15
LAST_BUTTON = 9
_CURRENCY = re.compile(r"[A-Z]{3}")
_REFUSED_LAYOUT = re.compile(r"[\n\r\t]| {5}")
_LETTERS_AND_DIGITS = re.compile(r"[A-Za-z0-9]+")

Values = Sequence[Any] | Mapping[str, Any]
"""The values of variables: a list for `{{1}}`, `{{2}}` … in order, or a mapping by name (or by number).

A value may also be a parameter that is already built, such as `currency(…)`.
"""


def text_parameter(value: Any, name: str = "", *, field: str = "text") -> JSON:
    """A text for one variable; `name` for templates with named variables.

    It must not be blank and, says Meta's error 132018, not have line breaks, tabs or more than four blanks in a row.
    """
    if value is None:
        raise checks.invalid(field, "has no value")
    named = {"parameter_name": name} if name else {}
    text = checks.text(field, str(value))
    if _REFUSED_LAYOUT.search(text):
        raise checks.invalid(field, "must not have line breaks, tabs or more than four blanks in a row")
    return {"type": "text", **named, "text": text}


def currency(fallback: str, code: str, amount_1000: int) -> JSON:
    """A parameter for an amount of money. amount_1000: the amount times 1,000; fallback: shown otherwise."""
    if not _CURRENCY.fullmatch(code):
        raise checks.invalid("code", f"is {code!r}, a code such as USD is expected")
    shown = checks.text("fallback", fallback)
    amount = {"fallback_value": shown, "code": code, "amount_1000": amount_1000}
    return {"type": "currency", "currency": amount}


def date_time(fallback: str) -> JSON:
    """A parameter for a date. Meta shows `fallback` as it is."""
    return {"type": "date_time", "date_time": {"fallback_value": checks.text("fallback", fallback)}}


def header_text(values: Values) -> JSON:
    """The value of the one variable that a text header can have."""
    return {"type": "header", "parameters": _parameters("header_params", values)}


def header_media(medium: Image | Video | Document) -> JSON:
    """The picture, film or document of a media header."""
    source = {key: value for key, value in medium.payload().items() if key != "caption"}
    return {"type": "header", "parameters": [{"type": medium.type, medium.type: source}]}


def header_location(place: Location) -> JSON:
    """The place of a location header."""
    return {"type": "header", "parameters": [{"type": "location", "location": place.payload()}]}


def header_product(catalog_id: str, retailer_id: str) -> JSON:
    """The product of a product header."""
    product = {
        "product_retailer_id": checks.text("retailer_id", retailer_id, RETAILER_ID_LIMIT),
        "catalog_id": checks.text("catalog_id", catalog_id, 100),
    }
    return {"type": "header", "parameters": [{"type": "product", "product": product}]}


def body(values: Values) -> JSON:
    """The values of the body's variables."""
    return {"type": "body", "parameters": _parameters("body_params", values)}


def _parameters(field: str, values: Values) -> list[JSON]:
    if isinstance(values, str):
        raise checks.invalid(field, "must be a list of values, not one text")
    if type(values) is list and all(map(_is_plain, values)):
        return [{"type": "text", "text": value} for value in values]  # what campaigns send by the thousand
    if isinstance(values, Mapping):
        if all(str(name).isdecimal() for name in values):
            return _parameters(field, [values[name] for name in sorted(values, key=int)])
        return [_parameter(f"{field}[{name}]", value, str(name)) for name, value in values.items()]
    return [_parameter(f"{field}[{number}]", value) for number, value in enumerate(values)]


def _is_plain(value: Any) -> bool:
    return type(value) is str and bool(value.strip()) and not _REFUSED_LAYOUT.search(value)


def _parameter(field: str, value: Any, name: str = "") -> JSON:
    if isinstance(value, Mapping) and "type" in value:
        return {**value, **({"parameter_name": name} if name else {})}
    return text_parameter(value, name, field=field)


def _button(sub_type: str, index: int | str, parameters: list[JSON]) -> JSON:
    position = str(index)
    if not position.isdecimal() or int(position) > LAST_BUTTON:
        raise checks.invalid("index", f"is {position!r}, must lie between 0 and {LAST_BUTTON}")
    # Meta documents the position as text.
    return {"type": "button", "sub_type": sub_type, "index": position, "parameters": parameters}


def _action(sub_type: str, index: int | str, action: JSON) -> JSON:
    return _button(sub_type, index, [{"type": "action", "action": action}])


def quick_reply(index: int | str, payload: str) -> JSON:
    """What comes back when the button is pressed, up to 256 characters (without this: the button's text)."""
    value = checks.text("payload", payload, PAYLOAD_LIMIT)
    return _button("quick_reply", index, [{"type": "payload", "payload": value}])


def url(index: int | str, suffix: str) -> JSON:
    """What stands in place of the variable at the end of the button's address."""
    return _button("url", index, [text_parameter(suffix, field="payload")])


def copy_code(index: int | str, code: str) -> JSON:
    """The coupon code, up to 20 letters and digits."""
    checks.text("coupon_code", code, COPY_CODE_LIMIT)
    if not _LETTERS_AND_DIGITS.fullmatch(code):
        raise checks.invalid("coupon_code", "must consist of letters and digits")
    return _button("copy_code", index, [{"type": "coupon_code", "coupon_code": code}])


def flow(index: int | str, token: str = "", data: Mapping[str, Any] | None = None) -> JSON:
    """The token that comes back with the form's answer, and data for its first screen; both optional."""
    action: JSON = {"flow_token": token} if token else {}
    if data:
        action["flow_action_data"] = dict(data)
    return _action("flow", index, action)


def catalog(index: int | str, thumbnail_retailer_id: str = "") -> JSON:
    """Whose picture stands for the catalog; the first product's when empty."""
    thumbnail = {"thumbnail_product_retailer_id": thumbnail_retailer_id} if thumbnail_retailer_id else {}
    return _action("CATALOG", index, thumbnail)


def mpm(index: int | str, thumbnail_retailer_id: str, sections: Sequence[Mapping[str, Any]]) -> JSON:
    """The products of a multi-product template: up to 30 in up to 10 sections, see `product_sections`."""
    thumbnail = checks.text("thumbnail_product_retailer_id", thumbnail_retailer_id, RETAILER_ID_LIMIT)
    action = {"thumbnail_product_retailer_id": thumbnail, "sections": product_sections("sections", sections)}
    return _action("mpm", index, action)


def order_details(index: int | str, parameters: Mapping[str, Any]) -> JSON:
    """The order of a template with a button to review and pay, see `order_parameters`."""
    return _action("order_details", index, {"order_details": order_parameters(parameters)})


def limited_time_offer(expiration_time_ms: int) -> JSON:
    """When the offer ends: milliseconds since 1970."""
    if (
        isinstance(expiration_time_ms, bool)
        or not isinstance(expiration_time_ms, int)
        or expiration_time_ms <= 0
    ):
        raise checks.invalid("expiration_time_ms", "must be a whole number of milliseconds since 1970")
    offer = {"expiration_time_ms": expiration_time_ms}
    parameter = {"type": "limited_time_offer", "limited_time_offer": offer}
    return {"type": "limited_time_offer", "parameters": [parameter]}


def carousel(cards: Sequence[Sequence[JSON]]) -> JSON:
    """The components of each card, 2 to 10 cards."""
    checks.count("cards", cards, 2, 10)
    built = [{"card_index": index, "components": list(components)} for index, components in enumerate(cards)]
    return {"type": "carousel", "cards": built}


def authentication(code: str) -> list[JSON]:
    """Both components of an authentication template: the code (up to 15 characters) in body and button."""
    checks.text("code", code, OTP_LIMIT)
    return [body([code]), url(0, code)]


def build_template_components(
    header_params: Values | None = None,
    body_params: Values | None = None,
    buttons: Sequence[Mapping[str, Any]] | None = None,
) -> list[JSON]:
    """The components for plain values, in the form that the reference documents.

    header_params, body_params: see `Values`.
    buttons: `{"index": 0, "sub_type": …, "payload": …}`. By sub_type, the payload is: `url` the end of the
        address, `quick_reply` (the default) what comes back, `copy_code` the coupon code, `flow` the token or
        `{"flow_token", "flow_action_data"}`, `catalog` the thumbnail's retailer id, `mpm`
        `{"thumbnail_product_retailer_id", "sections"}`, `order_details` the order.
    Raises InvalidMessage for a value that is missing or too long.
    """
    components = []
    if header_params:
        components.append(header_text(header_params))
    if body_params:
        components.append(body(body_params))
    return components + [_built_button(f"buttons[{n}]", button) for n, button in enumerate(buttons or ())]


def _built_button(field: str, button: Mapping[str, Any]) -> JSON:
    sub_type = checks.one_of(
        f"{field}.sub_type", str(button.get("sub_type", "quick_reply")).lower(), tuple(_BUTTONS)
    )
    payload = button.get("payload")
    if payload is None and sub_type not in ("flow", "catalog"):
        raise checks.invalid(f"{field}.payload", "has no value")
    return _BUTTONS[sub_type](button.get("index", 0), payload)


def _flow_of(index: int | str, payload: Any) -> JSON:
    if not isinstance(payload, Mapping):
        return flow(index, str(payload or ""))
    return flow(index, str(payload.get("flow_token") or ""), payload.get("flow_action_data"))


def _mpm_of(index: int | str, payload: Any) -> JSON:
    values = checks.mapping("payload", payload)
    sections = values.get("sections")
    thumbnail = str(values.get("thumbnail_product_retailer_id") or "")
    return mpm(index, thumbnail, sections if isinstance(sections, Sequence) else ())


def _order_of(index: int | str, payload: Any) -> JSON:
    return order_details(index, checks.mapping("payload", payload))


_BUTTONS: dict[str, Callable[[int | str, Any], JSON]] = {
    "quick_reply": lambda index, payload: quick_reply(index, str(payload)),
    "url": url,
    "copy_code": lambda index, payload: copy_code(index, str(payload)),
    "flow": _flow_of,
    "catalog": lambda index, payload: catalog(index, str(payload or "")),
    "mpm": _mpm_of,
    "order_details": _order_of,
}
