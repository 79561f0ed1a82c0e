"""`manage.py whatsapp_worker`: due work without a broker, in one process that ends when it is asked to."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppTemplate,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.worker import Worker
from tests.journeys.processes import running, wait_for
from tests.webhooks.posting import SECRET, encoded, inbound, text_message
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

COMMAND = ("-m", "django", "whatsapp_worker")


def scheduled(account: WhatsAppAccount, people: int) -> WhatsAppCampaign:
    for number in range(people):
        WhatsAppContact.objects.create(phone=f"45200{number:05}")
    template, _ = WhatsAppTemplate.objects.get_or_create(
        account=account, name="hello_world", language="en_US", status="APPROVED", category="UTILITY"
    )
    return WhatsAppCampaign.objects.create(
        name="All",
        account=account,
        template=template,
        audience_type="contacts",
        status="scheduled",
        scheduled_at=timezone.now(),
    )


def status_of(campaign: WhatsAppCampaign) -> str:
    campaign.refresh_from_db()
    return campaign.status


def test_it_applies_what_waits_runs_what_is_due_and_ends_when_asked(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WORKER_SECONDS": 0.1}
    body = encoded(inbound(text_message()))
    past = timezone.now() - timedelta(seconds=1)
    WhatsAppWebhookLog.objects.create(
        body=body, signature=sign(SECRET, body), state="failed", attempts=1, not_before=past
    )
    campaign = scheduled(whatsapp_account, people=3)
    with running(*COMMAND) as worker:
        wait_for(lambda: status_of(campaign) == "completed")
        wait_for(WhatsAppMessage.objects.filter(direction="inbound").exists)
        later = scheduled(whatsapp_account, people=0)
        wait_for(lambda: status_of(later) == "completed")
        assert worker.terminate() == 0
        assert worker.output.splitlines()[0] == "The worker is running."
        assert worker.output.splitlines()[-1] == "The worker has stopped."
    assert {person["count"] for person in simulator.control.people().values()} == {2}
    assert WhatsAppWebhookLog.objects.get().state == "done"


def test_asked_to_end_it_lets_calls_under_way_end_and_leaves_nothing_unknown(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    simulator.control.fault("latency", seconds=0.3)
    campaign = scheduled(whatsapp_account, people=200)
    with running(*COMMAND) as worker:
        wait_for(lambda: simulator.control.ledger()["count"] >= 10)
        assert worker.terminate() == 0
    statuses = set(campaign.recipients.values_list("status", flat=True))
    assert statuses == {"accepted", "pending"}
    campaign.refresh_from_db()
    assert (campaign.status, campaign.sent_count) == ("running", simulator.control.ledger()["count"])


def test_a_campaign_that_cannot_run_pauses_and_the_worker_goes_on(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    bad = scheduled(whatsapp_account, people=1)
    WhatsAppTemplate.objects.update(status="PAUSED")
    with running(*COMMAND) as worker:
        wait_for(lambda: status_of(bad) == "paused")
        WhatsAppTemplate.objects.update(status="APPROVED")
        good = scheduled(whatsapp_account, people=0)
        wait_for(lambda: status_of(good) == "completed")
        assert worker.terminate() == 0
        assert f"Campaign #{bad.pk} stopped" in worker.output
    assert "Paused" in bad.status_reason


@contextmanager
def working() -> Iterator[None]:
    """A worker in a thread of this process."""
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_a_campaign_that_it_runs_is_not_begun_again(
    simulator: SimulatorServer,
    whatsapp_account: WhatsAppAccount,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WORKER_SECONDS": 0.02}
    simulator.control.fault("latency", seconds=0.7)
    campaign = scheduled(whatsapp_account, people=1)
    with caplog.at_level("INFO", "django_meta_whatsapp"), working():
        wait_for(campaign.recipients.filter(status="sending").exists)
        WhatsAppCampaign.objects.update(status="scheduled")
        wait_for(lambda: status_of(campaign) == "running")
        wait_for(lambda: f"Campaign #{campaign.pk}: 1 sent" in caplog.text)
    assert caplog.text.count(f"Campaign #{campaign.pk}:") == 1


def test_many_campaigns_that_are_due_at_once_take_turns(
    simulator: SimulatorServer,
    whatsapp_account: WhatsAppAccount,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each takes a thread and two connections: a morning full of campaigns must not use up the database."""
    monkeypatch.setattr("django_meta_whatsapp.worker.CAMPAIGNS_AT_ONCE", 2)
    settings.WHATSAPP = {**settings.WHATSAPP, "WORKER_SECONDS": 0.02}
    simulator.control.fault("latency", seconds=0.3)
    scheduled(whatsapp_account, people=1)
    for _ in range(4):
        scheduled(whatsapp_account, people=0)
    most = 0
    begun = WhatsAppCampaign.objects.filter(recipients__status="sending")

    def over() -> bool:
        nonlocal most
        most = max(most, begun.count())
        return not WhatsAppCampaign.objects.exclude(status="completed").exists()

    with working():
        wait_for(over)
    assert most == 2


def test_a_campaign_that_fails_is_logged_and_the_worker_goes_on(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = scheduled(whatsapp_account, people=1)
    WhatsAppTemplate.objects.update(status="PAUSED")
    with working():
        wait_for(lambda: status_of(campaign) == "paused")
        wait_for(lambda: f"Campaign #{campaign.pk} stopped" in caplog.text)


def test_it_leaves_no_connection_open(simulator: SimulatorServer, whatsapp_account: WhatsAppAccount) -> None:
    """In no thread: one that nobody closes outlives the database's restart, and the next campaign stumbles over it."""
    opened: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **arguments: Any) -> None:
        opened.append(connection)

    connection_created.connect(note)
    campaign = scheduled(whatsapp_account, people=1)
    try:
        with working():
            wait_for(lambda: status_of(campaign) == "completed")
    finally:
        connection_created.disconnect(note)
    others = [each for each in opened if each is not connections["default"]]
    assert len(others) >= 2
    assert [each.connection for each in others] == [None] * len(others)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_on_a_signal_and_gives_back_the_handlers(number: int) -> None:
    before = signal.getsignal(number)
    output = StringIO()

    def interrupt() -> None:
        wait_for(lambda: "running" in output.getvalue())
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    call_command("whatsapp_worker", stdout=output)
    thread.join()
    assert output.getvalue() == "The worker is running.\nThe worker has stopped.\n"
    assert signal.getsignal(number) == before
