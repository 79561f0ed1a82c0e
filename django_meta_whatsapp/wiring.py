"""Connects what must not know each other: services to the clock, models to caches. Called once, when Django is ready."""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.utils.module_loading import import_string

from django_meta_whatsapp import queue, signals
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import QueueUnavailable
from django_meta_whatsapp.models import MessageDirection, WhatsAppAccount, WhatsAppCampaign, WhatsAppMessage
from django_meta_whatsapp.services import (
    group_commit,
    inbound_media,
    journal,
    media_threads,
    signatures,
    statuses,
    unrouted,
)
from django_meta_whatsapp.services.campaigns import freeze
from django_meta_whatsapp.services.pacing import number
from django_meta_whatsapp.services.transactions import database

logger = logging.getLogger(__name__)

CAMPAIGN = "campaign"


def connect() -> None:
    """Makes all connections. Doing it twice changes nothing."""
    queue.register(queue.WEBHOOKS, _queue_webhooks)
    queue.register(inbound_media.WORK, _queue_media)
    queue.register(CAMPAIGN, _queue_campaign)
    signals.work_due.connect(_on_work_due, dispatch_uid="django_meta_whatsapp.work_due")
    signals.messages_known.connect(
        statuses.apply_waiting, dispatch_uid="django_meta_whatsapp.waiting_statuses"
    )
    post_save.connect(
        _on_message_saved, sender=WhatsAppMessage, dispatch_uid="django_meta_whatsapp.message_saved"
    )
    number.other_url = _celery_s_redis
    for signal in (post_save, post_delete):
        signal.connect(
            signatures.accounts_changed,
            sender=WhatsAppAccount,
            dispatch_uid="django_meta_whatsapp.secrets",
        )
    post_delete.connect(
        freeze.campaign_deleted, sender=WhatsAppCampaign, dispatch_uid="django_meta_whatsapp.campaign_deleted"
    )
    post_save.connect(
        unrouted.account_changed, sender=WhatsAppAccount, dispatch_uid="django_meta_whatsapp.unrouted"
    )


def _celery_s_redis() -> str:
    """The broker, where that is Redis: what is good enough for the queue is good enough for the pace."""
    if not whatsapp_settings.USE_CELERY:
        return ""
    return str(import_string("django_meta_whatsapp.tasks.redis_broker")())


def _on_work_due(kind: str, key: int | None, **kwargs: Any) -> None:
    """A row is due, or several. With Celery its workers take them; without, webhooks are applied here and now, and files
    fetched by threads of this process.

    It is a hint: the tick finds the rows all the same.
    """
    if whatsapp_settings.USE_CELERY:
        try:
            queue.enqueue(kind, key)
        except QueueUnavailable as error:
            logger.warning("%s #%s waits for the tick: %s", kind, key, error)
    elif not whatsapp_settings.WEBHOOK_INLINE:
        return
    elif kind == queue.WEBHOOKS:
        _apply_webhooks(key)
    elif kind == inbound_media.WORK:
        media_threads.hint()


def _on_message_saved(instance: WhatsAppMessage, created: bool, raw: bool, **kwargs: Any) -> None:
    """A host made the row of a message that it sent by a low-level function."""
    if created and not raw and instance.message_id and instance.direction == MessageDirection.OUTBOUND:
        send = partial(signals.messages_known.send_robust, sender=WhatsAppMessage)
        known = partial(send, account_id=instance.account_id, message_ids=[instance.message_id])
        transaction.on_commit(known, using=database())


def _apply_webhooks(key: int | None) -> None:
    if key is not None:
        journal.process(key)
        return
    while journal.process_due():
        pass


def _queue_webhooks(key: int | None) -> None:
    """One task stands for all that are due, so that workers apply together what came one by one."""
    if key is None:
        _publish("process_webhooks")
    else:
        group_commit.hint()


def _queue_media(key: int | None) -> None:
    if key is None:
        _publish("fetch_due_media")
    else:
        _publish("fetch_media", key)


def _queue_campaign(key: int, account_id: int | None = None) -> None:
    _publish("run_campaign", key, account_id)


def _publish(task: str, *arguments: Any) -> None:
    # Celery is optional, and slow to load: its module is imported by those who use it.
    import_string("django_meta_whatsapp.tasks.publish")(task, *arguments)
