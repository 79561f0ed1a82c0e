"""Keeping many webhooks at once: COPY on PostgreSQL, by `copying` and in the form made here, a prepared insert elsewhere. Both
leave the same rows.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.models.bulk.inserts import insert


class Received(NamedTuple):
    """A webhook as it came.

    signature: the header that came with it. at: when, aware. signed_for: see `WhatsAppWebhookLog`.
    """

    body: bytes
    signature: str
    at: datetime
    signed_for: str = ""

    @property
    def digest(self) -> UUID:
        """122 bits of body and signature: of two identical deliveries the same. Bodies that two apps signed differ."""
        return UUID(bytes=bytes(_digest(self.body, self.signature.encode())))


def _digest(body: bytes, signature: bytes) -> bytearray:
    """In the form of a UUID of a hash (version 5): MariaDB 10.11 refuses UUIDs of versions that it does not know, from 8 on."""
    bits = bytearray(blake2b(b"%b\n%b" % (signature, body), digest_size=16).digest())
    bits[6] = bits[6] & 0x0F | 0x50
    bits[8] = bits[8] & 0x3F | 0x80
    return bits


_COLUMNS = {
    "body": "body",
    "signature": "signature",
    "signed_for": "signed_for",
    "received_at": "at",
    "digest": "digest",
}
"""What differs by row, and where `Received` has it; the rest of a new row is the model's defaults."""


def store(webhooks: Sequence[Received]) -> None:
    """Stores all or none of them, committed unless the caller has a transaction open. Tells no ids."""
    connection = database()
    if connection.vendor == "postgresql":
        # Our own insert writes arrays as text there, which bytes of psycopg 2 have none of. Psycopg 3 copies, unless on Windows.
        WhatsAppWebhookLog.objects.bulk_create(
            WhatsAppWebhookLog(**{name: getattr(each, part) for name, part in _COLUMNS.items()})
            for each in webhooks
        )
        return
    fields = {field.name: field for field in WhatsAppWebhookLog._meta.concrete_fields}
    columns = {
        name: [fields[name].get_db_prep_save(getattr(each, part), connection) for each in webhooks]
        for name, part in _COLUMNS.items()
    }
    with transaction.atomic(using=connection.alias):
        insert(WhatsAppWebhookLog, columns)


def database() -> BaseDatabaseWrapper:
    """Where the journal is: this thread's connection."""
    return connections[router.db_for_write(WhatsAppWebhookLog)]


class Form:
    """How webhooks are written for COPY; made once, as all that it depends on is the model and how the database quotes.

    statement: that reads `document`.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        fields = {
            field.name: field for field in WhatsAppWebhookLog._meta.concrete_fields if not field.primary_key
        }
        same = [field for name, field in fields.items() if name not in _COLUMNS]
        ordered = [*same, *map(fields.__getitem__, _COLUMNS)]
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(field.column)) for field in ordered)
        table = quote(WhatsAppWebhookLog._meta.db_table)
        self.statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)".encode()
        blank = WhatsAppWebhookLog()
        shared = [_PACK[field.get_internal_type()](getattr(blank, field.attname)) for field in same]
        # How many fields there are, and those that are the same in all rows.
        self._packed = struct.pack("!h", len(ordered)) + b"".join(shared)

    def document(self, webhooks: Sequence[Received]) -> bytes:
        """All of them; the server stores all or none."""
        packed, packed_at = self._packed, b""
        known_for, packed_for = "", _pack_text("")
        parts: list[bytes | bytearray] = [_SIGNATURE]
        known_at: datetime | None = None
        for body, signature, at, signed_for in webhooks:
            if at is not known_at or not packed_at:
                # Webhooks that came together have one time.
                known_at, packed_at = at, _pack_time(at) + _SIXTEEN
            if signed_for != known_for:
                known_for, packed_for = signed_for, _pack_text(signed_for)
            signed = signature.encode()
            digest = _digest(body, signed)
            shared = (packed_for, packed_at, digest)
            parts += (packed, _LENGTH(len(body)), body, _LENGTH(len(signed)), signed, *shared)
        parts.append(_END)
        return b"".join(parts)


# The binary form of COPY (PostgreSQL's page "COPY", section "Binary Format"): each field is its length and its bytes.
# Text would write each byte of a body as two digits, and psycopg, row by row, takes several times as long.
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_LENGTH = struct.Struct("!i").pack
_SIXTEEN = _LENGTH(16)
_INSTANT = struct.Struct("!iq").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _pack_text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def _pack_time(value: datetime | None) -> bytes:
    """Microseconds since 2000."""
    return _NULL if value is None else _INSTANT(8, (value - _EPOCH) // _MICROSECOND)


def _pack_number(kind: str) -> Callable[[int | None], bytes]:
    number = struct.Struct(f"!{kind}")
    return lambda value: _NULL if value is None else _LENGTH(number.size) + number.pack(value)


_PACK: dict[str, Callable[[Any], bytes]] = {
    "CharField": _pack_text,
    "TextField": _pack_text,
    "DateTimeField": _pack_time,
    "PositiveSmallIntegerField": _pack_number("h"),
    "PositiveIntegerField": _pack_number("i"),
}
"""The binary form of a value by the kind of its field."""
