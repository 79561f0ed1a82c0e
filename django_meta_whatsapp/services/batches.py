"""Many rows at once, the same way on every database."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from django.db import connections, models

from django_meta_whatsapp.services.transactions import database, in_transaction

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)

_MOST = 4000
SIZE = 400
"""Rows in one statement; SQLite of old took 999 parameters."""


def most() -> int:
    """Rows of one batch where only `among` and the inserts of `models.bulk` get long lists: thousands, if nothing forbids it.

    SQLite's few parameters do not: both take it none for each row.
    """
    connection = connections[database()]
    limited = connection.features.max_query_params and connection.vendor != "sqlite"
    return SIZE if limited else _MOST


def together() -> int:
    """Webhooks, or status events, that are applied at once. The more, the more of them meet on one row, and the fewer
    statements each one costs.
    """
    return most() // 2


def batches(items: Sequence[T], size: int = SIZE) -> Iterator[Sequence[T]]:
    """`items` in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def upsert(model: type[M], rows: Sequence[M], *, unique: Sequence[str], update: Sequence[str]) -> None:
    """Inserts `rows`; those whose `unique` values exist get the `update` fields instead. No value may come twice."""
    # MySQL and MariaDB take any unique key as the target and refuse to be told one.
    target = unique if connections[database()].features.supports_update_conflicts_with_target else None
    for batch in batches(rows):
        in_transaction(
            lambda batch=batch: model._default_manager.bulk_create(  # type: ignore[misc]
                batch, update_conflicts=True, unique_fields=target, update_fields=update
            )
        )


def insert_missing(model: type[M], rows: Sequence[M]) -> None:
    """Inserts `rows` and leaves out those whose unique values exist already."""
    for batch in batches(rows):
        model._default_manager.bulk_create(batch, ignore_conflicts=True)
