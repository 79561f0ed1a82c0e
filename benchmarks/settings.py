"""The test project's settings with a database of the benchmark's own, named by WHATSAPP_BENCH_DATABASE: the file of an SQLite
database, else a PostgreSQL database."""

import os

from tests import settings
from tests.settings import *  # noqa: F403

_NAME = os.environ["WHATSAPP_BENCH_DATABASE"]
_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": _NAME,
    # As in the example project: readers do not wait for the writer, and each commit is on disk.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"},
}
_POSTGRES = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": _NAME,
    "HOST": os.environ.get("PGHOST", "127.0.0.1"),
    "PORT": os.environ.get("PGPORT", "5432"),
    "USER": os.environ.get("PGUSER", "root"),
    "PASSWORD": os.environ.get("PGPASSWORD", ""),
    # Only where threads live on: under ASGI Django gives each request a thread of its own, which would leave its connection.
    "CONN_MAX_AGE": int(os.environ.get("WHATSAPP_BENCH_CONN_MAX_AGE", "0")),
}
DATABASES = {"default": _SQLITE if _NAME.endswith(".sqlite3") else _POSTGRES}
# Only receiving is measured: whatsapp_worker would apply what comes.
WHATSAPP = {
    **settings.WHATSAPP,
    "GRAPH_BASE_URL": os.environ.get("WHATSAPP_BENCH_GRAPH", settings.WHATSAPP["GRAPH_BASE_URL"]),
    "WEBHOOK_INLINE": False,
}
