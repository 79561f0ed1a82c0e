"""Transactions that hold on every database.

Rules that the services keep, because SQLite has one writer and every database has deadlocks:
a transaction is short, never spans a call to Meta, and its first statement is a write. (SQLite waits its turn for a
write that comes first; it refuses at once, without waiting, to turn a reading transaction into a writing one.)
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError, connections, router, transaction

from django_meta_whatsapp.errors import InsideTransaction
from django_meta_whatsapp.models import WhatsAppMessage

T = TypeVar("T")

ATTEMPTS = 6
_FIRST_PAUSE = 0.02


def database() -> str:
    """The alias of the database that the product writes to."""
    return router.db_for_write(WhatsAppMessage)


def refuse_inside() -> None:
    """Raises InsideTransaction when the caller has a transaction open: what we commit could be rolled back."""
    if not connections[database()].in_atomic_block:
        return
    try:
        with transaction.atomic(using=database(), durable=True):
            pass  # Django's own test, which knows the transaction that wraps a TestCase.
    except RuntimeError as error:
        raise InsideTransaction from error


def in_transaction(work: Callable[[], T], *, durable: bool = False) -> T:
    """What `work` returns, run in one transaction (a savepoint inside the caller's).

    Another writer may get in between: a deadlock, a lock that took too long, a unique value that has just appeared.
    Then `work` runs again from its start, a few times. It must therefore read afresh what it decides on.
    Inside a caller's transaction a deadlock is raised, because the database has undone the caller's work too.
    """
    alone = not connections[database()].in_atomic_block
    retried = (IntegrityError, OperationalError) if alone else (IntegrityError,)
    for number in range(1, ATTEMPTS):
        try:
            with transaction.atomic(using=database(), durable=durable):
                return work()
        except retried:
            time.sleep(_FIRST_PAUSE * number * random.uniform(0.5, 1.5))  # noqa: S311
    with transaction.atomic(using=database(), durable=durable):
        return work()
