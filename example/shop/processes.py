"""The two processes of the demo: the simulator and the site. Both end with it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 60


def free_port(wanted: int) -> int:
    """`wanted` when nobody listens there, else any free port."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, command: list[str], port: int, log: Path, env: dict[str, str]) -> Iterator[None]:
    """`python <command>` as a process that listens on `port`; stopped at the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=subprocess.STDOUT, env=env
        )
    try:
        _wait_until_it_listens(name, process, port, log)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_it_listens(name: str, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with closing(socket.socket()) as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"The {name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
