"""One try to apply a webhook: what it came to, and the signals that follow its commits."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from django_meta_whatsapp.cloud_api.events import Event
from django_meta_whatsapp.services.transactions import database


@dataclass(slots=True)
class Delivery:
    """What applying one webhook came to.

    received_at: the time of events without one of their own.
    on_progress: called whenever there is some; it must not raise.
    again: an earlier try may have stopped between a commit and its signals, so signals come also for what is not new.
    only: the targets whose events are to be applied; None: all are.
    unrouted: events of accounts that we do not know, or whose secret did not sign; unrouted_to: their targets, and what was
    known of each (see `WhatsAppUnroutedTarget`). unmatched: news of messages,
    templates … that are not ours, or not yet. foreign: those of them that carry another system's token.
    unknown: events that nothing here understands.
    unreadable: parts that no later try can read. failures: what a later try may apply. receivers: failed receivers of signals.
    """

    received_at: datetime
    again: bool = False
    on_progress: Callable[[], None] = field(default=lambda: None, repr=False)
    only: Collection[str] | None = None
    events: int = 0
    unrouted: int = 0
    unmatched: int = 0
    foreign: int = 0
    unknown: int = 0
    unrouted_to: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)

    def time_of(self, event: Event) -> datetime:
        """When the event happened, as far as anybody knows."""
        return event.timestamp or self.received_at

    def announce(self, signal: Signal, sender: type, event_id: str, **arguments: Any) -> None:
        """Sends `signal` after the commit of the transaction that is open. A receiver that fails is noted."""
        if signal.has_listeners(sender):
            send = partial(self._send, signal, sender, event_id, arguments)
            transaction.on_commit(send, using=database())

    def _send(self, signal: Signal, sender: type, event_id: str, arguments: dict[str, Any]) -> None:
        self.on_progress()
        # Robust, so that every receiver hears of it; Django logs the traceback.
        for receiver, result in signal.send_robust(sender=sender, event_id=event_id, **arguments):
            if isinstance(result, Exception):
                name = getattr(receiver, "__qualname__", repr(receiver))
                self.receivers.append(f"The receiver {name} failed with {event_id}: {result!r}")
