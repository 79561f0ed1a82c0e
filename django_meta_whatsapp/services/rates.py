"""The rate card: imported from CSV, and read for the estimate of a campaign's cost.

Meta publishes its prices as files by market and currency, and changes them at most once in three months (Meta's page
"Pricing"). What is not in the table has no price here.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.models import TemplateCategory, WhatsAppRate
from django_meta_whatsapp.services.batches import upsert
from django_meta_whatsapp.services.csv_rows import Row, read_rows
from django_meta_whatsapp.services.transactions import database

MAX_ROWS = 50_000
_PREFIX = re.compile(r"\+?([1-9][0-9]{0,6})")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PRICE = re.compile(r"[0-9]{1,6}([.,][0-9]{1,6})?")
_UNIQUE = ("country_prefix", "category", "currency", "valid_from")

Prices = Mapping[str, Decimal]
"""First digits of numbers to the price of one message."""


def import_card(file: BinaryIO, *, valid_from: date) -> int:
    """Stores a rate card, all of it or, with one wrong line, nothing; the number of prices. A price that is there is replaced.

    Columns: `country_prefix`, `currency`, and either `category` and `price` or a column for each category (`marketing`,
    `utility`, `authentication`), in which an empty cell is no price; `valid_from` where lines differ from the argument.
    Raises InvalidFile, naming the line.
    """
    rates: dict[tuple[str, str, str, date], WhatsAppRate] = {}
    for row in read_rows(file, any_of=("country_prefix",)):
        for rate in _rates(row, valid_from):
            key = (rate.country_prefix, rate.category, rate.currency, rate.valid_from)
            if key in rates:
                raise _wrong(row, f"the price of +{rate.country_prefix} {rate.category} is there twice")
            rates[key] = rate
        if len(rates) > MAX_ROWS:
            raise InvalidFile("file", f"more than {MAX_ROWS} prices.")
    with transaction.atomic(using=database()):
        upsert(WhatsAppRate, list(rates.values()), unique=_UNIQUE, update=("price", "updated_at"))
    return len(rates)


def _rates(row: Row, valid_from: date) -> Iterator[WhatsAppRate]:
    prefix = _PREFIX.fullmatch(row.values["country_prefix"])
    if not prefix:
        raise _wrong(row, f"{row.values['country_prefix']!r} is no country code")
    currency = row.values.get("currency", "").upper()
    if not _CURRENCY.fullmatch(currency):
        raise _wrong(row, f"{currency!r} is no currency such as EUR")
    since = _date(row, valid_from)
    for category, price in _priced(row):
        yield WhatsAppRate(
            country_prefix=prefix[1],
            category=category,
            currency=currency,
            price=_decimal(row, price),
            valid_from=since,
            updated_at=timezone.now(),
        )


def _priced(row: Row) -> Iterator[tuple[str, str]]:
    """Categories and prices of a line."""
    if "category" in row.values:
        category = row.values["category"].upper()
        if category not in TemplateCategory.values:
            raise _wrong(
                row, f"{row.values['category']!r} is no category; {', '.join(TemplateCategory.values)} are"
            )
        yield category, row.values.get("price", "")
        return
    columns = {category: row.values.get(category.lower()) for category in TemplateCategory.values}
    if all(price is None for price in columns.values()):
        raise _wrong(row, "there is neither a column category nor one of a category's name")
    yield from ((category, price) for category, price in columns.items() if price)


def _decimal(row: Row, price: str) -> Decimal:
    if not _PRICE.fullmatch(price):
        raise _wrong(row, f"{price!r} is no price with up to 6 decimals")
    return Decimal(price.replace(",", "."))


def _date(row: Row, otherwise: date) -> date:
    given = row.values.get("valid_from")
    if not given:
        return otherwise
    try:
        found = parse_date(given)
    except ValueError:
        found = None
    if found is None:
        raise _wrong(row, f"{given!r} is no date such as 2026-01-31")
    return found


def _wrong(row: Row, why: str) -> InvalidFile:
    return InvalidFile("file", f"line {row.line}: {why}.")


def prices(category: str, on: date) -> dict[str, dict[str, Decimal]]:
    """The prices of a category on a day, by currency. One query."""
    found: dict[str, dict[str, Decimal]] = {}
    rates = WhatsAppRate.objects.filter(category=category, valid_from__lte=on).order_by("valid_from")
    for prefix, currency, price in rates.values_list("country_prefix", "currency", "price"):
        found.setdefault(currency, {})[prefix] = price  # the newest comes last
    return found


def prefix_of(digits: str, table: Prices) -> str | None:
    """The longest prefix of a number (international digits) that has a price; None when none has."""
    longest = max(map(len, table), default=0)
    starts = (digits[:length] for length in range(min(longest, len(digits)), 0, -1))
    return next((start for start in starts if start in table), None)
