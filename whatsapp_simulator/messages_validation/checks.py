"""Small checks that every message type is made of. ``path`` is how the error names the value."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.state import PhoneNumber
from whatsapp_simulator.world import World


@dataclass(slots=True)
class Context:
    """The call that is checked. ``late_failure`` is a (code, details) that only a webhook will tell."""

    world: World
    number: PhoneNumber
    version: str
    late_failure: tuple[int, str] | None = None


def obj(parent: JSON, key: str, path: str) -> JSON:
    """A mandatory object."""
    value = parent.get(key)
    if value is None:
        raise missing(path)
    if not isinstance(value, dict):
        raise malformed(f"Param {path} must be a JSON object.")
    return value


def optional_obj(parent: JSON, key: str, path: str) -> JSON | None:
    """An object, or ``None`` when it is not there."""
    return None if parent.get(key) is None else obj(parent, key, path)


def array(parent: JSON, key: str, path: str, low: int, high: int) -> list[Any]:
    """A mandatory list of ``low`` to ``high`` items."""
    value = parent.get(key)
    if value is None:
        raise missing(path)
    if not isinstance(value, list):
        raise malformed(f"Param {path} must be a JSON array.")
    if not low <= len(value) <= high:
        raise invalid(f"{path}: expected {low} to {high} items, received {len(value)}.")
    return value


def objects(parent: JSON, key: str, path: str, low: int, high: int) -> list[JSON]:
    """A mandatory list of objects."""
    items = array(parent, key, path, low, high)
    for item in items:
        if not isinstance(item, dict):
            raise malformed(f"Param {path} must be an array of JSON objects.")
    return items


def text(parent: JSON, key: str, path: str, longest: int, *, shortest: int = 1) -> str:
    """A mandatory string of limited length (131009 when too long)."""
    value = parent.get(key)
    if value is None:
        raise missing(path)
    if not isinstance(value, str):
        raise malformed(f"Param {path} must be a string.")
    if not shortest <= len(value) <= longest or (shortest and not value.strip()):
        raise invalid(f"{path} length invalid. Min length: {shortest}, Max length: {longest}")
    return value


def optional_text(parent: JSON, key: str, path: str, longest: int) -> str:
    """A string of limited length, or "" when it is not there."""
    return "" if parent.get(key) is None else text(parent, key, path, longest, shortest=0)


def one_of(parent: JSON, key: str, path: str, allowed: Collection[str]) -> str:
    """A mandatory string out of ``allowed``."""
    value = parent.get(key)
    if value is None:
        raise missing(path)
    if value not in allowed:
        raise invalid(f"{path} must be one of {{{', '.join(sorted(allowed))}}} - got {value!r}.")
    return str(value)


def flag(parent: JSON, key: str, path: str) -> None:
    """A boolean, or not there."""
    if not isinstance(parent.get(key, False), bool):
        raise malformed(f"Param {path} must be a boolean.")


def only(parent: JSON, allowed: Collection[str], path: str) -> None:
    """No other keys than ``allowed``."""
    for key in parent:
        if key not in allowed:
            raise malformed(f'Unexpected key "{key}" on param "{path}".')


def web_url(parent: JSON, key: str, path: str, longest: int = 2000) -> str:
    """A mandatory http(s) URL."""
    value = text(parent, key, path, longest)
    if not value.startswith(("https://", "http://")):
        raise invalid(f"{path} is not a valid URL.")
    return value


def distinct(values: list[Any], path: str) -> None:
    """No value twice."""
    if len(set(values)) != len(values):
        raise invalid(f"{path}: duplicated values are not allowed.")
