"""The rules of Meta's that a template can be checked against without asking Meta.

Source: Meta's pages "template components", "authentication templates", "limited-time offer", "carousel templates"
and "time to live".
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.operations.template_buttons import check_buttons
from django_meta_whatsapp.cloud_api.template_variables import VARIABLE, variables_of

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
HEADER_FORMATS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "GIF", "LOCATION", "PRODUCT")
_NEEDS_HANDLE = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
_NAME = re.compile(r"[a-z0-9_]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")
_VARIABLE_NAME = re.compile(r"[a-z0-9_]+")
_EMOJI = re.compile("[\U0001f000-\U0001faff☀-➿️⃣]")
_MARKDOWN = re.compile(r"\*|```|(?<!\w)_[^_]+_(?!\w)|(?<!\w)~[^~]+~(?!\w)")
_TTL_SECONDS = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, 2_592_000)}
_BODY_LIMIT, _CARD_BODY_LIMIT, _OFFER_BODY_LIMIT = 1024, 160, 600


def check_definition(definition: JSON) -> None:
    """Raises InvalidMessage, naming the field, for a definition that Meta would refuse out of hand."""
    checks.text("name", definition["name"], 512)
    if not _NAME.fullmatch(definition["name"]):
        raise checks.invalid("name", "may hold only lower-case letters, digits and underscores")
    if not _LANGUAGE.fullmatch(definition["language"]):
        raise checks.invalid("language", "must be a language code of Meta's such as en or en_US")
    category = checks.one_of("category", definition["category"], CATEGORIES)
    _check_ttl(category, definition.get("message_send_ttl_seconds"))
    components = _by_type(definition["components"])
    if category == "AUTHENTICATION":
        check_buttons(components["BUTTONS"]["buttons"], category)
        return
    _check_header(components.get("HEADER"))
    _check_body(components)
    _check_footer(components)
    _check_formats(definition, components)
    check_buttons(components.get("BUTTONS", {}).get("buttons") or (), category)
    _check_offer(components, category)
    _check_product(components)
    _check_carousel(components, category)


def _by_type(components: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    types = [str(component.get("type", "")).upper() for component in components]
    checks.unique("components: types", types)
    return dict(zip(types, components, strict=True))


def _check_ttl(category: str, seconds: int | None) -> None:
    if seconds is None or (seconds == -1 and category != "MARKETING"):
        return
    lowest, highest = _TTL_SECONDS[category]
    if not lowest <= seconds <= highest:
        raise checks.invalid(
            "message_send_ttl_seconds", f"must lie between {lowest} and {highest} for {category}"
        )


def _check_variables(field: str, text: str) -> tuple[str, ...]:
    rest = VARIABLE.sub("", text)
    if "{{" in rest or "}}" in rest:
        raise checks.invalid(field, "has braces that are no variable; write {{1}} or {{order_id}}")
    names = variables_of(text)
    numbers = [name for name in names if name.isdecimal()]
    if numbers and len(numbers) != len(names):
        raise checks.invalid(field, "mixes numbered and named variables")
    if numbers and [int(number) for number in numbers] != list(range(1, len(numbers) + 1)):
        raise checks.invalid(field, "must number its variables from 1 on without gaps")
    for name in names:
        if not _VARIABLE_NAME.fullmatch(name):
            raise checks.invalid(
                field, f"has the variable {name!r}: only a-z, digits and underscores are allowed"
            )
    return names


def _check_header(header: Mapping[str, Any] | None) -> None:
    if header is None:
        return
    format_ = checks.one_of("header", str(header.get("format")), HEADER_FORMATS)
    if format_ in _NEEDS_HANDLE and not (header.get("example") or {}).get("header_handle"):
        raise checks.invalid(
            "header", f"needs the handle of a sample {format_.lower()} (see the resumable upload)"
        )
    if format_ != "TEXT":
        return
    text = checks.text("header", header["text"], 60)
    if len(_check_variables("header", text)) > 1:
        raise checks.invalid("header", "may have one variable")
    plain = VARIABLE.sub("", text)
    if "\n" in plain or _EMOJI.search(plain) or _MARKDOWN.search(plain):
        raise checks.invalid("header", "may not have line breaks, emoji or formatting")


def _check_body(components: Mapping[str, Mapping[str, Any]]) -> None:
    buttons = components.get("BUTTONS", {}).get("buttons") or ()
    limit = _BODY_LIMIT
    if "LIMITED_TIME_OFFER" in components:
        limit = _OFFER_BODY_LIMIT
    elif any(button.get("type") == "SPM" for button in buttons):
        limit = _CARD_BODY_LIMIT
    _check_body_text("body_text", str(components.get("BODY", {}).get("text") or ""), limit)


def _check_body_text(field: str, text: str, limit: int) -> None:
    checks.text(field, text, limit)
    _check_variables(field, text)
    stripped = text.strip()
    if stripped.startswith("{{") or stripped.endswith("}}"):
        raise checks.invalid(field, "may not begin or end with a variable")


def _check_footer(components: Mapping[str, Mapping[str, Any]]) -> None:
    footer = components.get("FOOTER")
    if footer is None:
        return
    text = checks.text("footer_text", footer["text"], 60)
    if "{{" in text:
        raise checks.invalid("footer_text", "may not have variables")
    if "LIMITED_TIME_OFFER" in components:
        raise checks.invalid("footer_text", "is not allowed with a limited-time offer")


def _check_formats(definition: JSON, components: Mapping[str, Mapping[str, Any]]) -> None:
    texts = [str(components.get(type_, {}).get("text") or "") for type_ in ("HEADER", "BODY")]
    kinds = {name.isdecimal() for text in texts for name in variables_of(text)}
    if len(kinds) > 1:
        raise checks.invalid("header", "and body must both number their variables or both name them")
    if kinds and definition["parameter_format"] != ("POSITIONAL" if kinds == {True} else "NAMED"):
        raise checks.invalid("parameter_format", "does not fit the variables in the texts")


def _check_offer(components: Mapping[str, Mapping[str, Any]], category: str) -> None:
    offer = components.get("LIMITED_TIME_OFFER")
    if offer is None:
        return
    if category != "MARKETING":
        raise checks.invalid("category", "must be MARKETING for a limited-time offer")
    checks.text("limited_time_offer.text", str((offer.get("limited_time_offer") or {}).get("text") or ""), 16)
    if "HEADER" in components and components["HEADER"].get("format") not in ("IMAGE", "VIDEO"):
        raise checks.invalid("header", "of a limited-time offer must be an IMAGE or a VIDEO")
    types = [button["type"] for button in components.get("BUTTONS", {}).get("buttons") or ()]
    if types not in (["COPY_CODE", "URL"], ["URL"]):
        raise checks.invalid("buttons", "of a limited-time offer must be a URL, or COPY_CODE and then a URL")


def _check_product(components: Mapping[str, Mapping[str, Any]]) -> None:
    buttons = components.get("BUTTONS", {}).get("buttons") or ()
    shows_product = components.get("HEADER", {}).get("format") == "PRODUCT"
    if shows_product != any(button.get("type") == "SPM" for button in buttons):
        raise checks.invalid("header", "of the format PRODUCT and a button of the type SPM need each other")


def _check_carousel(components: Mapping[str, Mapping[str, Any]], category: str) -> None:
    carousel = components.get("CAROUSEL")
    if carousel is None:
        return
    if strange := components.keys() - {"BODY", "CAROUSEL"}:
        raise checks.invalid(
            "cards", f"leave no room for {min(strange)}: a carousel has a body beside its cards"
        )
    cards = [_by_type(card.get("components") or ()) for card in carousel.get("cards") or ()]
    checks.count("cards", cards, 2, 10)
    if len({_shape(card) for card in cards}) > 1:
        raise checks.invalid("cards", "must all have the same parts, header formats and buttons")
    for number, card in enumerate(cards):
        field = f"cards[{number}]"
        format_ = str(card.get("HEADER", {}).get("format"))
        checks.one_of(f"{field}.header", format_, ("IMAGE", "VIDEO", "PRODUCT"))
        if "BODY" in card:
            _check_body_text(f"{field}.body", str(card["BODY"].get("text") or ""), _CARD_BODY_LIMIT)
        buttons = card.get("BUTTONS", {}).get("buttons") or ()
        checks.count(f"{field}.buttons", buttons, 1, 2)
        check_buttons(buttons, category, field=f"{field}.buttons")
        if format_ == "PRODUCT":
            _check_product_card(field, [str(button.get("type")) for button in buttons], category)


def _check_product_card(field: str, buttons: Sequence[str], category: str) -> None:
    if category != "MARKETING":
        raise checks.invalid("category", "must be MARKETING for cards with products")
    if list(buttons) not in (["SPM"], ["URL"]):
        raise checks.invalid(f"{field}.buttons", "of a card with a product must be one SPM or one URL")


def _shape(card: Mapping[str, Mapping[str, Any]]) -> tuple[Any, ...]:
    buttons = Counter(str(button.get("type")) for button in card.get("BUTTONS", {}).get("buttons") or ())
    return (frozenset(card), card.get("HEADER", {}).get("format"), frozenset(buttons.items()))
