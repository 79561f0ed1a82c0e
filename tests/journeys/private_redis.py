"""A Redis of the test's own, which it may kill and start."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services_check import require


class PrivateRedis:
    """The server; `url` is where it is. It keeps nothing."""

    def __init__(self, program: str, folder: str) -> None:
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns when it takes connections."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [self._program, *options, "--dir", self._folder], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "redis-server does not start"
                time.sleep(0.05)

    def kill(self) -> None:
        """A crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)
            self._process = None


@contextmanager
def private_redis() -> Iterator[PrivateRedis]:
    """Running, empty, and gone afterwards."""
    require("redis")
    program = shutil.which("redis-server")
    assert program, "install redis-server"
    with tempfile.TemporaryDirectory(prefix="whatsapp-redis-") as folder:
        server = PrivateRedis(program, folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
