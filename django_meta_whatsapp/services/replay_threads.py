"""A thread of this process that lets webhooks be applied again, so that whoever asked for it, a page or a command, need not wait.

It is a hint: the tick finds what is due all the same.
"""

from collections import deque
from collections.abc import Callable

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.queue import WEBHOOKS
from django_meta_whatsapp.services.background import Background, Bounds

_before: deque[Callable[[], object]] = deque()
"""What is to be done before the next look, from any thread."""


def hint(before: Callable[[], object] = lambda: None) -> None:
    """Webhooks are due, perhaps after `before`: somebody looks soon. Does not block."""
    _before.append(before)
    _thread.put(None)


def close(seconds: float = 5.0) -> None:
    """Waits until it has looked, no longer than that."""
    _thread.close(seconds)


def _look(asked: list[None]) -> None:
    todo: dict[Callable[[], object], None] = {}
    while _before:
        todo[_before.popleft()] = None
    for before in todo:
        before()
    signals.work_due.send_robust(sender=WhatsAppWebhookLog, kind=WEBHOOKS, key=None)


_thread: Background[None] = Background(
    # While one looks, another waits, which does all that was asked for until it begins: a third would say nothing new.
    "whatsapp-replays",
    _look,
    waiting=Bounds(count=2, weight=0),
    group=Bounds(count=1, weight=1),
)
