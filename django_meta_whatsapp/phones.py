"""Phone numbers. What people type is understood once, here; inside, a number is `+` and digits (E.164).

The 10-digit rule of the reference (a bare 10-digit number gets the default country code) is for typed input only:
Singapore, Norway, Denmark and Estonia have complete international numbers of 10 digits, and Meta's `wa_id` comes without `+`.
"""

import re
from functools import cache
from typing import NamedTuple

import phonenumbers

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidPhoneNumber

_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_DECIMAL = re.compile(r"\s*(\+?[0-9]+)\.00?\s*")
"""A whole number as spreadsheets and data frames write it. No country writes a last group of one or two zeros behind one dot."""
_US_AREA = "US"
_NUMBER = re.compile(r"\+?[0-9]{5,20}")
_PLAIN = re.compile(r"\+[1-9][0-9]{5,18}")
_LONGEST_CODE = 3


def from_typed(number: str, *, field: str = "phone_number", country_code: str | None = None) -> str:
    """The E.164 form (`+4512345678`) of a number that a person or caller typed.

    With `+` or `00` it is international. Without, exactly 10 digits get `country_code` (default: the setting
    DEFAULT_COUNTRY_CODE), a leading 0 is the national prefix of that country, and all else is international. A whole number that
    a spreadsheet wrote with decimals (`4512345678.0`) is the number before the dot.
    Raises InvalidPhoneNumber, naming `field`, for what cannot be a number.
    """
    if _is_complete(typed := str(number)):
        return typed
    whole = _DECIMAL.fullmatch(typed)
    bare = whole[1] if whole else _SEPARATORS.sub("", typed)
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    if not _NUMBER.fullmatch(bare):
        raise InvalidPhoneNumber(field, f"{number!r} is not a phone number.")
    if bare.startswith("+"):
        return _possible(bare, None, number, field)
    code = (country_code or whatsapp_settings.DEFAULT_COUNTRY_CODE).lstrip("+")
    if bare.startswith("0"):
        # A code of no country has a region of no country, in which no number can be read.
        return _possible(bare, phonenumbers.region_code_for_country_code(int(code)), number, field)
    if len(bare) == 10:
        return _possible(f"+{code}{bare}", None, number, field)
    return _possible(f"+{bare}", None, number, field)


def from_digits(digits: str) -> str:
    """The E.164 form of stored digits or of Meta's `wa_id`. Nothing is guessed."""
    return f"+{to_digits(digits)}"


def to_digits(number: str) -> str:
    """The digits of an E.164 number, as they are stored (`4512345678`)."""
    digits = str(number).removeprefix("+")
    # Nearly all are digits already, which is told at once.
    if digits.isdecimal() and digits.isascii():
        return digits
    return _SEPARATORS.sub("", str(number)).removeprefix("+")


def country_code(digits: str) -> str:
    """The country code at the beginning of international digits, "" when there is none."""
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    starts = (digits[:length] for length in (1, 2, 3))
    return next((start for start in starts if start.isdecimal() and int(start) in known), "")


def is_us(number: str) -> bool:
    """Whether an E.164 number belongs to the United States (and not to another country of +1)."""
    if not number.startswith("+1"):
        return False
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
    return region == _US_AREA


def _possible(bare: str, region: str | None, typed: str, field: str) -> str:
    if _is_complete(bare):
        return bare
    try:
        parsed = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidPhoneNumber(field, f"{typed!r} is not a phone number.") from error
    if not phonenumbers.is_possible_number(parsed):
        raise InvalidPhoneNumber(field, f"{typed!r} has too few or too many digits for its country.")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class _Plan(NamedTuple):
    """A country's numbers. lengths: of complete national ones; prefix: what parsing may take off their beginning."""

    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


def _is_complete(number: str) -> bool:
    """Whether `number` is E.164 as it stands, so that reading and writing it would change nothing.

    Nearly every number of a large file is, and this costs a thirtieth of reading it. False says nothing: leading zeros, national
    prefixes, short and unknown numbers are for `phonenumbers` to judge.
    """
    if not _PLAIN.fullmatch(number):
        return False
    length, plan = _plan_at(number[1 : 1 + _LONGEST_CODE])
    if plan is None:
        return False
    national = number[1 + length :]
    return (
        len(national) in plan.lengths
        and not national.startswith("0")
        and not (plan.prefix and plan.prefix.match(national))
    )


@cache
def _plan_at(digits: str) -> tuple[int, _Plan | None]:
    """The length of the country code at the beginning of `digits`, a number's first three, and the plan behind it."""
    found = ((length, _plan(digits[:length])) for length in range(1, _LONGEST_CODE + 1))
    return next(((length, plan) for length, plan in found if plan is not None), (0, None))


def _plan(code: str) -> _Plan | None:
    """The plan behind a country code; None for what is no country code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if regions is None:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return _Plan(frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None)
