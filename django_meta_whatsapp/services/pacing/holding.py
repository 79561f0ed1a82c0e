"""Who may pace a number: all who share it through Redis, or one process alone.

A row for each number names the holder until some moment of the database's clock. Processes that share a limiter use one name for
it, so they never wait for each other; a process without Redis uses its own and has the number to itself. Whoever finds another
name there leaves the number alone until the row has run out.
"""

import os
import socket
import threading
import time
from dataclasses import dataclass, field
from functools import cache, partial
from secrets import token_hex

from django.db.models import Q
from django.db.models.functions import Now

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppNumberHold
from django_meta_whatsapp.models.bulk.claims import ends_in
from django_meta_whatsapp.services.batches import insert_missing
from django_meta_whatsapp.services.transactions import in_transaction

SHARED = "redis"
"""The name under which all processes share a number."""
_RENEWALS = 3
"""How often a hold is renewed before it would run out."""


@dataclass(slots=True)
class _Hold:
    """What this process knows of one number. until: by our monotonic clock, when to ask the database again."""

    runs: int = 0
    name: str = ""
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_holds: dict[int, _Hold] = {}
_lock = threading.Lock()


@cache
def _name_in(pid: int) -> str:
    return f"{socket.gethostname()[:40]}:{pid}:{token_hex(8)}"


def own_name() -> str:
    """The name of this process."""
    return _name_in(os.getpid())


def join(account_id: int) -> None:
    """A run of this process begins to use the number."""
    with _lock:
        _holds.setdefault(account_id, _Hold()).runs += 1


def leave(account_id: int) -> None:
    """A run has ended. After the last one others need not wait until the hold has run out."""
    with _lock:
        hold = _holds[account_id]
        hold.runs -= 1
        if hold.runs:
            return
        del _holds[account_id]
    if hold.name == own_name():
        rows = WhatsAppNumberHold.objects.filter(account_id=account_id, holder=hold.name)
        rows.update(expires_at=Now())


def is_fresh(account_id: int, name: str) -> bool:
    """Whether `name` is sure to have the number, without asking the database."""
    hold = _holds[account_id]
    return hold.name == name and time.monotonic() < hold.until


def take(account_id: int, name: str) -> bool:
    """Takes or renews the hold; False when somebody else has it."""
    hold = _holds[account_id]
    with hold.lock:
        if is_fresh(account_id, name):
            return True
        asked = time.monotonic()
        if in_transaction(partial(_take, account_id, name)):
            hold.name, hold.until = name, asked + whatsapp_settings.NUMBER_HOLD_SECONDS / _RENEWALS
            return True
        hold.name = ""
        return False


def _take(account_id: int, name: str) -> bool:
    # From sharing to having it alone and back, a process does not wait for itself.
    free = Q(holder__in={name, own_name()}) | Q(expires_at__lte=Now())
    rows = WhatsAppNumberHold.objects.filter(free, account_id=account_id)
    held = {"holder": name, "expires_at": ends_in(whatsapp_settings.NUMBER_HOLD_SECONDS)}
    if rows.update(**held):
        return True
    insert_missing(WhatsAppNumberHold, [WhatsAppNumberHold(account_id=account_id, expires_at=Now())])
    return bool(rows.update(**held))


def _forget() -> None:
    """In a child: its parent's holds are not its own, and a lock may have been taken while it was made."""
    global _lock
    _lock = threading.Lock()
    _holds.clear()


os.register_at_fork(after_in_child=_forget)
