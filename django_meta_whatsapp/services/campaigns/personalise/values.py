"""One value of a message: a person's field or a constant, with a default, a format and a longest length.

At the top of `parameter_mappings` a text names a field; an object says more (see `Value.declared`). Inside an object a
text or a number stands for itself, and `{"field": …}` names a field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_meta_whatsapp.services.campaigns.personalise import formats

_KEYS = {"field", "value", "default", "format", "max", *formats.OPTIONS}
_LONGEST_CONSTANT = 4096
_SCALARS = (str, int, float)

Fit = Callable[[Any], Any]
"""Makes a value fit for its place; raises ValueError when that is not possible."""


def is_declared(value: object) -> bool:
    """Whether an object inside a mapping stands for a value, not for itself."""
    return isinstance(value, Mapping) and ("field" in value or "value" in value)


@dataclass(frozen=True, slots=True)
class Value:
    """field: in lower case, empty for a constant; constant: written and fitted; default: as it is, None for none."""

    field: str = ""
    constant: Any = None
    default: Any = None
    write: formats.Writer | None = None
    longest: int | None = None

    @classmethod
    def declared(cls, declared: object, language: str) -> "Value":
        """`"name"`, or an object: `{"field"}` or `{"value"}`, with `default`, `format` and its options, `max`.

        Raises ValueError, saying what is wrong.
        """
        if isinstance(declared, str):
            declared = {"field": declared}
        if not isinstance(declared, Mapping):
            raise ValueError('a field\'s name, {"field": …} or {"value": …} is expected')
        if strange := declared.keys() - _KEYS:
            raise ValueError(f'"{min(map(str, strange))}" is not known here')
        if ("field" in declared) == ("value" in declared):
            raise ValueError('either "field" or "value" is expected')
        write, longest = formats.writer(declared, language), _longest(declared)
        if "value" in declared:
            if "default" in declared:
                raise ValueError('"default" goes with "field"')
            return cls(constant=_scalar("value", declared["value"]), write=write, longest=longest)
        field = declared["field"]
        if not isinstance(field, str) or not field.strip():
            raise ValueError('"field" must be the name of a field')
        default = declared.get("default")
        if default is not None:
            _scalar("default", default)
        return cls(field.strip().lower(), default=default, write=write, longest=longest)

    def take(self, found: Any, fit: Fit) -> Any:
        """The value for somebody whose field holds `found`; None when it is missing. Raises ValueError."""
        if self.field:
            if found is None or (isinstance(found, str) and not found.strip()):
                return None if self.default is None else fit(self.default)
        else:
            found = self.constant
        if self.write is not None:
            found = self.write(found)
        if self.longest is not None and len(str(found)) > self.longest:
            found = str(found)[: self.longest - 1].rstrip() + "…"
        return fit(found)


def _scalar(name: str, value: Any) -> Any:
    if not isinstance(value, _SCALARS) or (isinstance(value, str) and len(value) > _LONGEST_CONSTANT):
        raise ValueError(f'"{name}" must be a text of up to {_LONGEST_CONSTANT} characters or a number')
    return value


def _longest(declared: Mapping[str, Any]) -> int | None:
    longest = declared.get("max")
    if longest is None:
        return None
    if isinstance(longest, bool) or not isinstance(longest, int) or not 1 <= longest <= _LONGEST_CONSTANT:
        raise ValueError(f'"max" must be a whole number from 1 to {_LONGEST_CONSTANT}')
    return longest
