"""What became of each recipient, as CSV, in a stream: a page of rows is held at a time, whatever the campaign's size.

Cells that a spreadsheet would take for a formula get a leading apostrophe; numbers of the form +4512345678 stay as they are.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django_meta_whatsapp.models import SkipReason, WhatsAppCampaignRecipient
from django_meta_whatsapp.models.contact import phone_identity

PAGE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_DIGITS = re.compile(r"[0-9]+")


def csv_lines(campaign_ids: Iterable[int]) -> Iterator[str]:
    """The lines of a CSV file, its header first: the recipients of those campaigns in the order of their rows.

    A page of recipients is one query. `docs/campaigns.md` tells the columns. Times are UTC, ISO 8601.
    """
    writer = csv.writer(_Passing())
    yield writer.writerow(COLUMNS)
    for campaign_id in campaign_ids:
        for row in _rows(campaign_id):
            yield writer.writerow([read(row) for read in COLUMNS.values()])


def _rows(campaign_id: int) -> Iterator[WhatsAppCampaignRecipient]:
    rows = WhatsAppCampaignRecipient.objects.filter(campaign_id=campaign_id).order_by("pk")
    last = 0
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        yield from page
        last = page[-1].pk


class _Passing:
    """A file for csv's writer that hands each line back."""

    def write(self, line: str) -> str:
        return line


def _safe(value: object) -> str:
    text = "" if value is None else str(value)
    # Spreadsheets skip blanks before a formula.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _phone(row: WhatsAppCampaignRecipient) -> str:
    """In international form; what is no number as it was typed."""
    if row.skip_reason != SkipReason.INVALID_PHONE and _DIGITS.fullmatch(row.phone_number):
        return f"+{row.phone_number}"
    return _safe(row.phone_number)


def _user_id(row: WhatsAppCampaignRecipient) -> str:
    identity = str(row.identity or "")
    named = identity and not identity.startswith(phone_identity(""))
    return _safe(identity.split(":", 2)[2]) if named else ""


def _time(value: datetime | None) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds") if value else ""


def _text(name: str) -> Callable[[WhatsAppCampaignRecipient], str]:
    return lambda row: _safe(getattr(row, name))


def _moment(name: str) -> Callable[[WhatsAppCampaignRecipient], str]:
    return lambda row: _time(getattr(row, name))


COLUMNS: dict[str, Callable[[WhatsAppCampaignRecipient], Any]] = {
    "campaign": lambda row: row.campaign_id,
    "phone": _phone,
    "user_id": _user_id,
    "name": _text("name"),
    "status": _text("status"),
    "skip_reason": _text("skip_reason"),
    "error_code": _text("error_code"),
    "error_class": _text("error_class"),
    "error": _text("error_message"),
    "attempts": lambda row: row.attempt_count,
    "message_id": _text("message_id"),
    **{
        name: _moment(name)
        for name in ("accepted_at", "sent_at", "delivered_at", "read_at", "played_at", "failed_at")
    },
    "variables": lambda row: json.dumps(row.parameters, ensure_ascii=False) if row.parameters else "",
}
"""The columns, and how a recipient's cell is written."""
