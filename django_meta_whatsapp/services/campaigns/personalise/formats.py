"""How a value is written for people: letters, numbers, money and dates, by locale.

A format is declared beside the field (`{"field": "total", "format": "currency", "currency": "INR"}`); `writer` checks the
declaration once and gives the function that writes. That one raises ValueError for a value that it cannot read.
"""

import re
from collections.abc import Callable, Mapping
from copy import copy
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from django.utils import timezone

Writer = Callable[[Any], str]

_OPTIONS = {
    "upper": (),
    "lower": (),
    "title": (),
    "first_word": (),
    "number": ("locale", "decimals"),
    "currency": ("locale", "currency"),
    "date": ("locale", "pattern", "time_zone"),
    "time": ("locale", "pattern", "time_zone"),
    "datetime": ("locale", "pattern", "time_zone"),
}
OPTIONS = frozenset(option for options in _OPTIONS.values() for option in options)
_MOST_DECIMALS = 6
_LARGEST_EXPONENT = 18
_LONGEST_PATTERN = 60
_LONGEST_INPUT = 64
_SAMPLE = datetime(2026, 1, 31, 13, 45, tzinfo=ZoneInfo("UTC"))
_AFTER_APOSTROPHE = re.compile(r"(?<=\w['\u2019])(S|T|D|M|Re|Ve|Ll)\b")


def writer(declared: Mapping[str, Any], language: str) -> Writer | None:
    """The function that writes values as declared; None for a declaration without a format.

    language: the template's, in whose locale numbers and dates are written unless another is declared.
    Raises ValueError, saying what is wrong, for a declaration that cannot be used.
    """
    name = declared.get("format")
    given = OPTIONS.intersection(declared)
    if name is None:
        if given:
            raise ValueError(f'"{min(given)}" goes with a "format"')
        return None
    if not isinstance(name, str) or name not in _OPTIONS:
        raise ValueError(f'"format" must be one of {", ".join(_OPTIONS)}')
    if strange := given.difference(_OPTIONS[name]):
        raise ValueError(f'"{min(strange)}" does not go with the format {name}')
    if name in _LETTERS:
        return _LETTERS[name]
    return _LOCAL[name](declared, _locale(declared.get("locale"), language))


def title(text: str) -> str:
    """Each word with a capital: `ANN o'neil` becomes `Ann O'Neil`, `ann's` stays one word."""
    return _AFTER_APOSTROPHE.sub(lambda found: found[0].lower(), text.title())


_LETTERS: dict[str, Writer] = {
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "title": lambda value: title(str(value)),
    "first_word": lambda value: str(value).split(maxsplit=1)[0] if str(value).strip() else "",
}


def _locale(declared: Any, language: str) -> Locale:
    if declared is None:
        try:
            return Locale.parse(language, sep="_")
        except (UnknownLocaleError, ValueError):
            return Locale("en")  # Meta has languages that nobody has numbers for
    try:
        return Locale.parse(str(declared).replace("-", "_"), sep="_")
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f'"locale" {declared!r} is not known') from error


def _number(value: Any) -> Decimal:
    text = str(value).strip()
    try:
        number = Decimal(text) if not isinstance(value, bool) and len(text) <= _LONGEST_INPUT else None
    except InvalidOperation:
        number = None
    # A tiny text such as 1e999999 would become a huge one.
    if number is None or not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(f"{text[:_LONGEST_INPUT]!r} is no number")
    return number


def _number_writer(declared: Mapping[str, Any], locale: Locale) -> Writer:
    decimals = declared.get("decimals")
    if decimals is None:
        return lambda value: numbers.format_decimal(_number(value), locale=locale)
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= _MOST_DECIMALS:
        raise ValueError(f'"decimals" must be a whole number from 0 to {_MOST_DECIMALS}')
    pattern = copy(numbers.parse_pattern(locale.decimal_formats[None]))
    pattern.frac_prec = (decimals, decimals)
    return lambda value: pattern.apply(_number(value), locale)


def _currency_writer(declared: Mapping[str, Any], locale: Locale) -> Writer:
    code = declared.get("currency")
    if not isinstance(code, str) or not numbers.is_currency(code):
        raise ValueError('"currency" must be a code such as EUR')
    pattern = locale.currency_formats["standard"]
    return lambda value: pattern.apply(_number(value), locale, currency=code)


def _zone(declared: Mapping[str, Any]) -> tzinfo:
    name = declared.get("time_zone")
    if name is None:
        return timezone.get_default_timezone()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(f'"time_zone" {name!r} is not known') from error


def moment(value: Any, zone: tzinfo) -> datetime:
    """A date and time, in `zone`. Texts are ISO 8601; without an offset they are times of the project's zone.

    Raises ValueError for what is neither a date nor a time with its date.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip()[:_LONGEST_INPUT])
        except ValueError as error:
            raise ValueError(f"{value[:_LONGEST_INPUT]!r} is no date such as 2026-01-31T18:00") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), zone)
    if not isinstance(value, datetime):
        raise ValueError(f"{str(value)[:_LONGEST_INPUT]!r} is no date")
    aware = value if timezone.is_aware(value) else value.replace(tzinfo=timezone.get_default_timezone())
    return aware.astimezone(zone)


def _is_plain_date(value: Any) -> bool:
    if isinstance(value, str):
        return len(value.strip()) == len("2026-01-31")
    return isinstance(value, date) and not isinstance(value, datetime)


_FORMS: dict[str, Callable[..., str]] = {
    "date": dates.format_date,
    "time": dates.format_time,
    "datetime": dates.format_datetime,
}


def _date_writer(kind: str) -> Callable[[Mapping[str, Any], Locale], Writer]:
    form: Callable[..., str] = _FORMS[kind]

    def declare(declared: Mapping[str, Any], locale: Locale) -> Writer:
        zone = _zone(declared)
        pattern = declared.get("pattern", "medium")
        if not isinstance(pattern, str) or not 0 < len(pattern) <= _LONGEST_PATTERN:
            raise ValueError('"pattern" must be short, medium, long, full or such as "d MMMM y"')

        def write(value: Any) -> str:
            # A date without a time is the same day everywhere.
            there = timezone.get_default_timezone() if _is_plain_date(value) else zone
            return form(moment(value, there), pattern, locale=locale)

        try:
            write(_SAMPLE)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(f'"pattern" {pattern!r} cannot be written: {error}') from error
        return write

    return declare


_LOCAL: dict[str, Callable[[Mapping[str, Any], Locale], Writer]] = {
    "number": _number_writer,
    "currency": _currency_writer,
    **{kind: _date_writer(kind) for kind in ("date", "time", "datetime")},
}
