"""A PostgreSQL of the test's own, which it may stop and start."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

_BINARIES = "/usr/lib/postgresql"


def _binaries() -> Path:
    """The folder of initdb and pg_ctl, the newest there is; skips the test without (fails it in CI)."""
    found = sorted(Path(_BINARIES).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if there := shutil.which("initdb"):
        return Path(there).parent
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail("CI must have initdb: install postgresql", pytrace=False)
    pytest.skip("needs initdb: install postgresql")


def _user() -> str | None:
    """Somebody without privileges, because PostgreSQL does not run as root; None: who we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PrivatePostgres:
    """The server; `database` is what Django's DATABASES says of it."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        self._binaries, self._folder, self._user = binaries, folder, user
        self.log = folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.database: dict[str, Any] = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
        }

    def create(self) -> None:
        """A new cluster."""
        self._run("initdb", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        """Returns when it takes connections."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-w", "-l", str(self.log), "-o", options, "start")

    def stop(self, mode: str) -> None:
        """mode: "fast" closes connections, "immediate" is a crash."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), "-D", str(self._folder / "data"), *arguments],
            user=self._user,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} {arguments}: {done.stderr}")


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """Running, empty, and gone afterwards."""
    binaries, user = _binaries(), _user()
    folder = Path(tempfile.mkdtemp(prefix="whatsapp-postgres-"))
    if user is not None:
        shutil.chown(folder, user)
    server = PrivatePostgres(binaries, folder, user)
    try:
        server.create()
        server.start()
        yield server
    finally:
        with suppress(RuntimeError):
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
