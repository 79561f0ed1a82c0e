"""Processes with a log each, which can be hurt, and which are all gone in the end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0


class Stuck(Exception):
    """Something did not happen in time."""


def wait_for(condition: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> None:
    """Returns when `condition` holds; raises Stuck."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Stuck(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.05)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A command in a process group of its own. What it writes is added to `<folder>/<name>.log`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str],
        port: int | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.was_killed = False
        self._command = command
        self._log = folder / f"{name}.log"
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begins it; with a port, returns when it listens there. Raises Stuck when it does not."""
        self.launch()
        if self.port is not None:
            wait_for(lambda: self.is_dead or listens(self.port or 0), f"{self.name} listens")
        if self.is_dead:
            raise Stuck(f"{self.name} did not start: {self._log.read_text(errors='replace')[-2000:]}")

    def launch(self) -> None:
        """Begins it, and waits for nothing."""
        self.was_killed = False
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_dead(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL for the whole group, at once; also for what somebody who has died has left of it."""
        self.was_killed = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)

    def children(self) -> list[int]:
        """The processes that it has started; none when it has ended."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in listed.split()]


class Shell:
    """`backstage` in a process of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        code = "import django; django.setup(); from tests.chaos.backstage import serve; serve()"
        with (folder / "backstage.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """What the command of `backstage` answers; `{"error": …}` when the database is down."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Stuck(f"backstage has died at {command!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def talkers(port: int) -> set[int]:
    """Processes of this machine with an open connection to `port` of 127.0.0.1."""
    remote = f"0100007F:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{line[9]}]" for line in lines if line[2] == remote and line[3] == "01"}
    return {int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _holds(folder / "fd", sockets)}


def _holds(folder: Path, sockets: set[str]) -> bool:
    try:
        return any(str(entry.readlink()) in sockets for entry in folder.iterdir())
    except OSError:
        return False  # It has just ended, or is somebody else's.
