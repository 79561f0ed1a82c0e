"""Inserting many rows from plain values, and asking for many values at once, say the same on every database."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.models import WhatsAppCampaignRecipient, WhatsAppContact
from django_meta_whatsapp.models.bulk.inserts import insert, insert_numbered
from django_meta_whatsapp.models.bulk.rows import among
from tests.models import rows

pytestmark = pytest.mark.django_db

STRANGE = ['{a},"b"\\c\' %s \n ü ☂', "NULL", "null", "", "\\", '"', ",", "{}"]


@pytest.mark.parametrize("ignore_conflicts", [False, True])
def test_each_row_gets_its_own_values_and_the_defaults_of_the_rest(ignore_conflicts: bool) -> None:
    """By either way of PostgreSQL, a COPY and an INSERT, and by that of the others."""
    campaign = rows.campaign()
    columns: dict[str, list[Any]] = {
        "name": STRANGE,
        "identity": [f"p:{number}" for number in range(len(STRANGE))],
        "parameters": [{"1": text, "n": [1, None, {"a": text}]} for text in STRANGE],
        "contact_id": [None] * len(STRANGE),
    }
    shared = {"campaign_id": campaign.pk}
    insert(WhatsAppCampaignRecipient, columns, shared=shared, ignore_conflicts=ignore_conflicts)
    stored = list(WhatsAppCampaignRecipient.objects.order_by("pk"))
    assert [row.name for row in stored] == STRANGE
    assert [row.parameters for row in stored] == columns["parameters"]
    blank = WhatsAppCampaignRecipient(campaign=campaign)
    for row in stored:
        for field in WhatsAppCampaignRecipient._meta.concrete_fields:
            if field.attname not in {*columns, "id"}:
                assert getattr(row, field.attname) == getattr(blank, field.attname)


def test_rows_whose_unique_values_are_there_are_left_out_when_told_so() -> None:
    known = rows.contact(phone="4512345678", name="Ann")
    columns = {"phone": ["4512345678", "4512345679"], "name": ["Bo", "Cy"]}
    insert(WhatsAppContact, columns, ignore_conflicts=True)
    named = WhatsAppContact.objects.order_by("phone").values_list("phone", "name")
    assert list(named) == [(known.normalized_phone, "Ann"), ("4512345679", "Cy")]


def test_new_rows_are_told_their_keys_in_their_order_and_a_key_is_never_given_again() -> None:
    shared = {"is_blocked": False}
    rows.contact(phone="4510000000", name="Zoe")
    first = insert_numbered(
        WhatsAppContact, {"phone": ["4510000001", "4510000002"], "name": ["Ann", "Bo"]}, shared=shared
    )
    WhatsAppContact.objects.filter(pk__in=first).delete()
    second = insert_numbered(
        WhatsAppContact, {"phone": ["4510000003", "4510000004"], "name": ["Cy", "Di"]}, shared=shared
    )
    named = WhatsAppContact.objects.in_bulk(second)
    assert [named[key].name for key in second] == ["Cy", "Di"]
    assert set(first).isdisjoint(second)
    assert insert_numbered(WhatsAppContact, {"phone": [], "name": []}, shared=shared) == []
    assert rows.contact(phone="4510000005").pk > max(second)


def test_a_value_that_all_rows_share_is_stored_as_it_is_in_one_row() -> None:
    campaign = rows.campaign()
    people = {"identity": ["p:1", "p:2"], "name": ["100 %s \\", "100 %s \\"], "contact_id": [None, None]}
    columns: dict[str, list[Any]] = {**people, "parameters": [{"1": 1}, {"1": True}]}
    insert(WhatsAppCampaignRecipient, columns, shared={"campaign_id": campaign.pk})
    stored = list(WhatsAppCampaignRecipient.objects.order_by("pk"))
    assert [row.name for row in stored] == columns["name"]
    assert [repr(row.parameters) for row in stored] == ["{'1': 1}", "{'1': True}"]


@pytest.mark.parametrize("text", STRANGE)
def test_what_all_rows_share_may_hold_anything(text: str) -> None:
    campaign = rows.campaign()
    shared = {"campaign_id": campaign.pk, "name": text, "parameters": {"1": text}}
    insert(WhatsAppCampaignRecipient, {"identity": ["p:1", "p:2"]}, shared=shared)
    stored = WhatsAppCampaignRecipient.objects.values_list("name", "parameters")
    assert list(stored) == [(text, {"1": text})] * 2


def test_a_value_of_json_that_looks_like_what_is_between_two_is_one_value() -> None:
    campaign = rows.campaign()
    texts = ['", "\\u0000", "', ", \\u0000, ", '\\", "\\\\u0000", "']
    columns: dict[str, list[Any]] = {
        "identity": [f"p:{number}" for number in range(len(texts))],
        "parameters": [{"1": text, text: [text, 1]} for text in texts],
    }
    insert(WhatsAppCampaignRecipient, columns, shared={"campaign_id": campaign.pk})
    stored = WhatsAppCampaignRecipient.objects.order_by("pk").values_list("parameters", flat=True)
    assert list(stored) == columns["parameters"]


def test_what_cannot_be_stored_leaves_no_row_and_the_connection_usable() -> None:
    rows.contact(phone="4512345678")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(WhatsAppContact, {"phone": ["4512345679", "4512345678"]})
    assert WhatsAppContact.objects.count() == 1


def test_thousands_of_rows_are_one_statement() -> None:
    columns = {"phone": [f"45{20000000 + number}" for number in range(3000)]}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        insert(WhatsAppContact, columns)
    assert len(queries) == 1
    assert WhatsAppContact.objects.count() == 3000


def test_nothing_is_inserted_without_rows() -> None:
    with CaptureQueriesContext(connection) as queries:
        insert(WhatsAppContact, {"phone": []})
    assert len(queries) == 0


def test_among_finds_what_in_finds_whatever_the_values_hold() -> None:
    made = [WhatsAppContact.objects.create(name=name) for name in STRANGE]
    for asked in (set(STRANGE), {STRANGE[0], "elsewhere"}, {"elsewhere"}, set()):
        found = WhatsAppContact.objects.filter(among("name", asked)).values_list("pk", flat=True)
        assert set(found) == set(WhatsAppContact.objects.filter(name__in=asked).values_list("pk", flat=True))
    ids = {contact.pk for contact in made[:3]}
    assert set(WhatsAppContact.objects.filter(among("pk", ids))) == set(made[:3])


def test_thousands_are_looked_up_and_no_table_is_read_for_them() -> None:
    """PostgreSQL would rather read a million rows than look four thousand up, if it were told how many they are."""
    if connection.vendor not in ("postgresql", "sqlite"):
        pytest.skip("others look up what they are asked")
    phones = [f"45{20000000 + number}" for number in range(12000)]
    insert(WhatsAppContact, {"phone": phones})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        asked = WhatsAppContact.objects.filter(among("phone", phones[:4000]))
        plan = asked.order_by().explain()
    assert asked.count() == 4000
    read = {"postgresql": "Seq Scan on", "sqlite": "SCAN django_meta_whatsapp_whatsappcontact"}
    assert read[connection.vendor] not in plan, plan
