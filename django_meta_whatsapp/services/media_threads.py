"""Threads of this process that fetch inbound files, where Celery has no workers for them."""

from django_meta_whatsapp.services import inbound_media
from django_meta_whatsapp.services.background import Background, Bounds

THREADS = 4
"""So many files at once: a large one must not keep the others waiting."""
_CLOSE_SECONDS = 5.0


def _sweep(hints: list[bool]) -> None:
    while inbound_media.fetch_due():
        pass


def _thread(number: int, waiting: int) -> Background[bool]:
    return Background(
        f"whatsapp-media-{number}",
        _sweep,
        waiting=Bounds(count=waiting, weight=0),
        group=Bounds(count=1, weight=1),
    )


# Each looks until nothing is due. While all are at it the last one takes one hint more, so that it looks once again.
_threads = [_thread(number, waiting=1) for number in range(1, THREADS)] + [_thread(THREADS, waiting=2)]


def hint() -> None:
    """Files may be due: somebody looks soon. Does not block."""
    for thread in _threads:
        if thread.put(True):
            return


def close(seconds: float = _CLOSE_SECONDS) -> None:
    """Waits until nothing is being fetched, for so long at each thread. What is left is due again after a while."""
    for thread in _threads:
        thread.close(seconds)
