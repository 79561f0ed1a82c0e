"""With Celery: webhooks and campaigns are for its workers, on Redis and on RabbitMQ; a broker that is down loses nothing."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery, _state

from django_meta_whatsapp import queue, tasks
from django_meta_whatsapp.errors import QueueUnavailable
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppTemplate,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import group_commit, journal
from django_meta_whatsapp.utils import run_campaign_async
from tests.journeys.processes import running, wait_for
from tests.services_check import require
from tests.webhooks.posting import inbound, post, text_message
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

BROKERS = [
    pytest.param("redis", "redis://127.0.0.1:6379/15", marks=pytest.mark.redis),
    pytest.param("rabbitmq", "amqp://guest:guest@127.0.0.1:5672//", marks=pytest.mark.rabbitmq),
]
DOWN = ["redis://127.0.0.1:9/0", "amqp://guest:guest@127.0.0.1:9//"]


@contextmanager
def celery_app(broker: str, **conf: Any) -> Iterator[Celery]:
    """The host's Celery application, in this process and its threads."""
    before = _state.default_app
    app = Celery("host", broker=broker, set_as_current=False)
    app.conf.update(task_default_queue=f"test-{uuid.uuid4().hex}", **conf)
    app.set_default()
    try:
        yield app
    finally:
        # Hints go out from a thread, which must not find another test's application.
        group_commit.close(20)
        _state.set_default_app(before)
        app.close()


@pytest.fixture
def campaign(whatsapp_account: WhatsAppAccount) -> WhatsAppCampaign:
    for number in range(5):
        WhatsAppContact.objects.create(phone=f"4520000{number:03}")
    template = WhatsAppTemplate.objects.create(
        account=whatsapp_account, name="hello_world", language="en_US", status="APPROVED", category="UTILITY"
    )
    return WhatsAppCampaign.objects.create(name="All", template=template, audience_type="contacts")


def status_of(campaign: WhatsAppCampaign) -> str:
    campaign.refresh_from_db()
    return campaign.status


@contextmanager
def own_queue(broker: str) -> Iterator[Celery]:
    """`celery_app` whose queue leaves nothing at the broker."""
    with celery_app(broker) as app:
        try:
            yield app
        finally:
            delete_queue(app)


def delete_queue(app: Celery) -> None:
    name = app.conf.task_default_queue
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        channel.queue_delete(name)
        if connection.transport_cls == "redis":
            channel.client.delete(name, f"_kombu.binding.{name}", f"_kombu.binding_permanent.{name}")
        else:
            channel.exchange_delete(name)


def working(app: Celery, broker: str) -> Any:
    """A Celery worker of two processes, as a context."""
    worker = ["-m", "celery", "-A", "tests.journeys.celery_host", "worker", "--pool", "prefork"]
    worker += ["--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return running(*worker, celery=True, BROKER=broker, QUEUE=app.conf.task_default_queue)


def queued(app: Celery) -> int:
    """How many tasks wait at the broker."""
    with app.connection_for_write() as connection:
        queue = connection.default_channel.queue_declare(app.conf.task_default_queue, passive=True)
        return int(queue.message_count)


@pytest.mark.parametrize(("service", "broker"), BROKERS)
def test_webhooks_that_come_one_by_one_are_few_tasks_and_workers_apply_them_all(
    service: str,
    broker: str,
    whatsapp_account: WhatsAppAccount,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require(service)
    settings.WHATSAPP_USE_CELERY = True
    monkeypatch.setattr(group_commit, "HINT_SECONDS", 1.0)
    with own_queue(broker) as app:
        started = time.monotonic()
        for number in range(60):
            assert post(inbound(text_message(f"wamid.{number}"))).status_code == 200
        # What was kept last is told of too.
        group_commit.close(20)
        assert 1 <= queued(app) <= 2 + time.monotonic() - started
        assert not WhatsAppMessage.objects.exists()
        with working(app, broker) as process:
            wait_for(lambda: WhatsAppMessage.objects.count() == 60)
            wait_for(lambda: not WhatsAppWebhookLog.objects.exclude(state="done").exists())
            assert process.terminate() == 0
    assert set(WhatsAppWebhookLog.objects.values_list("attempts", flat=True)) == {1}


def test_a_hint_that_was_lost_leaves_its_webhooks_to_the_tick(
    whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    with celery_app("redis://127.0.0.1:9/0"):
        for number in range(3):
            assert post(inbound(text_message(f"wamid.{number}"))).status_code == 200
    with celery_app("memory://", task_always_eager=True):
        tasks.tick()
    assert WhatsAppMessage.objects.count() == 3


def test_a_task_whose_time_is_over_leaves_the_rest_to_another(
    whatsapp_account: WhatsAppAccount, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    monkeypatch.setattr(tasks, "SHARE_SECONDS", 0.0)
    # Alone, so that there is a rest.
    monkeypatch.setattr(journal, "TOGETHER", 1)
    with celery_app("redis://127.0.0.1:9/0"):
        for number in range(3):
            post(inbound(text_message(f"wamid.{number}")))
    with celery_app("memory://", task_always_eager=True):
        tasks.process_webhooks()
    assert WhatsAppMessage.objects.count() == 3


@pytest.mark.parametrize(("service", "broker"), BROKERS)
def test_workers_apply_webhooks_and_run_campaigns(
    service: str,
    broker: str,
    webhook_site: SimulatorServer,
    whatsapp_account: WhatsAppAccount,
    campaign: WhatsAppCampaign,
    settings: Any,
) -> None:
    require(service)
    settings.WHATSAPP_USE_CELERY = True
    with own_queue(broker) as app:
        webhook_site.control.inbound("4520000000", {"type": "text", "text": {"body": "hi"}})
        assert webhook_site.control.drain()["drained"]
        assert run_campaign_async(campaign.pk, whatsapp_account.pk) == {"queued": True}
        # Nobody has done anything yet: this process hands the work over.
        assert WhatsAppWebhookLog.objects.get().state == "pending"
        assert not WhatsAppMessage.objects.exists()
        assert webhook_site.control.ledger()["count"] == 0
        with working(app, broker) as process:
            wait_for(WhatsAppMessage.objects.filter(direction="inbound").exists)
            wait_for(lambda: status_of(campaign) == "completed")
            wait_for(lambda: campaign.recipients.filter(status="read").count() == 5)
            assert process.terminate() == 0
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.read_count) == (5, 5)
    assert {person["count"] for person in webhook_site.control.people().values()} == {1}


@pytest.mark.parametrize("broker", DOWN, ids=["redis", "rabbitmq"])
def test_a_broker_that_is_down_is_told_soon_and_the_campaign_stays_due(
    broker: str, simulator: SimulatorServer, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    started = time.monotonic()
    with celery_app(broker), pytest.raises(QueueUnavailable, match="cannot be reached"):
        run_campaign_async(campaign.pk)
    assert time.monotonic() - started < 5
    assert status_of(campaign) == "scheduled"
    assert simulator.control.ledger()["count"] == 0
    with celery_app("memory://", task_always_eager=True):
        tasks.tick()
    assert status_of(campaign) == "completed"
    assert simulator.control.ledger()["count"] == 5


@pytest.mark.parametrize("broker", DOWN, ids=["redis", "rabbitmq"])
def test_a_webhook_is_kept_and_answered_when_the_broker_is_down(
    broker: str, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    with celery_app(broker):
        assert post(inbound(text_message())).status_code == 200
    assert WhatsAppWebhookLog.objects.get().state == "pending"
    assert journal.process_due() == 1
    assert WhatsAppMessage.objects.count() == 1


def test_without_celery_a_campaign_runs_here(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, whatsapp_account: WhatsAppAccount
) -> None:
    assert run_campaign_async(campaign.pk, whatsapp_account.pk) == {"sent": 5, "failed": 0}


def test_a_hint_of_many_webhooks_applies_them_all(whatsapp_account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP_USE_CELERY = True
    with celery_app("redis://127.0.0.1:9/0"):
        for number in range(3):
            post(inbound(text_message(f"wamid.{number}")))
    with celery_app("memory://", task_always_eager=True):
        queue.enqueue("webhooks", None)
    assert WhatsAppMessage.objects.count() == 3


def test_a_worker_beside_celery_hands_campaigns_over(
    simulator: SimulatorServer, campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WORKER_SECONDS": 0.1}
    WhatsAppCampaign.objects.update(status="scheduled", scheduled_at=campaign.created_at)
    with running("-m", "tests.journeys.eager_worker", celery=True) as worker:
        wait_for(lambda: status_of(campaign) == "completed")
        assert worker.terminate() == 0
    assert simulator.control.ledger()["count"] == 5
