"""The simulator as a process: it tells its address, serves, and ends on a signal."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.simulator.caller import Caller
from tests.simulator.receiver import Receiver
from whatsapp_simulator.control import Control

COMMAND = [sys.executable, "-W", "error", "-X", "dev", "-m", "whatsapp_simulator"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process and the address that it prints."""
    command = [*COMMAND, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_process_serves_and_ends_cleanly_on_a_signal(ending: signal.Signals) -> None:
    target = Receiver()
    try:
        with running("--webhook-url", target.url, "--throughput", "2", "--seed", "5") as (process, url):
            control = Control(url)
            assert control.health()["status"] == "ok"
            assert Caller(url).template("hello_world").status == 200
            assert control.drain()["delivered"] == 3
            assert target.posts[0].genuine
            process.send_signal(ending)
            _, errors = process.communicate(timeout=20)
            assert (process.returncode, errors) == (0, "")
    finally:
        target.close()


def test_a_taken_port_is_told_clearly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [*COMMAND, "--port", port], capture_output=True, text=True, timeout=20, check=False
        )
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_names_the_options() -> None:
    result = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=20, check=True)
    for option in ("--host", "--port", "--webhook-url", "--app-secret", "--seed", "--throughput"):
        assert option in result.stdout
