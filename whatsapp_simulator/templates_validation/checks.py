"""The errors and small checks that every part of a template definition is made of."""

import re
from typing import Any

from whatsapp_simulator.errors import missing
from whatsapp_simulator.http import JSON, GraphError

NAME_TAKEN = 2388024
NAME_LOCKED = 2388023
TOO_MANY_TEMPLATES = 2388019
NOT_EDITABLE = 2388039
TOO_LONG = 2388040
HEADER_FORMAT = 2388047
BODY_FORMAT = 2388072
FOOTER_FORMAT = 2388073
TOO_MANY_VARIABLES = 2388293
VARIABLE_AT_EDGE = 2388299

_VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NAMED = re.compile(r"[a-z_][a-z0-9_]*$")


def refused(subcode: int, title: str, message: str) -> GraphError:
    """A rule that Meta tells by subcode: code 100 with texts for the user."""
    return GraphError(100, "Invalid parameter", subcode=subcode, user_title=title, user_message=message)


def wrong(details: str) -> GraphError:
    """A rule without a subcode. Template errors carry their details as a plain text, not as an object."""
    return GraphError(100, "Invalid parameter", error_data=details)


def text_of(component: JSON, where: str, longest: int, *, key: str = "text") -> str:
    """A mandatory, not empty string; 2388040 when it is too long."""
    value = component.get(key)
    if value is None:
        raise missing(f"{where}['{key}']")
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"{where}['{key}'] must be a non-empty string.")
    if len(value) > longest:
        raise refused(
            TOO_LONG,
            "Character limit exceeded",
            f"{where} has {len(value)} characters, the limit is {longest}.",
        )
    return value


def whole(parent: JSON, key: str, where: str, low: int, high: int) -> int:
    """A mandatory whole number in a range."""
    value = parent.get(key)
    if value is None:
        raise missing(where)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise wrong(f"{where} must be a whole number between {low} and {high}.")
    return value


def items_of(parent: JSON, key: str, where: str, low: int, high: int) -> list[JSON]:
    """A mandatory list of ``low`` to ``high`` objects."""
    items = parent.get(key)
    if items is None:
        raise missing(where)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise wrong(f"{where} must be an array of objects.")
    if not low <= len(items) <= high:
        raise wrong(f"{where} must have {low} to {high} items, it has {len(items)}.")
    return items


def kind_of(item: JSON, key: str, where: str) -> str:
    """A mandatory type or format, in upper case."""
    value = item.get(key)
    if not isinstance(value, str):
        raise missing(f"{where}['{key}']")
    return value.upper()


def variables_of(text: str, *, named: bool, subcode: int, where: str) -> list[str]:
    """The variables of ``text`` in order of first use: 1..n without gaps, or names."""
    rest = without_variables(text)
    if "{{" in rest or "}}" in rest:
        raise refused(subcode, "Invalid parameter", f"The {where} has unbalanced variable brackets.")
    names = list(dict.fromkeys(_VARIABLE.findall(text)))
    if named:
        valid = all(_NAMED.match(name) for name in names)
    else:
        valid = sorted(names) == sorted(str(number) for number in range(1, len(names) + 1))
    if not valid:
        style = "lower-case names" if named else "numbers from 1 on without gaps"
        raise refused(subcode, "Invalid parameter", f"The variables of the {where} must be {style}.")
    return names


def without_variables(text: str) -> str:
    """The text with every variable taken out."""
    return _VARIABLE.sub("", text)


def begins_or_ends_with_variable(text: str) -> bool:
    stripped = text.strip()
    return bool(re.match(_VARIABLE, stripped)) or stripped.endswith("}}")


def example_of(component: JSON, where: str, subcode: int) -> JSON:
    """The mandatory ``example`` of a component with variables or media."""
    example: Any = component.get("example")
    if not isinstance(example, dict):
        raise refused(subcode, "Example missing", f"The {where} needs an example.")
    return example
