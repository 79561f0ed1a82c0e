"""Checks before sending. Each raises `InvalidMessage` and names the field and the limit."""

import math
from collections.abc import Mapping, Sequence, Sized
from decimal import Decimal

from django_meta_whatsapp.cloud_api.errors import InvalidMessage


def invalid(field: str, reason: str) -> InvalidMessage:
    """The error to raise when `field` breaks one of Meta's rules."""
    return InvalidMessage(field, reason)


def text(field: str, value: str, limit: int | None = None) -> str:
    """`value` when it is not blank and holds at most `limit` characters (None: Meta gives no limit)."""
    if not isinstance(value, str) or not value.strip():
        raise invalid(field, "must not be empty")
    if limit is not None and len(value) > limit:
        raise invalid(field, f"has {len(value)} characters, at most {limit} are allowed")
    return value


def optional_text(field: str, value: str, limit: int) -> str:
    """`value` when it is empty or holds at most `limit` characters."""
    return text(field, value, limit) if value else ""


def count(field: str, items: Sized, lowest: int, highest: int) -> None:
    """Refuses a list with fewer than `lowest` or more than `highest` items."""
    if not lowest <= len(items) <= highest:
        raise invalid(field, f"has {len(items)} items, {lowest} to {highest} are allowed")


def unique(field: str, values: Sequence[str]) -> None:
    """Refuses a list that holds a value twice."""
    if len(set(values)) != len(values):
        raise invalid(field, "must differ from each other")


def one_of(field: str, value: str, allowed: Sequence[str]) -> str:
    """`value` when it is one of `allowed`."""
    if value not in allowed:
        raise invalid(field, f"is {value!r}, allowed are: {', '.join(allowed)}")
    return value


def url(field: str, value: str, limit: int | None = None) -> str:
    """`value` when it is an http or https address of at most `limit` characters (None: Meta gives no limit)."""
    text(field, value, limit)
    if not value.lower().startswith(("https://", "http://")):
        raise invalid(field, "must start with https:// or http://")
    return value


def coordinate(field: str, value: float | str | Decimal, limit: int) -> str:
    """Degrees as the decimal text that Meta documents, when they lie within ±`limit`."""
    try:
        degrees = Decimal(str(value))
        within = math.isfinite(degrees) and abs(degrees) <= limit
    except ArithmeticError:
        within = False
    if not within:
        raise invalid(field, f"must be a number of degrees between -{limit} and {limit}")
    return format(degrees, "f")


def mapping(field: str, value: object) -> Mapping[str, object]:
    """`value` when it is a mapping."""
    if not isinstance(value, Mapping):
        raise invalid(field, "must be a mapping")
    return value
