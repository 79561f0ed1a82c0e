"""Partial indexes: what each database makes of them, and that the hot queries find their rows by them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core import checks
from django.db import IntegrityError, connection, models, transaction

from django_meta_whatsapp.cloud_api.content import Text
from django_meta_whatsapp.models import AttemptState, WhatsAppCampaignRecipient, WhatsAppMessage
from django_meta_whatsapp.models.bulk import claims, marks, settling
from django_meta_whatsapp.models.bulk.marks import Mark
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.models.fields import OpaqueIdField, PhoneField
from django_meta_whatsapp.models.indexes import PartialIndex, SparseUnique
from django_meta_whatsapp.services import outbox_rows
from django_meta_whatsapp.services.campaigns import resending, runs, states
from tests.models import rows

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARTIAL = [
    (model, index)
    for model in apps.get_app_config("django_meta_whatsapp").get_models()
    for index in model._meta.indexes
    if isinstance(index, PartialIndex)
]


@contextmanager
def plans() -> Iterator[list[str]]:
    """How the database would run each statement that is executed, asked with the same parameters."""
    told: list[str] = []
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.vendor]

    def ask(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("SELECT", "UPDATE", "WITH")) and not many:
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {sql}", params)
                told.append("\n".join(" ".join(map(str, row)) for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(ask):
        yield told


@pytest.mark.django_db
def test_no_host_is_warned_of_conditions_that_its_database_does_not_know() -> None:
    told = checks.run_checks(databases=["default"])
    assert [each for each in told if each.id in ("models.W036", "models.W037")] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "index"), PARTIAL, ids=[index.name for _, index in PARTIAL])
def test_an_index_is_partial_where_the_database_can(model: type[models.Model], index: PartialIndex) -> None:
    made = str(index.create_sql(model, connection.schema_editor(collect_sql=True)))
    assert (" WHERE " in made) == connection.features.supports_partial_indexes
    assert index.name in made
    assert index.clone() == index


@pytest.mark.django_db
def test_ids_and_numbers_have_no_second_index_for_a_search_by_their_beginning(on_postgresql: None) -> None:
    own = {
        (model._meta.db_table, str(field.column))
        for model in apps.get_app_config("django_meta_whatsapp").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, OpaqueIdField | PhoneField)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, indexdef FROM pg_indexes WHERE indexdef LIKE '%pattern_ops%'")
        found = [(table, re.findall(r"(\w+) varchar_pattern_ops", made)) for table, made in cursor.fetchall()]
    assert [(table, name) for table, (name, *_) in found if (table, name) in own] == []


@pytest.mark.django_db
def test_a_dedupe_key_is_unique_on_its_number_and_none_is_no_key() -> None:
    mine, theirs = rows.conversation(), rows.conversation()
    for thread in (mine, theirs):
        rows.message(thread)
        rows.message(thread)
        rows.message(thread, dedupe_key="order-7")
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.message(mine, dedupe_key="order-7")


@pytest.mark.django_db
def test_what_is_sparsely_unique_can_be_taken_away_and_made_again() -> None:
    [dedupe] = [each for each in WhatsAppMessage._meta.constraints if isinstance(each, SparseUnique)]
    editor = connection.schema_editor(collect_sql=True)
    made, dropped = (str(step(WhatsAppMessage, editor)) for step in (dedupe.create_sql, dedupe.remove_sql))
    assert "wa_message_dedupe" in made
    assert "wa_message_dedupe" in dropped
    assert (" WHERE " in made) == connection.features.supports_partial_indexes
    assert dedupe.clone() == dedupe


HOT: dict[str, tuple[Callable[[int], object], list[str]]] = {
    "claim": (
        lambda campaign: claims.claim(campaign, lease="a", seconds=60, limit=10, due=NOW),
        ["wa_recipient_claim"],
    ),
    "expire": (lambda campaign: claims.expire(), ["wa_recipient_expired"]),
    "finish": (states.finish, ["wa_recipient_claim", "wa_recipient_expired"]),
    "to_send": (states.to_send, ["wa_recipient_claim", "wa_recipient_expired"]),
    "outlook": (states.outlook, ["wa_recipient_claim", "wa_recipient_expired"]),
    "left_alone": (lambda campaign: runs.left_alone(), ["wa_recipient_claim", "wa_recipient_expired"]),
    "lost": (lambda campaign: list(resending._lost(NOW)), ["wa_attempt_unsettled"]),
    "expire_replies": (lambda campaign: outbox_rows.expire(), ["wa_attempt_unsettled"]),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", HOT)
def test_what_is_asked_often_is_answered_by_the_index_of_few_rows(name: str) -> None:
    if connection.vendor not in ("sqlite", "postgresql"):
        pytest.skip("Indexes are not partial here.")
    step, indexes = HOT[name]
    campaign = rows.campaign(status="running", frozen_at=NOW)
    if connection.vendor == "postgresql":
        # Of so few rows it would read all.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    with plans() as told:
        step(campaign.pk)
    assert {index for index in indexes if index in "\n".join(told)} == set(indexes), told


@pytest.fixture
def on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("One statement of PostgreSQL's own.")


@pytest.mark.django_db
def test_a_claim_passes_no_rows_that_were_sent_to_even_before_the_table_is_analysed_anew(
    on_postgresql: None,
) -> None:
    campaign = rows.campaign(status="running", frozen_at=NOW)
    WhatsAppCampaignRecipient.objects.bulk_create(
        WhatsAppCampaignRecipient(campaign=campaign, identity=f"p:{number}") for number in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {WhatsAppCampaignRecipient._meta.db_table}")
    with plans() as told:
        claims.claim(campaign.pk, lease="a", seconds=60, limit=10, due=NOW)
    for plan in told[:2]:
        assert "wa_recipient_claim" in plan
        assert "Sort" not in plan
        # Those who sleep until their morning may be most of the campaign: none of them is passed.
        assert "Filter" not in plan


@pytest.mark.django_db
def test_settling_finds_attempts_by_their_tokens_alone(on_postgresql: None) -> None:
    answer = Answer("dmw1.none", "mine", AttemptState.ACCEPTED, NOW, message_id="wamid.1")
    with plans() as told:
        settling.settle([answer])
    [plan] = [each for each in told if "wa_recipient_claim" in each or "whatsappsendattempt" in each]
    assert "whatsappsendattempt_token" in plan
    assert "wa_attempt_" not in plan
    assert "Seq Scan" not in plan


@pytest.mark.django_db
def test_a_mark_does_not_look_at_all_pairs_of_its_rows(on_postgresql: None) -> None:
    campaign = rows.campaign()
    shared = Mark(1, campaign.pk, "UTILITY", "mine", 60, NOW)
    content = {"message_type": "text", "content": Text("Hello").payload(), "text": "Hello"}
    given: Any = SimpleNamespace(recipient_id=1, phone_number="45", token="t", message_id=None, **content)
    with plans() as told:
        marks.mark(shared, [given])
    [plan] = [each for each in told if "CTE marked" in each]
    assert "Hash Full Join" in plan
    assert "Seq Scan" not in plan
