"""The work that Celery does. The only module that knows Celery.

A task carries a key, no data: the row is the truth. Run `tick` from the host's beat schedule, every few seconds, or run
`manage.py whatsapp_worker` beside the workers: it finds what a lost task has left behind.
"""

import logging
import time
from typing import Any

from celery import current_app, shared_task
from kombu.exceptions import OperationalError

from django_meta_whatsapp import queue
from django_meta_whatsapp.errors import QueueUnavailable
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import inbound_media, journal, upkeep
from django_meta_whatsapp.services.campaigns import runner

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 4.0
SHARE_SECONDS = 10.0


@shared_task(
    name="django_meta_whatsapp.run_campaign", ignore_result=True, acks_late=True, reject_on_worker_lost=True
)
def run_campaign(campaign_id: int, account_id: int | None = None) -> None:
    """Runs a campaign for RUN_SECONDS at most, and queues itself again while there is more to do at once.

    A campaign that has its runners already is left to them; what a lost task leaves behind the tick finds.
    """
    account = WhatsAppAccount.objects.get(pk=account_id) if account_id is not None else None
    # The queue delivers some tasks twice, and late: what was paused meanwhile stays paused.
    if runner.work(campaign_id, account):
        try:
            publish("run_campaign", campaign_id)
        except QueueUnavailable as error:
            logger.warning("Campaign #%s waits for the tick: %s", campaign_id, error)


@shared_task(
    name="django_meta_whatsapp.process_webhooks",
    ignore_result=True,
    acks_late=True,
    reject_on_worker_lost=True,
)
def process_webhooks() -> None:
    """Applies the webhooks that are due, together. After a while it queues itself for the rest: others have their tasks too."""
    until = time.monotonic() + SHARE_SECONDS
    while journal.process_due():
        if time.monotonic() > until:
            queue.enqueue(queue.WEBHOOKS, None)
            break


@shared_task(name="django_meta_whatsapp.fetch_media", ignore_result=True)
def fetch_media(message_id: int) -> None:
    """Fetches the file of one inbound message."""
    inbound_media.fetch(message_id)


@shared_task(name="django_meta_whatsapp.fetch_due_media", ignore_result=True)
def fetch_due_media() -> None:
    """Fetches the files that are due, for a while: others have their tasks too, and what is left the next tick."""
    until = time.monotonic() + SHARE_SECONDS
    while inbound_media.fetch_due() and time.monotonic() < until:
        pass


@shared_task(name="django_meta_whatsapp.tick", ignore_result=True)
def tick() -> None:
    """Finds due work of every kind; campaigns and files become tasks of their own."""
    upkeep.tick(
        lambda campaign_id: queue.enqueue("campaign", campaign_id),
        lambda: queue.enqueue(inbound_media.WORK, None),
    )


def redis_broker() -> str:
    """The broker's address where it is one Redis, else ""."""
    url = str(current_app.conf.broker_url or "")
    return url if url.startswith(("redis://", "rediss://")) and ";" not in url else ""


_TASKS: dict[str, Any] = {
    "run_campaign": run_campaign,
    "fetch_media": fetch_media,
    "fetch_due_media": fetch_due_media,
    "process_webhooks": process_webhooks,
}


def publish(name: str, *arguments: Any) -> None:
    """Queues the task `name` of this module. Raises QueueUnavailable soon when the broker cannot be reached."""
    task = _TASKS[name]
    if task.app.conf.task_always_eager:
        task.apply_async(arguments)
        return
    try:
        with task.app.producer_pool.acquire(block=True, timeout=CONNECT_SECONDS) as producer:
            # Publishing waits for ever for a broker that is down; connecting need not.
            producer.connection.ensure_connection(max_retries=0, timeout=CONNECT_SECONDS)
            once_more = {"max_retries": 1, "interval_start": 0}
            task.apply_async(arguments, producer=producer, retry=True, retry_policy=once_more)
    except (OperationalError, OSError) as error:
        raise QueueUnavailable from error
