"""A thread of this process that lets webhooks be applied again, so that whoever asked for it, a page or a command, need not wait.

It is a hint: the tick finds what is due all the same.
"""

from collections.abc import Callable

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.queue import WEBHOOKS
from django_meta_whatsapp.services.background import Background, Bounds


def hint(before: Callable[[], object] = lambda: None) -> None:
    """Webhooks are due, perhaps after `before`: somebody looks soon. Does not block."""
    _thread.put(before)


def close(seconds: float = 5.0) -> None:
    """Waits until it has looked, no longer than that."""
    _thread.close(seconds)


def _look(asked: list[Callable[[], object]]) -> None:
    for before in dict.fromkeys(asked):
        before()
    signals.work_due.send_robust(sender=WhatsAppWebhookLog, kind=WEBHOOKS, key=None)


_thread: Background[Callable[[], object]] = Background(
    # While one looks, another waits: a third would say nothing new.
    "whatsapp-replays",
    _look,
    waiting=Bounds(count=8, weight=0),
    group=Bounds(count=8, weight=1),
)
