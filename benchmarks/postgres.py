"""A PostgreSQL database of a benchmark's own, on 127.0.0.1:5432 (PGHOST, PGPORT, PGUSER, PGPASSWORD say otherwise)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


def server(name: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    """A connection to the database `name`; each statement commits."""
    return psycopg.connect(
        host=os.environ.get("PGHOST", "127.0.0.1"),
        port=os.environ.get("PGPORT", "5432"),
        user=os.environ.get("PGUSER", "root"),
        password=os.environ.get("PGPASSWORD", ""),
        dbname=name,
        autocommit=True,
    )


@contextmanager
def database(name: str) -> Iterator[None]:
    """A new database, dropped afterwards. Ends the program when the server does not wait for its disk."""
    with server() as connection:
        for setting in ("fsync", "synchronous_commit"):
            value = connection.execute(f"SHOW {setting}").fetchone()
            if value != ("on",):
                raise SystemExit(f"PostgreSQL has {setting} {value}: what it commits would not be durable.")
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
