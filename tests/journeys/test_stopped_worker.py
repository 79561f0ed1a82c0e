"""A worker that is stopped past its lease and continued: what another has taken since is no longer its to send."""

import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest
from django.db import connection

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign
from tests.journeys.processes import Process, running, wait_for
from tests.journeys.test_worker import COMMAND, scheduled, status_of
from whatsapp_simulator.testing import SimulatorServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

PEOPLE = 500
TIMES = {
    "LEASE_SECONDS": 3.0,
    "SEND_DEADLINE": 1.6,
    "REQUEST_TIMEOUT": 1.4,
    "CONNECT_TIMEOUT": 1.2,
    "NUMBER_HOLD_SECONDS": 1.5,
    "RUN_LEASE_SECONDS": 1.5,
    "WORKER_SECONDS": 0.2,
}


def stop_in_a_batch(worker: Process, campaign: WhatsAppCampaign) -> tuple[set[str], set[str]]:
    """Stops it with rows that it has claimed, and with calls under way; the people of both.

    Not in a transaction: whoever is stopped there holds its locks for as long, and nobody else could take anything over.
    """
    deadline = time.monotonic() + 20
    while True:
        worker.stop()
        if not is_in_transaction():
            claimed, in_flight = people_by_status(campaign, "leased"), people_by_status(campaign, "sending")
            if claimed and in_flight:
                return claimed, in_flight
        worker.go_on()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_in_transaction() -> bool:
    """Whether anybody else is in a transaction on the test's database."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        with closing(sqlite3.connect(name, timeout=0.1, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return bool(cursor.fetchone()[0])


def people_by_status(campaign: WhatsAppCampaign, *statuses: str) -> set[str]:
    return set(campaign.recipients.filter(status__in=statuses).values_list("phone_number", flat=True))


def test_a_worker_stopped_past_its_lease_and_continued_sends_nothing_that_another_has_taken(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, **TIMES}
    simulator.control.fault("latency", seconds=0.3)
    campaign = scheduled(whatsapp_account, people=PEOPLE)
    with running(*COMMAND) as stopped:
        wait_for(lambda: simulator.control.ledger()["count"] >= 20)
        claimed, in_flight = stop_in_a_batch(stopped, campaign)
        with running(*COMMAND) as other:
            # Those that the first had claimed, and not yet marked, get their message from the other.
            wait_for(lambda: claimed <= simulator.control.people().keys(), 80)
            assert status_of(campaign) == "running"
            stopped.go_on()
            wait_for(lambda: status_of(campaign) == "completed", 80)
            wait_for(lambda: f"Campaign #{campaign.pk}:" in stopped.output)
            assert stopped.terminate() == 0
            assert other.terminate() == 0
    people = simulator.control.people()
    assert {person["count"] for person in people.values()} == {1}
    unknown = people_by_status(campaign, "unknown")
    assert unknown <= in_flight
    assert len(people.keys() | unknown) == PEOPLE
    assert people_by_status(campaign, "accepted") | unknown == {f"45200{n:05}" for n in range(PEOPLE)}
