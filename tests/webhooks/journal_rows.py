"""Rows of the journal: made by hand, made due, made to fail; and what the signals of applying them bring."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.dispatch import Signal
from django.utils import timezone

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.services import inbox
from tests.webhooks.posting import SECRET, encoded


@contextmanager
def receiving(signal: Signal, receiver: Callable[..., Any]) -> Iterator[None]:
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@contextmanager
def listening(signal: Signal) -> Iterator[list[str]]:
    """The event ids that a signal brought."""
    heard: list[str] = []

    def hear(event_id: str, **kwargs: Any) -> None:
        heard.append(event_id)

    with receiving(signal, hear):
        yield heard


def kept(body: Any) -> WhatsAppWebhookLog:
    """A journal row that nobody has applied yet."""
    raw = encoded(body)
    return WhatsAppWebhookLog.objects.create(body=raw, signature=sign(SECRET, raw))


def only_row() -> WhatsAppWebhookLog:
    return WhatsAppWebhookLog.objects.get()


def make_due() -> None:
    WhatsAppWebhookLog.objects.filter(not_before__isnull=False).update(
        not_before=timezone.now() - timedelta(minutes=1)
    )


def break_messages(monkeypatch: pytest.MonkeyPatch, error: Exception, only: str = "") -> None:
    """Applying messages fails: all, or the one with an id."""
    store = inbox._store

    def fail(account: Any, received: Any, *others: Any) -> Any:
        if not only or any(each.event.message_id == only for each in received):
            raise error
        return store(account, received, *others)

    monkeypatch.setattr(inbox, "_store", fail)
