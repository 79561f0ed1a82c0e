"""The journal's table held by somebody else: what is to be kept waits, as it would behind a migration."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

from django_meta_whatsapp.models import WhatsAppWebhookLog

_TABLE = WhatsAppWebhookLog._meta.db_table
_HOLD = {
    "sqlite": ["BEGIN IMMEDIATE"],
    "postgresql": ["BEGIN", f'LOCK TABLE "{_TABLE}" IN EXCLUSIVE MODE'],
    "mysql": [f"LOCK TABLES `{_TABLE}` WRITE"],
}
_RELEASE = {"sqlite": "ROLLBACK", "postgresql": "ROLLBACK", "mysql": "UNLOCK TABLES"}


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Gives a function, for any thread, that lets the table go; at the end it is let go anyway."""
    other = connections.create_connection("default")
    other.inc_thread_sharing()
    other.ensure_connection()
    cursor = other.connection.cursor()
    for statement in _HOLD[connection.vendor]:
        cursor.execute(statement)
    let_go = [False]

    def release() -> None:
        if not let_go[0]:
            let_go[0] = True
            cursor.execute(_RELEASE[connection.vendor])

    try:
        yield release
    finally:
        release()
        other.close()


def alone(running: Any) -> Any:
    """In an event loop, with Django's blocking calls allowed: `held` opens a connection there."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        return asyncio.run(running)
