"""Checks of the values that management calls are given."""

from collections.abc import Collection

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.http import JSON


def word(params: JSON, key: str, allowed: Collection[str], default: str = "") -> str:
    """One of ``allowed`` in any case, returned in upper case; mandatory without a ``default``."""
    value = params.get(key) or default
    if not value:
        raise missing(key)
    if not isinstance(value, str) or value.upper() not in allowed:
        raise malformed(f"Param {key} must be one of {{{', '.join(sorted(allowed))}}}.")
    return value.upper()


def string(params: JSON, key: str, shortest: int, longest: int) -> str:
    """A mandatory text of ``shortest`` to ``longest`` characters."""
    value = params.get(key)
    if value is None:
        raise missing(key)
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise malformed(f"Param {key} must be a string of {shortest} to {longest} characters.")
    return value


def numeral(params: JSON, key: str, shortest: int, longest: int) -> str:
    """A mandatory text of ASCII digits."""
    value = params.get(key)
    if value is None or value == "":
        raise missing(key)
    text = str(value)
    if not (text.isascii() and text.isdecimal() and shortest <= len(text) <= longest):
        raise malformed(f"Param {key} must be {shortest} to {longest} digits.")
    return text


def strings(params: JSON, key: str, most: int, longest: int) -> list[str]:
    """A mandatory list of up to ``most`` texts."""
    value = params.get(key)
    if not isinstance(value, list) or len(value) > most:
        raise malformed(f"Param {key} must be an array of up to {most} strings.")
    if not all(isinstance(item, str) and 1 <= len(item) <= longest for item in value):
        raise malformed(f"The items of {key} must be strings of 1 to {longest} characters.")
    return value
