"""How the value of a filter is read from JSON. Whatever is not as expected is told with the filter's key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from django_meta_whatsapp import phones
from django_meta_whatsapp.errors import InvalidAudience

FIELD = "audience_filters"
MAX_TEXT = 1000
MAX_VALUES = 1000
"""Values of one list."""
MAX_DAYS = 36500
_LONGEST_CODE = 7

Reader = Callable[[str, object], Any]


@dataclass(frozen=True, slots=True)
class Situation:
    """What conditions that depend on the moment and on the number go by.

    now: policy time. window_since: whoever wrote after it may be answered freely. account_id: the number that is meant by
    consent, window and last message; None: any of ours.
    """

    now: datetime
    window_since: datetime
    account_id: int | None = None


def wrong(key: str, why: str) -> InvalidAudience:
    return InvalidAudience(FIELD, f"{key!r}: {why}")


def text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong(key, "text is expected.")
    # A NUL or half a surrogate pair is nothing that a database takes.
    if len(value) > MAX_TEXT or "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise wrong(key, f"plain text of at most {MAX_TEXT} characters is expected.")
    return value


def flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong(key, "true or false is expected.")
    return value


def digits(key: str, value: object) -> str:
    return phones.to_digits(text(key, value))


def country_code(key: str, value: object) -> str:
    """The first digits of international numbers: a country code, or one with an area code."""
    code = digits(key, value)
    if not (code.isascii() and code.isdecimal() and len(code) <= _LONGEST_CODE) or code.startswith("0"):
        raise wrong(key, f'{value!r} is no country code; one such as "45" is expected.')
    return code


def days(key: str, value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_DAYS:
        raise wrong(key, f"a number of days is expected, above 0 and up to {MAX_DAYS}.")
    return timedelta(days=value)


def moment(key: str, value: object) -> datetime:
    """An ISO date or time; without an offset, of the project's time zone."""
    written = text(key, value)
    try:
        found = parse_datetime(written) if len(written) > len("2026-01-01") else None
        day = None if found else parse_date(written)
    except ValueError as error:
        raise wrong(key, f"{value!r} is no date.") from error
    if found is None and day is not None:
        found = datetime.combine(day, time())
    if found is None:
        raise wrong(key, f"{value!r} is no date; 2026-01-31 or 2026-01-31T09:30 is expected.")
    if not MINYEAR < found.year < MAXYEAR:
        # Somewhere on Earth it would be another year, which no clock has.
        raise wrong(key, f"{value!r}: a year from {MINYEAR + 1} to {MAXYEAR - 1} is expected.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def one_of(*choices: str) -> Reader:
    def read(key: str, value: object) -> str:
        if value not in choices:
            raise wrong(key, f"{' or '.join(map(repr, choices))} is expected.")
        return str(value)

    return read


def many(reader: Reader) -> Reader:
    """A list of what `reader` reads, with something in it."""

    def read(key: str, value: object) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise wrong(key, "a list is expected.")
        if len(value) > MAX_VALUES:
            raise wrong(key, f"a list of at most {MAX_VALUES} is expected.")
        return [reader(key, each) for each in value]

    return read
