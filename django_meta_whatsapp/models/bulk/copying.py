"""COPY on PostgreSQL, below psycopg's cursors: these cost more than all else that a group of webhooks needs in Python.

By the driver's wrapper of libpq (psycopg's page "psycopg.pq"), which comes with the connection: hosts with another database have
no driver to import.
"""

from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper


def copy(connection: BaseDatabaseWrapper, statement: bytes, document: bytes) -> None:
    """Has the server read `document` by `statement`; in autocommit it is committed when this returns. Other threads go on.

    connection: Django's, with psycopg 3. Raises Django's errors; after one the connection must be closed.
    """
    connection.ensure_connection()
    if not connection.get_autocommit():
        # The driver begins the transaction with the first statement that it knows of.
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    driver: Any = cast(Any, connection).Database
    pgconn = connection.connection.pgconn
    with connection.wrap_database_errors:
        _check(driver, pgconn.exec_(statement), driver.pq.ExecStatus.COPY_IN)
        pgconn.put_copy_data(document)
        pgconn.put_copy_end()
        for result in _results(pgconn):
            _check(driver, result, driver.pq.ExecStatus.COMMAND_OK)


def _results(pgconn: Any) -> list[Any]:
    """What the server says when it has everything. `get_result` alone would wait with Python's lock in its hands."""
    results: list[Any] = []
    with DefaultSelector() as selector:
        selector.register(pgconn.socket, EVENT_READ | EVENT_WRITE)
        while pgconn.flush():
            selector.select()
            pgconn.consume_input()
        selector.modify(pgconn.socket, EVENT_READ)
        while not results or results[-1] is not None:
            while pgconn.is_busy():
                selector.select()
                pgconn.consume_input()
            results.append(pgconn.get_result())
    return results[:-1]


def _check(driver: Any, result: Any, wanted: int) -> None:
    if result.status != wanted:
        state = result.error_field(driver.pq.DiagnosticField.SQLSTATE)
        # Without a code it is the connection that was lost.
        kind = driver.errors.lookup(state.decode()) if state else driver.OperationalError
        raise kind(driver.pq.error_message(result))
