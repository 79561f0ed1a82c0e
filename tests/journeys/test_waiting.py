"""What comes too early waits: through Celery on either broker, and without a broker by the worker beside the web process."""

from typing import Any

import pytest

from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppMessage,
    WhatsAppWaitingStatus,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import replay_threads
from tests.journeys.processes import running, wait_for
from tests.journeys.test_celery import BROKERS, own_queue, working
from tests.services.test_waiting_statuses import ECHO, STATUSES
from tests.services_check import require
from tests.webhooks.posting import inbound, post, text_message
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "777000777000777"


def states() -> set[str]:
    return set(WhatsAppWebhookLog.objects.values_list("state", flat=True))


def early_ones_are_applied_when_their_time_comes() -> None:
    """Posts statuses before their message, and a message before its account; then what they wait for."""
    for body in (*STATUSES, inbound(text_message(), number=NEW)):
        assert post(body).status_code == 200
    wait_for(lambda: states() == {"done", "unrouted"})
    wait_for(lambda: WhatsAppWaitingStatus.objects.count() == len(STATUSES))
    post(ECHO)
    WhatsAppAccount.objects.create(name="New", phone_number_id=NEW)
    wait_for(lambda: states() == {"done"})
    wait_for(lambda: not WhatsAppWaitingStatus.objects.exists())
    assert WhatsAppMessage.objects.get(direction="outbound").status == "read"
    assert WhatsAppMessage.objects.get(direction="inbound").account.name == "New"
    replay_threads.close()


@pytest.mark.parametrize(("service", "broker"), BROKERS)
def test_with_celery_its_workers_apply_what_waited(
    service: str, broker: str, simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    require(service)
    settings.WHATSAPP_USE_CELERY = True
    with own_queue(broker) as app, working(app, broker) as process:
        early_ones_are_applied_when_their_time_comes()
        assert process.terminate() == 0


def test_without_a_broker_the_worker_applies_what_waited(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_INLINE": False, "WORKER_SECONDS": 0.1}
    with running("-m", "django", "whatsapp_worker") as worker:
        early_ones_are_applied_when_their_time_comes()
        assert worker.terminate() == 0
