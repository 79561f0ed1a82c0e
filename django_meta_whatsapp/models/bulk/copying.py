"""COPY on PostgreSQL, on an event loop and below psycopg's cursors: a thread, a cursor and their locks cost more than all else
that a group of webhooks needs in Python.

By the driver's wrapper of libpq (psycopg's page "psycopg.pq") and in the order that libpq's page "Asynchronous Command
Processing" gives. The driver comes with the connection: hosts with another database have none to import.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper

Done = Callable[[Exception | None], None]

CANCEL_SECONDS = 2.0
"""How long it is tried to tell a server that it should stop."""


def copies(connection: BaseDatabaseWrapper) -> bool:
    """Whether the connection has COPY as psycopg 3 offers it; psycopg 2 has another."""
    driver = getattr(connection, "Database", None)
    return connection.vendor == "postgresql" and getattr(driver, "__name__", "") == "psycopg"


class Copying:
    """Has the server read documents, one after the other, each committed when it is done.

    connection: Django's, with psycopg 3, connected, and used for nothing else. statement: COPY … FROM STDIN.
    Everything but `close` belongs to the event loop in which it is made, which must be one that watches sockets.
    usable: False when the connection is lost, which may also show while nothing is being done.
    """

    def __init__(self, connection: BaseDatabaseWrapper, statement: bytes) -> None:
        self.usable = True
        self._connection = connection
        self._statement = statement
        self._driver: Any = cast(Any, connection).Database
        self._pgconn = connection.connection.pgconn
        self._socket: int = self._pgconn.socket
        self._document: bytes | None = None
        self._done: Done | None = None
        self._error: Exception | None = None
        self._writing = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._attempt, self._read)

    def copy(self, document: bytes, done: Done) -> None:
        """Sends `document` and calls `done`: with None when it is committed, else with what went wrong. One at a time."""
        self._document, self._done, self._error = document, done, None
        self._attempt(self._begin)

    def detach(self) -> None:
        """Leaves the event loop. What is not done is given up: the server may commit it or not."""
        self.usable, self._done = False, None
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)

    def close(self) -> None:
        """Closes the connection; after `detach`, and in any thread, as it may wait for the server.

        A server that is still at it is told to stop: it would otherwise wait for a lock, say, after we have gone.
        """
        connection = self._connection.connection
        if connection.info.transaction_status == self._driver.pq.TransactionStatus.ACTIVE:
            with suppress(self._driver.Error):
                connection.cancel_safe(timeout=CANCEL_SECONDS)
        self._connection.close()

    def _attempt(self, step: Callable[[], None]) -> None:
        """One step. What fails here is the connection: what a statement fails with comes as a result."""
        try:
            step()
        except self._driver.Error as error:
            done = self._done
            self.detach()
            if done is not None:
                done(error)

    def _begin(self) -> None:
        self._pgconn.send_query(self._statement)
        self._flush()

    def _read(self) -> None:
        self._pgconn.consume_input()
        if self._writing:
            self._flush()
        while self._done is not None and not self._pgconn.is_busy():
            self._take(self._pgconn.get_result())

    def _take(self, result: Any) -> None:
        """One of the server's answers: to the statement, to the document, and None after the last."""
        status = self._driver.pq.ExecStatus
        if result is None:
            done, self._done = self._done, None
            if done is not None:
                done(self._error)
        elif result.status == status.COPY_IN and self._document is not None:
            self._pgconn.put_copy_data(self._document)
            self._pgconn.put_copy_end()
            self._document = None
            self._flush()
        elif result.status != status.COMMAND_OK:
            self._error = self._error or self._reason(result)

    def _flush(self) -> None:
        """Goes on when the server can take more, unless everything is written."""
        unsent = bool(self._pgconn.flush())
        if unsent and not self._writing:
            self._loop.add_writer(self._socket, self._attempt, self._flush)
        elif self._writing and not unsent:
            self._loop.remove_writer(self._socket)
        self._writing = unsent

    def _reason(self, result: Any) -> Exception:
        state = result.error_field(self._driver.pq.DiagnosticField.SQLSTATE)
        # Without a code it is the connection that was lost.
        kind = self._driver.errors.lookup(state.decode()) if state else self._driver.OperationalError
        return cast("Exception", kind(self._driver.pq.error_message(result)))
