"""Overwriting many rows at once stores exactly the fields that are named, on every database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppConversation,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.bulk.rows import among, overwrite, to_overwrite

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
NAMED = ("message_body", "pricing", "read_at", "error_code", "location_latitude", "is_deleted", "message_id")
VALUES: list[tuple[Any, ...]] = [
    ('{a},"b"\\c\' %s \n ü ☂', {"a": ['"', "\\", {"b": None}]}, AT, -7, 1.25, True, "wamid.1"),
    ("", None, None, None, None, False, None),
    ("NULL", {}, AT + timedelta(days=1), 0, -90.0, False, "null"),
    ("null", {"status": "read", "ü": "☂ \u2028"}, None, 2**31 - 1, 0.1, True, "wamid.2"),
]


@pytest.fixture
def messages() -> list[WhatsAppMessage]:
    account = WhatsAppAccount.objects.create(name="Shop", phone_number_id="1")
    contact = WhatsAppContact.objects.create(phone="+4512345678")
    thread = WhatsAppConversation.objects.create(account=account, contact=contact)
    return [
        WhatsAppMessage.objects.create(
            account=account,
            conversation=thread,
            direction="outbound",
            message_type="text",
            message_body="before",
        )
        for _ in range(5)
    ]


def stored(rows: Sequence[WhatsAppMessage]) -> list[tuple[Any, ...]]:
    return list(
        WhatsAppMessage.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk").values_list(*NAMED)
    )


def test_each_row_gets_its_own_values_of_every_kind(messages: list[WhatsAppMessage]) -> None:
    for row, values in zip(messages, VALUES, strict=False):
        for name, value in zip(NAMED, values, strict=True):
            setattr(row, name, value)
    overwrite(WhatsAppMessage, messages[:4], NAMED)
    assert stored(messages[:4]) == VALUES
    assert WhatsAppMessage.objects.filter(pricing__isnull=True).count() == 2
    assert stored(messages[4:]) == [("before", None, None, None, None, False, None)]


def test_fields_that_are_not_named_and_rows_that_are_not_there_are_left_alone(
    messages: list[WhatsAppMessage],
) -> None:
    first, second = messages[:2]
    WhatsAppMessage.objects.filter(pk=first.pk).update(category="marketing")
    first.message_body = second.message_body = "after"
    first.category = "utility"
    overwrite(WhatsAppMessage, [first, second], ["message_body"])
    overwrite(WhatsAppMessage, [], ["message_body"])
    found = WhatsAppMessage.objects.order_by("pk").values_list("message_body", "category")
    assert list(found) == [("after", "marketing"), ("after", ""), *[("before", "")] * 3]


def test_rows_that_are_read_to_be_overwritten_have_what_was_asked_for(
    messages: list[WhatsAppMessage],
) -> None:
    rows = list(to_overwrite(WhatsAppMessage.objects.order_by("pk"), "message_body", "conversation"))
    assert rows == messages
    with CaptureQueriesContext(connection) as captured:
        assert {(row.message_body, row.conversation_id) for row in rows} == {
            ("before", messages[0].conversation_id)
        }
    assert len(captured) == 0
    assert rows[0].direction == "outbound"
    for row in rows:
        row.message_body = "after"
    overwrite(WhatsAppMessage, rows, ["message_body"])
    assert set(WhatsAppMessage.objects.values_list("message_body", flat=True)) == {"after"}


def test_times_that_keep_themselves_are_kept(messages: list[WhatsAppMessage]) -> None:
    row = WhatsAppContactAccount.objects.create(
        account=messages[0].account, contact=messages[0].conversation.contact
    )
    before = row.updated_at
    overwrite(WhatsAppContactAccount, [row], ["marketing_opted_out", "updated_at"])
    row.refresh_from_db()
    assert row.updated_at > before


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite takes texts of any length")
def test_a_text_that_is_too_long_is_refused_instead_of_cut(messages: list[WhatsAppMessage]) -> None:
    messages[0].category = "x" * 21
    with pytest.raises(DataError):
        overwrite(WhatsAppMessage, messages[:1], ["category"])


def test_among_finds_what_in_finds_with_one_parameter_where_the_database_has_arrays() -> None:
    made = [WhatsAppContact.objects.create(phone=f"4520000{number:03}") for number in range(20)]
    keys, phones = [each.pk for each in made[::2]], [each.phone for each in made[5:]]
    with CaptureQueriesContext(connection) as captured:
        found = set(WhatsAppContact.objects.filter(among("pk", keys), among("phone", phones)))
    assert found == set(WhatsAppContact.objects.filter(pk__in=keys, phone__in=phones)) != set()
    assert (captured[0]["sql"].count("unnest(") == 2) == (connection.vendor == "postgresql")
    assert not WhatsAppContact.objects.filter(among("pk", [])).exists()
