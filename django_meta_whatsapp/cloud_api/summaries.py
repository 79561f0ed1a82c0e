"""One line of text for any message, sent or received: what a chat list shows."""

from collections.abc import Callable, Mapping
from typing import Any

_LONGEST = 200


def describe(type_: str, content: Any) -> str:
    """One line for a message of Meta's type `type_` whose content object is `content`.

    Works on what we send and on what webhooks bring, and on content of the wrong shape.
    """
    line = _SPECIAL.get(type_, _fallback)(content) or f"[{type_ or 'message'}]"
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _at(content: Any, *path: str) -> str:
    """The text at the end of `path`, or nothing when the path is broken."""
    for key in path:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if isinstance(content, str) else ""


def _fallback(content: Any) -> str:
    return _at(content, "caption")


def _document(content: Any) -> str:
    return _at(content, "caption") or _at(content, "filename")


def _audio(content: Any) -> str:
    return "[voice message]" if isinstance(content, Mapping) and content.get("voice") is True else ""


def _location(content: Any) -> str:
    label = _at(content, "name") or _at(content, "address")
    return f"[location] {label}" if label else ""


def _contacts(content: Any) -> str:
    cards = content if isinstance(content, list) else []
    names = [_at(card, "name", "formatted_name") for card in cards]
    shown = ", ".join(name for name in names if name)
    return f"[contact] {shown}" if shown else ""


def _reaction(content: Any) -> str:
    return _at(content, "emoji") or "[reaction removed]"


def _interactive(content: Any) -> str:
    return (
        _at(content, "body", "text")
        or _at(content, "button_reply", "title")
        or _at(content, "list_reply", "title")
        or _at(content, "nfm_reply", "body")
        or _permission(content)
        or f"[{_at(content, 'type') or 'interactive'}]"
    )


def _permission(content: Any) -> str:
    response = _at(content, "call_permission_reply", "response")
    return f"[call permission: {response}]" if response else ""


def _template(content: Any) -> str:
    name = _at(content, "name")
    return f"[template] {name}" if name else ""


def _order(content: Any) -> str:
    text = _at(content, "text")
    return f"[order] {text}" if text else ""


_SPECIAL: dict[str, Callable[[Any], str]] = {
    "text": lambda content: _at(content, "body"),
    "button": lambda content: _at(content, "text"),
    "system": lambda content: _at(content, "body"),
    "document": _document,
    "audio": _audio,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
    "order": _order,
}
