"""A benchmark on several databases: each has a new database and a process of its own, as the settings name the database."""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import postgres

ALL = "postgres,sqlite"


@contextmanager
def database(vendor: str, name: str) -> Iterator[str]:
    """A new database, gone afterwards; what WHATSAPP_BENCH_DATABASE is to be."""
    if vendor == "postgres":
        with postgres.database(name):
            yield name
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / f"{name}.sqlite3")


def run_on(vendors: str, name: str, code: str, **environment: str) -> None:
    """Runs Python `code` with Django set up, on each of the `vendors` (with commas). Ends the program when it fails."""
    for vendor in vendors.split(","):
        with database(vendor, name) as where:
            settings = {"WHATSAPP_BENCH_DATABASE": where, "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
            command = [sys.executable, "-c", f"import django; django.setup()\n{code}"]
            if subprocess.run(command, env={**os.environ, **settings, **environment}, check=False).returncode:
                raise SystemExit(f"failed on {vendor}")


def machine() -> str:
    """What the figures were measured on."""
    return f"{platform.node()} ({platform.machine()}, {os.cpu_count()} cores), Python {platform.python_version()}"
