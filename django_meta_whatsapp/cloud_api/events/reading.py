"""Taking values out of a webhook body without trusting its shape."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON

_ID_LIMIT = 200
_DEEPEST = 100
_WIDEST = 1024  # bits
_LATEST_EPOCH = 253_402_300_799  # the last second of the year 9999


class MalformedPartError(ValueError):
    """A part of a webhook body lacks what it cannot do without."""


def decoded(body: bytes) -> object:
    """The JSON value of a webhook body; ValueError, or RecursionError, when it is none.

    Python refuses to read numbers of thousands of digits: they become None, like those of hundreds in `storable`.
    """
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # A function for each number makes reading slow, so it is there only when one is too long.
        return json.loads(body, parse_int=_bounded_number)


def _bounded_number(digits: str) -> int | None:
    return int(digits) if len(digits) < _WIDEST else None


def storable(value: Any, levels: int = _DEEPEST) -> Any:
    """The same JSON value with everything replaced that a database or a JSON writer refuses.

    NUL characters vanish, lone surrogates become U+FFFD; numbers that are not finite, or of hundreds of digits,
    and what is nested deeper than `levels` become None.
    """
    if isinstance(value, str):
        return value if value.isascii() and "\x00" not in value else _storable_text(value)
    if isinstance(value, dict):
        return _storable_object(value, levels - 1) if levels else None
    if isinstance(value, list):
        return [storable(each, levels - 1) for each in value] if levels else None
    if isinstance(value, int):
        return value if value.bit_length() <= _WIDEST else None
    return value if isinstance(value, float) and math.isfinite(value) else None


def _storable_object(value: JSON, levels: int) -> JSON:
    """Texts at once: a busy number's webhooks are mostly these, and a call for each is a tenth of applying them."""
    found: JSON = {}
    for key, each in value.items():
        name = key if key.isascii() and "\x00" not in key else _storable_text(key)
        plain = type(each) is str and each.isascii() and "\x00" not in each
        found[name] = each if plain else storable(each, levels)
    return found


def _storable_text(value: str) -> str:
    return value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text(value: object) -> str:
    """Texts and whole numbers as text; nothing for all else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def mapping(value: object) -> JSON:
    """An object, or an empty one when `value` is something else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[JSON]:
    """The objects of a list, without what else may be in it."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def required_object(value: object) -> JSON:
    """An object; raises MalformedPartError for anything else."""
    if not isinstance(value, dict):
        raise MalformedPartError(f"an object was expected, not {type(value).__name__}")
    return value


def required(part: Mapping[str, Any], key: str) -> str:
    """The text under `key`; raises MalformedPartError when there is none."""
    found = text(part.get(key))
    if not found:
        raise MalformedPartError(f"{key!r} is missing")
    return found


def moment(value: object) -> datetime | None:
    """Seconds since 1970 (number or text) as an aware UTC time; None for what cannot be a time."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = int(value)
    except (ValueError, OverflowError):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= _LATEST_EPOCH else None


def digest(*values: Any) -> str:
    """The same text for the same JSON values, whatever the order of their keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def identity(kind: str, *parts: str) -> str:
    """An event id that is readable where it fits into 200 characters, and hashed where it does not."""
    readable = ":".join((kind, *parts))
    return readable if len(readable) <= _ID_LIMIT else f"{kind}:{digest(*parts)}"
