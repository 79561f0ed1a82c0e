"""Marks rows just before their calls: attempt, message and thread are written with the mark, or nothing is.

Only rows that the caller's own lease still holds are marked, and only marked rows may be called. PostgreSQL does it all in one
statement; elsewhere it is a few. Run it in a transaction of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, OuterRef, Q, Subquery

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.models import (
    MessageDirection,
    RecipientStatus,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk.claims import ends_in
from django_meta_whatsapp.models.bulk.inserts import insert, insert_numbered
from django_meta_whatsapp.models.bulk.rows import among, array, by_index, documents


class Outgoing(Protocol):
    """A claimed recipient and what is about to be sent. content: Meta's object of the message's type; message_id: of the row in
    the chat, if an earlier attempt made one."""

    @property
    def recipient_id(self) -> int: ...
    @property
    def phone_number(self) -> str: ...
    @property
    def message_type(self) -> str: ...
    @property
    def content(self) -> JSON: ...
    @property
    def text(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def message_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """What the rows of one claim have in common. seconds: until the mark runs out, by the database's clock; at: the present."""

    account_id: int
    campaign_id: int
    category: str
    lease: str
    seconds: float
    at: datetime


def mark(shared: Mark, batch: Sequence[Outgoing]) -> set[int]:
    """The recipients that are now `sending`: still leased by `shared.lease`, and their contact still there.

    Each gets an attempt with its token, and at its first attempt a message in the person's thread with the account, which is made
    where it is missing. A thread's time never goes back.
    """
    if not batch:
        return set()
    connection = connections[router.db_for_write(WhatsAppMessage)]
    if connection.vendor == "postgresql":
        return _one_statement(connection, shared, batch)
    return _statements(shared, batch)


# PostgreSQL

# The full join finds the same pairs as a plain one. It is by hashes: PostgreSQL believes that one row is marked, and would look
# at all pairs of all rows.
_STATEMENT = """
WITH given AS (
  SELECT * FROM ROWS FROM (
    unnest(%s::bigint[]), unnest(%s::bigint[]), unnest(%s::text[]), unnest(%s::text[]), unnest(%s::text[]),
    jsonb_array_elements(%s::jsonb)
  ) AS g (recipient_id, message_id, phone_number, body, token, content)
), marked AS (
  UPDATE {recipient} AS r SET status = 'sending', attempt_count = r.attempt_count + 1,
    lease_expires_at = statement_timestamp() + %s,
    chat_message_id = coalesce(r.chat_message_id, nextval((SELECT pg_get_serial_sequence('{message}', 'id')::regclass)))
  FROM given AS g
  WHERE r.id = g.recipient_id AND r.lease = %s AND r.status = 'leased' AND r.contact_id IS NOT NULL
  RETURNING r.id, r.contact_id, r.chat_message_id, g.message_id IS DISTINCT FROM r.chat_message_id AS is_new,
    g.phone_number, g.body, g.token, g.content
), threads AS (
  INSERT INTO {thread} AS t (contact_id, phone_number, {thread_columns})
  SELECT DISTINCT ON (m.contact_id) m.contact_id, coalesce(c.phone, ''), {thread_values}
  FROM marked AS m JOIN {contact} AS c ON c.id = m.contact_id ORDER BY m.contact_id
  ON CONFLICT (account_id, contact_id)
  DO UPDATE SET last_message_at = greatest(t.last_message_at, excluded.last_message_at)
  RETURNING t.id, t.contact_id
), messages AS (
  INSERT INTO {message} (id, conversation_id, phone_number, message_body, content, {message_columns})
  SELECT m.chat_message_id, t.id, m.phone_number, m.body, m.content, {message_values}
  FROM marked AS m FULL JOIN threads AS t ON t.contact_id = m.contact_id WHERE coalesce(m.is_new, false)
), attempts AS (
  INSERT INTO {attempt} (recipient_id, chat_message_id, token, {attempt_columns})
  SELECT m.id, m.chat_message_id, m.token, {attempt_values} FROM marked AS m
)
SELECT id FROM marked
"""
_TABLES: dict[str, tuple[type[models.Model], frozenset[str]]] = {
    "thread": (WhatsAppConversation, frozenset({"contact_id", "phone_number"})),
    "message": (
        WhatsAppMessage,
        frozenset({"conversation_id", "phone_number", "message_body", "content"}),
    ),
    "attempt": (WhatsAppSendAttempt, frozenset({"recipient_id", "chat_message_id", "token"})),
}
"""Where rows are made, and the columns that differ by row."""


def _one_statement(connection: BaseDatabaseWrapper, shared: Mark, batch: Sequence[Outgoing]) -> set[int]:
    given: list[Any] = [
        array(item.recipient_id for item in batch),
        array(item.message_id for item in batch),
        array(item.phone_number for item in batch),
        array(item.text for item in batch),
        array(item.token for item in batch),
        documents([item.content for item in batch]),
    ]
    statement = _statement(connection.ops.quote_name)
    with connection.cursor() as cursor:
        parameters = [*given, timedelta(seconds=shared.seconds), shared.lease]
        for table, values in _values(shared, batch[0]).items():
            parameters += _constants(connection, table, values)
        by_index(cursor)
        cursor.execute(statement, parameters)
        return {row[0] for row in cursor.fetchall()}


def _values(shared: Mark, example: Outgoing) -> dict[str, dict[str, Any]]:
    """By table: what all its new rows have, where that is not the default. One template makes messages of one type."""
    return {
        "thread": {"account_id": shared.account_id, "last_message_at": shared.at},
        "message": {
            "account_id": shared.account_id,
            "campaign_id": shared.campaign_id,
            "direction": MessageDirection.OUTBOUND,
            "message_type": example.message_type,
            "category": shared.category,
            "timestamp": shared.at,
        },
        "attempt": {"account_id": shared.account_id, "created_at": shared.at},
    }


def _constant_fields(table: str) -> list["models.Field[Any, Any]"]:
    model, differing = _TABLES[table]
    return [
        field
        for field in model._meta.concrete_fields
        if not field.primary_key and field.attname not in differing
    ]


def _constants(connection: BaseDatabaseWrapper, table: str, values: Mapping[str, Any]) -> list[Any]:
    row = _TABLES[table][0](**values)
    return [
        field.get_db_prep_save(field.pre_save(row, True), connection) for field in _constant_fields(table)
    ]


@cache
def _statement(quote: Any) -> str:
    names: dict[str, str] = {
        "recipient": quote(WhatsAppCampaignRecipient._meta.db_table),
        "contact": quote(WhatsAppContact._meta.db_table),
    }
    for table, (model, _) in _TABLES.items():
        fields = _constant_fields(table)
        names[table] = quote(model._meta.db_table)
        names[f"{table}_columns"] = ", ".join(quote(field.column) for field in fields)
        names[f"{table}_values"] = ", ".join("%s" for _ in fields)
    return _STATEMENT.format_map(names)


# Elsewhere


def _statements(shared: Mark, batch: Sequence[Outgoing]) -> set[int]:
    rows = _fenced(shared, batch)
    marked = [item for item in batch if item.recipient_id in rows]
    values = _values(shared, batch[0])
    threads = _threads(values["thread"], {contact_id for contact_id, _ in rows.values()})
    new = [item for item in marked if rows[item.recipient_id][1] is None]
    made: dict[str, list[Any]] = {
        "conversation_id": [threads[rows[item.recipient_id][0]] for item in new],
        "phone_number": [item.phone_number for item in new],
        "message_body": [item.text for item in new],
        "content": [item.content for item in new],
    }
    keys = insert_numbered(WhatsAppMessage, made, shared=values["message"])
    messages = {item.recipient_id: key for item, key in zip(new, keys, strict=True)}
    attempts: dict[str, list[Any]] = {
        "token": [item.token for item in marked],
        "recipient_id": [item.recipient_id for item in marked],
        "chat_message_id": [messages.get(pk := item.recipient_id, rows[pk][1]) for item in marked],
    }
    insert(WhatsAppSendAttempt, attempts, shared=values["attempt"])
    if messages:
        newest = WhatsAppSendAttempt.objects.filter(recipient=OuterRef("pk")).order_by("-pk")
        WhatsAppCampaignRecipient.objects.filter(among("pk", messages)).update(
            chat_message_id=Subquery(newest.values("chat_message_id")[:1])
        )
    return set(rows)


def _fenced(shared: Mark, batch: Sequence[Outgoing]) -> dict[int, tuple[int, int | None]]:
    """Marks; the contact and the message of each row that is marked."""
    ids = [item.recipient_id for item in batch]
    ours = WhatsAppCampaignRecipient.objects.filter(lease=shared.lease, contact__isnull=False)
    rows = ours.filter(among("pk", ids))
    changed = rows.filter(status=RecipientStatus.LEASED).update(
        status=RecipientStatus.SENDING,
        attempt_count=F("attempt_count") + 1,
        lease_expires_at=ends_in(shared.seconds),
    )
    # A claim hands out each row once, under a lease of its own: what stands here was marked a moment ago.
    marked = rows.filter(status=RecipientStatus.SENDING)
    found = marked.values_list("pk", "contact_id", "chat_message_id")
    fenced: dict[int, tuple[int, int | None]] = {
        pk: (contact_id, message_id) for pk, contact_id, message_id in found if contact_id is not None
    }
    if len(fenced) > changed:
        # The connection was lost when an earlier try had committed: those count as calls under way.
        tokens = [item.token for item in batch]
        known = WhatsAppSendAttempt.objects.filter(among("token", tokens)).values_list(
            "recipient_id", flat=True
        )
        earlier = set(known)
        return {pk: row for pk, row in fenced.items() if pk not in earlier}
    return fenced


def _threads(shared: Mapping[str, Any], contact_ids: set[int]) -> dict[int, int]:
    """The thread of each contact, by the contact's id, with its new time. shared: what a new thread has."""
    account_id, at = shared["account_id"], shared["last_message_at"]
    threads = WhatsAppConversation.objects.filter(among("contact_id", contact_ids), account_id=account_id)
    missing = contact_ids.difference(threads.values_list("contact_id", flat=True))
    if missing:
        people = WhatsAppContact.objects.filter(among("pk", missing)).values_list("pk", "phone")
        ids, phones = [pk for pk, _ in people], [phone or "" for _, phone in people]
        made: dict[str, list[Any]] = {"contact_id": ids, "phone_number": phones}
        insert(WhatsAppConversation, made, shared=shared, ignore_conflicts=True)
    threads.filter(Q(last_message_at=None) | Q(last_message_at__lt=at)).update(last_message_at=at)
    return dict(threads.values_list("contact_id", "pk"))
