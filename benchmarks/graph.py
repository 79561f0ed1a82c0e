"""A stand-in for Meta that accepts every message after a fixed latency and costs next to nothing: `python -m benchmarks.graph`.

It reads no more than it must: the length of a request and who the message is for. The simulator checks what is sent; here only
the sender is measured. Prints its port, then serves until it is stopped.
"""

import argparse
import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

_TICK = 0.001
_ANSWER = (
    b'{"messaging_product":"whatsapp","contacts":[{"input":"+%b","wa_id":"%b"}],'
    b'"messages":[{"id":"wamid.HBgMOTE5ODAwMDAwMDAwFQIAERgS%016X","message_status":"accepted"}]}'
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n"


class Answers:
    """Answers that wait for their time. One timer for all: a timer each would cost more than all the rest."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, asyncio.Transport, bytes]] = deque()
        self._number = 0

    def later(self, transport: asyncio.Transport, digits: bytes) -> None:
        """Tells `transport` after the latency that a message to `digits` was accepted."""
        self._number += 1
        body = _ANSWER % (digits, digits, self._number)
        if not self._waiting:
            self._loop.call_later(self._latency, self._answer)
        self._waiting.append((self._loop.time() + self._latency, transport, _HEAD % len(body) + body))

    def _answer(self) -> None:
        now = self._loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, transport, answer = self._waiting.popleft()
            transport.write(answer)
        if self._waiting:
            self._loop.call_later(_TICK, self._answer)


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) >= length:
            self._buffer = b""
            digits = body.split(b'"to":', 1)[1].lstrip(b' "+').split(b'"', 1)[0]
            self._answers.later(self._transport, digits)


async def _serve(latency: float) -> None:
    answers = Answers(latency)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def graph(latency: float) -> Iterator[str]:
    """The stand-in as a process of its own: its address."""
    command = [sys.executable, "-m", "benchmarks.graph", "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds from a request to its answer")
    uvloop.run(_serve(parser.parse_args().latency))


if __name__ == "__main__":
    main()
