"""From a JSON object to a condition on contacts."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import reduce
from operator import and_, or_

from django.db.models import Q
from django.utils import timezone

from django_meta_whatsapp.errors import InvalidAudience
from django_meta_whatsapp.models.filters.fields import FIELDS
from django_meta_whatsapp.models.filters.values import FIELD, Situation, wrong

MAX_DEPTH = 5
MAX_CONDITIONS = 50
_AND, _OR, _NOT = "and", "or", "not"


def condition(filters: object, situation: Situation) -> Q:
    """The condition that `filters` make; an empty object makes one that always holds.

    Raises InvalidAudience, naming the key, for an unknown field or operator, for a value that does not fit, and for more than
    MAX_CONDITIONS or a nesting deeper than MAX_DEPTH.
    """
    if sum(1 for _ in _keys(filters, 1)) > MAX_CONDITIONS:
        raise InvalidAudience(FIELD, f"at most {MAX_CONDITIONS} conditions are expected.")
    return _all_of(filters, situation)


def check(filters: object) -> None:
    """Raises InvalidAudience, naming the key, for filters that cannot be used. Makes no query."""
    now = timezone.now()
    condition(filters, Situation(now, now - timedelta(hours=24)))


def _keys(filters: object, depth: int) -> Iterator[str]:
    """Every condition's key, before anything is made of it: the bounds hold for whatever somebody sends."""
    if not isinstance(filters, Mapping):
        raise InvalidAudience(FIELD, "an object is expected: filter to value.")
    if depth > MAX_DEPTH:
        raise InvalidAudience(FIELD, f"a nesting of at most {MAX_DEPTH} is expected.")
    for key, value in filters.items():
        yield str(key)
        for part in _parts(str(key), value):
            yield from _keys(part, depth + 1)


def _parts(key: str, value: object) -> list[object]:
    """What a connective connects; nothing for a field."""
    if key == _NOT:
        return [value]
    if key not in (_AND, _OR):
        return []
    if not isinstance(value, list) or not value:
        raise wrong(key, "a list of objects is expected.")
    return value


def _all_of(filters: object, situation: Situation) -> Q:
    if not isinstance(filters, Mapping):
        raise InvalidAudience(FIELD, "an object is expected: filter to value.")
    return reduce(and_, (_one(str(key), value, situation) for key, value in filters.items()), Q())


def _one(key: str, value: object, situation: Situation) -> Q:
    parts = [_all_of(part, situation) for part in _parts(key, value)]
    match key:
        case "not":
            # Nothing holds for whom nothing is asked.
            return ~parts[0] if parts[0] else Q(pk__in=[])
        case "or":
            return reduce(or_, parts) if all(parts) else Q()
        case "and":
            return reduce(and_, parts)
    name, operator = _split(key)
    field = FIELDS[name]
    if operator not in field.operators:
        raise wrong(key, f"{name} can be compared by {', '.join(field.operators)}.")
    return field.where(operator, field.operators[operator](key, value), situation)


def _split(key: str) -> tuple[str, str]:
    if key in FIELDS:
        return key, "exact"
    name, _, operator = key.rpartition("__")
    if name not in FIELDS:
        known = f"the fields are {', '.join(FIELDS)}; {_AND}, {_OR}, {_NOT} connect them"
        raise InvalidAudience(FIELD, f"{key!r} is no filter; {known}.")
    return name, operator
