"""Processes that work on a test's database."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parents[2]


def wait_for(condition: Callable[[], Any], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class Process:
    """A child of this test, in a process group of its own. output: what it has written so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
        self._process = process
        self._log = log

    @property
    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    def stop(self) -> None:
        """Holds it where it is (SIGSTOP), with all its threads when this returns."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self) -> None:
        """Lets it go on after `stop`."""
        self._process.send_signal(signal.SIGCONT)

    def terminate(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end, waits until it has, and returns its code."""
        self._process.send_signal(by)
        return self._process.wait(timeout=40)


@contextmanager
def running(*command: str, celery: bool = False, **env: str) -> Iterator[Process]:
    """`python <command>` with this test's database and settings."""
    host = {
        "database": str(connection.settings_dict["NAME"]),
        "whatsapp": settings.WHATSAPP,
        "celery": celery,
        "media": str(settings.MEDIA_ROOT),
    }
    given = {"HOST": json.dumps(host), "DJANGO_SETTINGS_MODULE": "tests.host_settings", **env}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **given},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Process(process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=20)
