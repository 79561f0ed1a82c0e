"""A message as text, for the conversation: header, body, footer and buttons, line by line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django_meta_whatsapp.cloud_api.template_variables import VARIABLE, component_of

Piece = str | tuple[str, str]
"""A text, or the key of a recipient's value and what stands there without one."""
_SHOWN = {
    "IMAGE": "[image]",
    "VIDEO": "[video]",
    "GIF": "[gif]",
    "DOCUMENT": "[document]",
    "LOCATION": "[location]",
    "PRODUCT": "[product]",
}
_CODE = "{{1}}"
CARD_MARK = "• "
"""Before each card of a carousel."""
_NAMES = ("COPY_CODE", "Copy code"), ("OTP", "Copy code"), ("CATALOG", "View catalog"), ("MPM", "View items")
_OWN_NAMES = dict(_NAMES) | {"SPM": "View", "ORDER_DETAILS": "Review and Pay"}


@dataclass(frozen=True, slots=True)
class Text:
    """Pieces in their order; a recipient's values make a text of them."""

    pieces: tuple[Piece, ...]

    def of(self, values: Mapping[str, Any]) -> str:
        """The text for somebody with these values."""
        # A list: `join` would make one of a generator first.
        return "".join(
            [piece if isinstance(piece, str) else str(values.get(*piece)) for piece in self.pieces]
        )

    def measure(self) -> Callable[[Mapping[str, Any]], int]:
        """What tells of values how long that text is, in characters."""
        fixed = sum(len(piece) for piece in self.pieces if isinstance(piece, str))
        keys = [piece[0] for piece in self.pieces if not isinstance(piece, str)]
        return lambda values: fixed + sum([len(str(values.get(key, ""))) for key in keys])


def text_of(text: str, keys: Mapping[str, str]) -> Text:
    """A text of the template, its variables found in recipients' values. keys: variable to key."""
    pieces: list[Piece] = []
    end = 0
    for found in VARIABLE.finditer(text):
        pieces.append(text[end : found.start()])
        pieces.append((keys[found[1]], found[0]) if found[1] in keys else found[0])
        end = found.end()
    pieces.append(text[end:])
    return Text(tuple(piece for piece in pieces if piece))


def body_text(components: Sequence[Mapping[str, Any]]) -> str:
    """The body as Meta has it; of an authentication template that does not spell it out, the code alone."""
    text = str(component_of(components, "BODY").get("text") or "")
    buttons = component_of(components, "BUTTONS").get("buttons") or ()
    is_code = any(str(button.get("type", "")).upper() == "OTP" for button in buttons)
    return text or (_CODE if is_code else "")


def message_text(
    components: Sequence[Mapping[str, Any]],
    keys: Mapping[str, Mapping[str, str]],
    labels: Sequence[Piece] = (),
) -> Text:
    """The whole message, or a whole card, as text.

    keys: by part (`header`, `body`, and `button_0` …) the variables' keys in recipients' values; labels: what follows the
    word for a header that is no text, such as a file's name.
    """
    lines = [
        _header(component_of(components, "HEADER"), keys.get("header", {}), labels),
        (_offer(component_of(components, "LIMITED_TIME_OFFER")),),
        text_of(body_text(components), keys.get("body", {})).pieces,
        (str(component_of(components, "FOOTER").get("text") or ""),),
        _buttons(component_of(components, "BUTTONS").get("buttons") or (), keys),
    ]
    return joined([Text(tuple(piece for piece in line if piece)) for line in lines])


def sent_text(components: Sequence[Mapping[str, Any]], sent: Mapping[str, Any]) -> str:
    """A template as it reads when it was sent; variables without a value stay as they are.

    components: of its definition; sent: the object that went to Meta, or a card of it, with `components` of its own.
    """
    given = _listed(sent, "components")
    keys: dict[str, dict[str, str]] = {}
    values: dict[str, str] = {}
    for part in given:
        name = _name(part)
        for number, parameter in enumerate(_listed(part, "parameters"), start=1):
            variable = str(parameter.get("parameter_name") or number)
            keys.setdefault(name, {})[variable] = f"{name}:{variable}"
            values[f"{name}:{variable}"] = _value(parameter)
    label = values.get("header:1", "")
    shown = message_text(components, keys, [label] if label else []).of(values)
    defined = component_of(components, "CAROUSEL").get("cards") or ()
    for number, card in enumerate(_listed(component_of(given, "CAROUSEL"), "cards")):
        if defined:
            inner = defined[min(number, len(defined) - 1)].get("components") or ()
            shown += f"\n{CARD_MARK}{sent_text(inner, card)}"
    return shown.strip()


def _name(part: Mapping[str, Any]) -> str:
    type_ = str(part.get("type", "")).lower()
    return f"button_{part.get('index')}" if type_ == "button" else type_


def _listed(part: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = part.get(key)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list | tuple) else []


def _value(parameter: Mapping[str, Any]) -> str:
    """What a parameter shows: its text, or the name of what it shows."""
    value = parameter.get(str(parameter.get("type")))
    if isinstance(value, Mapping):
        shown = ("fallback_value", "filename", "name", "product_retailer_id")
        value = next((value[key] for key in shown if key in value), "")
    return value if isinstance(value, str) else ""


def joined(texts: Sequence[Text]) -> Text:
    """The texts below each other, without those that are empty."""
    pieces: list[Piece] = []
    for text in texts:
        if text.pieces:
            pieces += ["\n", *text.pieces] if pieces else text.pieces
    return Text(tuple(_merged(pieces)))


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if merged and isinstance(piece, str) and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _header(header: Mapping[str, Any], keys: Mapping[str, str], labels: Sequence[Piece]) -> tuple[Piece, ...]:
    format_ = str(header.get("format") or "").upper()
    if format_ in _SHOWN:
        return (_SHOWN[format_], *(piece for label in labels for piece in (" ", label)))
    return text_of(str(header.get("text") or ""), keys).pieces


def _offer(offer: Mapping[str, Any]) -> str:
    return str((offer.get("limited_time_offer") or {}).get("text") or "")


def _buttons(
    buttons: Sequence[Mapping[str, Any]], keys: Mapping[str, Mapping[str, str]]
) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for index, button in enumerate(buttons):
        pieces += [" ", *_button(button, keys.get(f"button_{index}", {}))]
    return tuple(pieces[1:])


def _button(button: Mapping[str, Any], keys: Mapping[str, str]) -> list[Piece]:
    type_ = str(button.get("type", "")).upper()
    name = str(button.get("text") or _OWN_NAMES.get(type_, type_.replace("_", " ").capitalize()))
    if type_ == "URL" and "otp_type=" not in str(button.get("url")):
        return [f"[{name}: ", *text_of(str(button.get("url") or ""), keys).pieces, "]"]
    if type_ == "PHONE_NUMBER":
        return [f"[{name}: {button.get('phone_number') or ''}]"]
    if type_ == "COPY_CODE" and keys:
        return [f"[{name}: ", (next(iter(keys.values())), ""), "]"]
    return [f"[{name}]"]
