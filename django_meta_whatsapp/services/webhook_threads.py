"""Threads of this process that apply webhooks for the embedded worker: while one waits for the database, the other goes on.

The rest of the tick waits for neither.
"""

from django.db import connections

from django_meta_whatsapp.services import journal
from django_meta_whatsapp.services.background import Background, Bounds
from django_meta_whatsapp.services.transactions import database

MANY = 200
"""So many webhooks in one look are worth a second thread."""
_CLOSE_SECONDS = 5.0


def _apply(hints: list[bool]) -> None:
    while (applied := journal.process_due()) and not _first.is_closing:
        if applied >= MANY and connections[database()].features.has_select_for_update_skip_locked:
            # One that waits for the other's rows would be of no use.
            _second.put(True)


def _thread(number: int) -> Background[bool]:
    return Background(
        f"whatsapp-webhooks-{number}",
        _apply,
        # While it looks one hint more may wait, so that it looks once again.
        waiting=Bounds(count=2, weight=0),
        group=Bounds(count=2, weight=1),
    )


_first, _second = _thread(1), _thread(2)


def hint() -> None:
    """Webhooks may be due: somebody looks soon, until nothing is. Does not block."""
    _first.put(True)


def close(seconds: float = _CLOSE_SECONDS) -> None:
    """Waits until what is being applied is done, for so long at each thread. The rest is due as before."""
    _first.close(seconds)
    _second.close(seconds)
