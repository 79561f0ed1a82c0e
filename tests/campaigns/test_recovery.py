"""Whoever dies or is stopped in the middle: nobody is messaged twice, and nobody is forgotten."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection, connections
from django.utils import timezone

from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppCampaignRecipient
from django_meta_whatsapp.services.campaigns import audience, database, freeze, ledger, runner, runs, states
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.candidates import Candidate
from django_meta_whatsapp.services.campaigns.drafts import drafts, met
from django_meta_whatsapp.services.campaigns.freeze import Frozen
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

CHILD = """
import sys, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
settings.WHATSAPP = {**settings.WHATSAPP, "GRAPH_BASE_URL": sys.argv[2], "LEASE_SECONDS": 2.0}
settings.MEDIA_ROOT = sys.argv[4]
from django_meta_whatsapp.services.campaigns import runner
print(runner.run(int(sys.argv[3])))
"""


def child(simulator: SimulatorServer, campaign: WhatsAppCampaign) -> subprocess.Popen[str]:
    """A process of its own that runs the campaign."""
    name = str(connection.settings_dict["NAME"])
    arguments = [name, simulator.base_url, str(campaign.pk), str(django_settings.MEDIA_ROOT)]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_run_that_is_killed_is_finished_by_the_next_and_nobody_gets_two(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    campaign = make_campaign(people=150)
    process = child(simulator, campaign)
    try:
        wait_for(lambda: simulator.control.ledger()["count"] >= 40)
    finally:
        process.kill()
        process.communicate(timeout=10)
    settings.WHATSAPP = {**settings.WHATSAPP, "LEASE_SECONDS": 2.0, "RUN_MAX_WAIT": 20.0}
    counts = runner.run(campaign.pk)
    campaign.refresh_from_db()
    people = simulator.control.people()
    assert campaign.status == "completed"
    assert {person["count"] for person in people.values()} == {1}
    # Whoever is not known to have got it is listed as unknown.
    unknown = set(campaign.recipients.filter(status="unknown").values_list("phone_number", flat=True))
    assert counts.sent + len(unknown) == 150
    assert set(people) | unknown == {f"45{20000000 + n}" for n in range(150)}
    assert len(unknown) <= 64


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_leaves_nothing_unknown(
    simulator: SimulatorServer, make_campaign: MakeCampaign, number: int
) -> None:
    # Enough for seconds: the child must not be done before it hears the signal.
    campaign = make_campaign(people=300)
    process = child(simulator, campaign)
    try:
        wait_for(lambda: simulator.control.ledger()["count"] >= 10)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == -number, errors
    statuses = set(campaign.recipients.values_list("status", flat=True))
    assert statuses == {"accepted", "pending"}
    campaign.refresh_from_db()
    assert campaign.sent_count == simulator.control.ledger()["count"]
    assert runner.run(campaign.pk) == Counts(300, 0)
    assert {person["count"] for person in simulator.control.people().values()} == {1}


def test_a_cancelled_task_stops_between_two_messages(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=80)

    async def cancelled() -> None:
        seen = asyncio.Event()
        task = asyncio.create_task(
            runner.arun(campaign.pk, on_progress=lambda progress: seen.set() if progress.sent else None)
        )
        await asyncio.wait_for(seen.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert set(campaign.recipients.values_list("status", flat=True)) == {"accepted", "pending"}
    assert runner.run(campaign.pk) == Counts(80, 0)


def test_a_run_outside_the_main_thread_leaves_signals_alone(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=2)
    before = signal.getsignal(signal.SIGTERM)

    def run() -> Counts:
        counts = runner.run(campaign.pk)
        connections.close_all()
        return counts

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result() == Counts(2, 0)
    assert runner.run(campaign.pk) == Counts(2, 0)
    assert signal.getsignal(signal.SIGTERM) is before


BEFORE = [
    *((ledger, step) for step in ("claim", "mark", "settle")),
    *((states, step) for step in ("start", "to_send", "finish", "counts")),
    (freeze, "_store"),
]
AFTER = [(ledger, "claim"), (ledger, "mark"), (ledger, "settle"), (states, "finish"), (freeze, "_store")]
MOMENTS = [(*step, "before") for step in BEFORE] + [(*step, "after") for step in AFTER]


@pytest.mark.parametrize(
    ("module", "step", "when"), MOMENTS, ids=[f"{when}-{step}" for _, step, when in MOMENTS]
)
def test_a_database_that_is_away_for_a_moment_ends_no_run(
    simulator: SimulatorServer,
    make_campaign: MakeCampaign,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    module: ModuleType,
    step: str,
    when: str,
) -> None:
    """It goes away before a step, or after its commit, when nobody hears of it any more."""
    settings.WHATSAPP = {**settings.WHATSAPP, "LEASE_SECONDS": 1.5}
    monkeypatch.setattr(database, "_FIRST_PAUSE", 0.01)
    campaign = make_campaign(people=30)
    right, calls = getattr(module, step), iter(range(999))

    def failing(*arguments: Any, **named: Any) -> Any:
        if next(calls) > 0:
            return right(*arguments, **named)
        if when == "after":
            right(*arguments, **named)
        connections["default"].close()
        raise OperationalError("terminating connection due to administrator command")

    monkeypatch.setattr(module, step, failing)
    counts = runner.run(campaign.pk)
    campaign.refresh_from_db()
    unknown = campaign.recipients.filter(status="unknown").count()
    assert campaign.status == "completed"
    assert counts.sent + unknown == 30
    # A mark of which we heard nothing counts as a call under way.
    assert bool(unknown) == ((step, when) == ("mark", "after"))
    assert {person["count"] for person in simulator.control.people().values()} == {1}


def test_a_database_that_stays_away_ends_the_run_with_the_reason_and_the_next_one_goes_on(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_FIRST_PAUSE", 0.001)
    campaign = make_campaign(people=40)
    mark, calls = ledger.mark, iter(range(99))
    is_away = True

    def failing(*arguments: Any) -> Any:
        if is_away and next(calls) >= 2:
            raise OperationalError("the server closed the connection")
        return mark(*arguments)

    monkeypatch.setattr(ledger, "mark", failing)
    with pytest.raises(OperationalError, match="the server closed the connection"):
        runner.run(campaign.pk)
    assert next(calls) == 2 + database.RECONNECTS + 1
    assert "unknown" not in campaign.recipients.values_list("status", flat=True)
    WhatsAppCampaignRecipient.objects.filter(status="leased").update(
        lease_expires_at=timezone.now() - timedelta(days=1)
    )
    is_away = False
    assert runner.run(campaign.pk) == Counts(40, 0)
    assert {person["count"] for person in simulator.control.people().values()} == {1}


def test_an_outcome_that_cannot_be_written_at_all_ends_the_run_with_the_reason(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_FIRST_PAUSE", 0.001)

    def failing(*arguments: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(ledger, "settle", failing)
    campaign = make_campaign(people=5)
    with pytest.raises(OperationalError, match="gone"):
        runner.run(campaign.pk)
    assert set(campaign.recipients.values_list("status", flat=True)) <= {"sending", "pending"}


# Freezing


def test_a_freezing_that_died_is_begun_anew(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "LEASE_SECONDS": 0.3}
    campaign = make_campaign(people=500)
    states.start(campaign.pk)
    assignment = assign(campaign)
    batches = audience.in_batches(audience.candidates(campaign, assignment.account))
    freeze._store(campaign.pk, drafts(assignment, met(assignment, next(batches))), Frozen(False, 0, 0))
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.frozen_at) == (400, None)
    assert runner_freezes(campaign)
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.recipients.count(), campaign.skipped_count) == (500, 500, 0)


def test_a_runner_that_is_long_at_its_audience_counts_as_alive(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "RUN_LEASE_SECONDS": 1.0}
    campaign = make_campaign(people=3)
    alone: list[Any] = []
    right = freeze.freeze

    def slow(*arguments: Any, **kwargs: Any) -> bool:
        time.sleep(2.5)
        alone.extend(runs.left_alone(pk=campaign.pk))
        return right(*arguments, **kwargs)

    monkeypatch.setattr(freeze, "freeze", slow)
    assert runner.run(campaign.pk) == Counts(3, 0)
    assert alone == []


def runner_freezes(campaign: WhatsAppCampaign) -> bool:
    """What a run does before it sends."""

    async def run() -> bool:
        db = database.Database()
        try:
            return await runner.frozen(db, assign_again, threading.Event())
        finally:
            await db.close()

    assign_again = assign(campaign)
    return asyncio.run(run())


def test_of_two_that_freeze_at_once_one_stops_and_the_rows_are_there_once(
    make_campaign: MakeCampaign,
) -> None:
    repeated = "".join(f"+45{20000000 + n % 700},P,{n}\n" for n in range(1000))
    campaign = make_campaign(f"phone,name,order\n{repeated}")
    states.start(campaign.pk)
    assignment = assign(campaign)

    def run() -> bool:
        done = freeze.freeze(assignment)
        connections.close_all()
        return done

    with ThreadPoolExecutor(3) as pool:
        done = [future.result() for future in [pool.submit(run) for _ in range(3)]]
    assert any(done)
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.skipped_count) == (1000, 300)
    assert campaign.recipients.filter(status="pending").count() == 700
    assert campaign.recipients.count() == 1000


def test_a_freezer_that_was_overtaken_writes_nothing_more(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=5)
    states.start(campaign.pk)
    assignment = assign(campaign)
    assert freeze.freeze(assignment)
    late = drafts(assignment, met(assignment, [Candidate("+4512345678", "Late", {"order": 1})]))
    with pytest.raises(freeze._OvertakenError):
        freeze._store(campaign.pk, late, Frozen(False, 5, 0))
    freeze.discard(campaign.pk, Frozen(False, 5, 0))
    assert campaign.recipients.count() == 5


@pytest.mark.usefixtures("batches_of_400")
def test_a_freezing_that_is_stopped_takes_its_rows_away(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=900)
    states.start(campaign.pk)
    answers = iter([False, False, True])
    assert not freeze.freeze(assign(campaign), lambda: next(answers))
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.recipients.count()) == (0, 0)


def test_a_run_that_is_told_to_stop_while_freezing_sends_nothing(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    stop = threading.Event()
    stop.set()
    campaign = make_campaign(people=3)
    assert asyncio.run(runner.arun(campaign.pk, stop=stop)) == Counts(0, 0)
    assert simulator.control.ledger()["count"] == 0


def test_counts_that_belong_to_no_rows_are_reset_before_freezing(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=3, total_count=7)
    states.start(campaign.pk)
    assert not freeze.freeze(assign(campaign))
    freeze.discard(campaign.pk, Frozen(False, 7, 0))
    assert freeze.freeze(assign(campaign))
    campaign.refresh_from_db()
    assert campaign.total_count == 3
