"""Audiences as streams: providers with parameters, memory that stays flat, freezings that are stopped and gone on with."""

import asyncio
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp import utils
from django_meta_whatsapp.errors import InvalidAudience
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppContact
from django_meta_whatsapp.services import batches
from django_meta_whatsapp.services.campaigns import audience, freeze, runner, runs
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.freeze import Frozen
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns import sources
from tests.campaigns.conftest import MakeCampaign
from tests.models import rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("batches_of_400")]
HERE = "tests.campaigns.sources"


def configure(settings: Any, **keys: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, **keys}


@pytest.mark.parametrize(
    ("parameters", "given", "name"),
    [
        (["city", "at_least"], {}, "nowhere 0"),
        (["city", "at_least"], {"city": "Pune", "at_least": 3}, "Pune 3"),
        ({"city": "Pune", "at_least": 2}, {}, "Pune 2"),
        ({"city": "Pune", "at_least": 2}, {"at_least": 5}, "Pune 5"),
    ],
)
def test_a_provider_takes_the_parameters_that_the_settings_declare(
    make_campaign: MakeCampaign, settings: Any, parameters: Any, given: dict[str, Any], name: str
) -> None:
    configure(settings, AUDIENCES={"shop": {"provider": f"{HERE}.in_city", "parameters": parameters}})
    campaign = make_campaign(audience_type="shop", audience_filters=given)
    assert [person["name"] for person in utils.resolve_audience(campaign)] == [name]
    campaign.audience_filters = {"town": "Pune"}
    with pytest.raises(InvalidAudience, match="'town' is no parameter"):
        utils.resolve_audience(campaign)


class Row:
    """Something of the host's that can be counted while it lives."""

    def __init__(self, number: int) -> None:
        self.phone, self.name, self.order = f"+45{20000000 + number}", f"P {number}", number


def test_what_a_generator_yields_is_let_go_of(
    make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: weakref.WeakSet[Row] = weakref.WeakSet()
    most = [0]

    def rows() -> Iterator[Row]:
        for number in range(4000):
            row = Row(number)
            alive.add(row)
            most[0] = max(most[0], len(alive))
            yield row

    monkeypatch.setattr(sources, "streamed_rows", rows, raising=False)
    configure(settings, AUDIENCES={"shop": f"{HERE}.streamed_rows"})
    campaign = make_campaign(audience_type="shop")
    assert sum(1 for _ in utils.iter_audience(campaign)) == 4000
    assert freeze.freeze(assign(campaign))
    assert campaign.recipients.count() == 4000
    assert most[0] < 1000


def stops_after(batches: int) -> Callable[[], bool]:
    answers = iter([*[False] * batches, True])
    return lambda: next(answers)


def rows_of(campaign: WhatsAppCampaign) -> list[tuple[str, str]]:
    return list(campaign.recipients.order_by("pk").values_list("phone_number", "skip_reason"))


@pytest.mark.parametrize("kind", ["csv", "contacts"])
def test_a_freezing_that_is_stopped_to_be_gone_on_with_reads_no_one_twice_and_forgets_no_one(
    make_campaign: MakeCampaign, kind: str
) -> None:
    if kind == "contacts":
        WhatsAppContact.objects.bulk_create(
            [WhatsAppContact(phone=f"45{20000000 + n}", name="P", email="p@x.example") for n in range(1000)]
        )
    campaign = make_campaign(people=1000, audience_type=kind)
    if kind == "contacts":
        campaign.parameter_mappings = {"1": "name", "2": "email"}
        campaign.save()
    seen: list[int] = []
    keep = {"keep": True, "on_progress": lambda at: seen.append(at.total)}
    assert not freeze.freeze(assign(campaign), stops_after(1), **keep)  # type: ignore[arg-type]
    assert len(rows_of(campaign)) == 400
    # Whoever has been read and leaves the audience now must not shift the others.
    WhatsAppContact.objects.filter(phone="4520000005").update(opted_out=True)
    assert not freeze.freeze(assign(campaign), stops_after(1), **keep)  # type: ignore[arg-type]
    assert freeze.freeze(assign(campaign), **keep)  # type: ignore[arg-type]
    assert rows_of(campaign) == [(f"45{20000000 + n}", "") for n in range(1000)]
    assert seen == [400, 800, 1000]
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.skipped_count, campaign.frozen_through) == (1000, 0, "")


def test_a_stopped_freezing_of_another_plan_is_begun_anew(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=500)
    assert not freeze.freeze(assign(campaign), stops_after(1), keep=True)
    campaign.parameter_mappings = {"1": "order", "2": "name"}
    campaign.save(update_fields=["parameter_mappings"])
    assert freeze.freeze(assign(campaign))
    assert len(rows_of(campaign)) == 500
    assert campaign.recipients.order_by("pk")[0].parameters == {"1": "A-0", "2": "Person 0"}


def test_a_stopped_freezing_for_another_number_is_begun_anew(make_campaign: MakeCampaign) -> None:
    """Whom the gate refuses, and by what a person is known, differs from number to number."""
    campaign = make_campaign(people=500)
    assert campaign.account
    assert not freeze.freeze(assign(campaign), stops_after(1), keep=True)
    first = campaign.recipients.order_by("pk")[0].pk
    other = rows.account(waba_id=campaign.account.waba_id, portfolio_id=campaign.account.portfolio_id)
    assert freeze.freeze(assign(campaign, other))
    assert campaign.recipients.order_by("pk")[0].pk > first
    assert len(rows_of(campaign)) == 500


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_stopped_while_freezing_goes_on_where_it_was(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "most", lambda: 5)
    stop, right = threading.Event(), freeze._store

    def store(*arguments: Any, **kwargs: Any) -> Frozen:
        stop.set()
        return right(*arguments, **kwargs)

    campaign = make_campaign(people=60)
    with monkeypatch.context() as stopping:
        stopping.setattr(freeze, "_store", store)
        assert asyncio.run(runner.arun(campaign.pk, stop=stop)) == Counts(0, 0)
    kept = list(campaign.recipients.order_by("pk").values_list("pk", flat=True))
    assert 0 < len(kept) < 60
    assert [each.campaign_id for each in runs.left_alone()] == [campaign.pk]
    assert runner.run(campaign.pk) == Counts(60, 0)
    assert list(campaign.recipients.order_by("pk").values_list("pk", flat=True))[: len(kept)] == kept
    assert {person["count"] for person in simulator.control.people().values()} == {1}


def test_a_source_without_an_order_is_read_from_its_beginning(
    make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "streamed_rows", lambda: map(Row, range(500)), raising=False)
    configure(settings, AUDIENCES={"shop": f"{HERE}.streamed_rows"})
    campaign = make_campaign(audience_type="shop")
    assert not freeze.freeze(assign(campaign), stops_after(1), keep=True)
    assert rows_of(campaign) == []
    assert freeze.freeze(assign(campaign))
    assert len(rows_of(campaign)) == 500


def test_a_skipped_row_says_which_variable_is_missing_and_where(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign("phone,name,order\n+4512345678,,\n+4512345679,Bo,A-1\n")
    assert freeze.freeze(assign(campaign))
    assert [(row.skip_reason, row.error_message) for row in campaign.recipients.order_by("pk")] == [
        ("missing_variable", "1, 2, line 2"),
        ("", ""),
    ]


def test_filters_are_part_of_the_plan(make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount) -> None:
    WhatsAppContact.objects.bulk_create(
        [WhatsAppContact(phone=f"45{20000000 + n}", name="P") for n in range(500)]
    )
    mappings = {"1": "name", "2": "phone"}
    campaign = make_campaign(audience_type="contacts", parameter_mappings=mappings)
    assert not freeze.freeze(assign(campaign), stops_after(1), keep=True)
    campaign.audience_filters = {"phone": "4520000499"}
    campaign.save(update_fields=["audience_filters"])
    assert freeze.freeze(assign(campaign))
    assert rows_of(campaign) == [("4520000499", "")]


@pytest.mark.parametrize("kind", ["csv", "contacts"])
def test_each_batch_of_a_freezing_is_as_many_statements_as_the_others(
    make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    size = 50
    monkeypatch.setattr(batches, "_MOST", size)
    monkeypatch.setattr(batches, "SIZE", size)
    monkeypatch.setattr(audience, "PAGE", size)
    if kind == "contacts":
        fields = [{"phone": f"45{20000000 + n}", "name": "P", "notes": "A"} for n in range(4 * size)]
        WhatsAppContact.objects.bulk_create([WhatsAppContact(**each) for each in fields])
    order = {"contacts": "notes", "csv": "order"}[kind]
    mappings = {"1": "name", "2": order}
    campaign = make_campaign(people=4 * size, audience_type=kind, parameter_mappings=mappings)
    assignment, ends = assign(campaign), [0]
    with CaptureQueriesContext(connection) as queries:
        assert freeze.freeze(assignment, on_progress=lambda at: ends.append(len(queries)))
    counts = [after - before for before, after in pairwise(ends)]
    assert len(counts) == 4
    assert counts[1] == counts[2] == counts[3] < size / 2


@pytest.mark.parametrize("kind", ["csv", "contacts"])
def test_no_statement_of_a_freezing_reads_all_people(make_campaign: MakeCampaign, kind: str) -> None:
    """What one batch costs must not grow with the contacts of the host."""
    if connection.vendor != "sqlite":
        pytest.skip("others choose their way by how full their tables are")
    WhatsAppContact.objects.bulk_create([WhatsAppContact(phone="4520000001", name="P", notes="A")])
    mappings = {"1": "name", "2": {"contacts": "notes", "csv": "order"}[kind]}
    campaign = make_campaign(people=10, audience_type=kind, parameter_mappings=mappings)
    with CaptureQueriesContext(connection) as queries:
        assert freeze.freeze(assign(campaign))
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    with connection.cursor() as cursor:
        for statement in asked:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            steps = [str(row[-1]) for row in cursor.fetchall()]
            scans = [step for step in steps if step.startswith("SCAN") and "json_each" not in step]
            assert not scans, statement


def test_memory_does_not_grow_with_the_audience(make_campaign: MakeCampaign) -> None:
    def peak(people: int) -> int:
        assignment = assign(make_campaign(people=people))
        tracemalloc.start()
        try:
            assert freeze.freeze(assignment)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(400)  # what is made once
    assert peak(4000) < 2 * peak(800)
