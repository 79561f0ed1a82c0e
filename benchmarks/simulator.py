"""How many sends a second the simulator takes on one core, validation on, while its webhooks are being delivered.

``python -m benchmarks.simulator [--messages N] [--connections N]``. The simulator runs as a process of its own, pinned
to one core; the load and the receiver of the webhooks share another. Besides the wall-clock rate it prints the sends
per second of the simulator's CPU time, which other work on the machine hardly disturbs. Other options go to the
simulator (``--no-bodies`` for very long runs).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import quantiles
from typing import cast

import uvloop

from benchmarks import vendors, webhooks
from whatsapp_simulator.control import Control

_PATH = "/v22.0/222000222000222/messages"


class Sink(asyncio.Protocol):
    """Answers 200 to every POST and counts the bytes of the bodies."""

    posts = 0

    def __init__(self) -> None:
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            self._head += data
            head, separator, body = self._head.partition(b"\r\n\r\n")
            if not separator:
                return
            length = head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
            self._head = b""
            self._missing = int(length) - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            Sink.posts += 1
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class Sender(asyncio.Protocol):
    """One connection that sends the next message as soon as the last one is answered."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        request = self._load.next_request()
        if request is None:
            self._transport.close()
            return
        self._started = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._buffer = b""
        self._load.answered(head.startswith(b"HTTP/1.1 200"), time.perf_counter() - self._started)
        self._next()


class Load:
    """``total`` template messages to as many people, over all connections together."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.sent = 0
        self.refused = 0
        self.latencies: list[float] = []
        self.finished = asyncio.Event()

    def next_request(self) -> bytes | None:
        if self.sent == self.total:
            return None
        self.sent += 1
        parameters = [{"type": "text", "text": "Asha"}, {"type": "text", "text": f"ORD-{self.sent}"}]
        body = json.dumps(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": f"+9198{self.sent:08d}",
                "type": "template",
                "template": {
                    "name": "order_update",
                    "language": {"code": "en_US"},
                    "components": [{"type": "body", "parameters": parameters}],
                },
                "biz_opaque_callback_data": f"bench.{self.sent:032x}",
            }
        ).encode()
        return (
            f"POST {_PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer simulator-token\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def answered(self, ok: bool, seconds: float) -> None:
        self.latencies.append(seconds)
        self.refused += not ok
        if len(self.latencies) == self.total:
            self.finished.set()


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:", 1)[1].split()[0]) / 1024


def _start(webhook_port: int, core: int, options: list[str]) -> tuple["subprocess.Popen[str]", str]:
    command = [sys.executable, "-m", "whatsapp_simulator", "--port", "0", "--throughput", "1000000"]
    command += ["--webhook-url", f"http://127.0.0.1:{webhook_port}/"]
    command += options
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, {core})
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _run(messages: int, connections: int, options: list[str], bare: float | None) -> int:
    cores = sorted(os.sched_getaffinity(0))
    loop = asyncio.get_running_loop()
    sink = await loop.create_server(Sink, "127.0.0.1", 0)
    process, url = _start(sink.sockets[0].getsockname()[1], cores[0], options)
    os.sched_setaffinity(0, {cores[-1]})
    control = Control(url)
    try:
        await asyncio.to_thread(control.health)
        before, load = _cpu_seconds(process.pid), Load(messages)
        started = time.perf_counter()
        host, port = url.removeprefix("http://").split(":")
        for _ in range(connections):
            await loop.create_connection(lambda: Sender(load), host, int(port))
        await load.finished.wait()
        sending = time.perf_counter() - started
        drained = await asyncio.to_thread(control.drain, 120)
        delivering = time.perf_counter() - started
        cpu = _cpu_seconds(process.pid) - before
        memory = _memory_mb(process.pid)
    finally:
        process.terminate()
        process.communicate()
        sink.close()
    cuts = quantiles(load.latencies, n=100)
    latency = f"p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms"
    print(f"machine          {vendors.machine()}")
    print(f"messages         {messages} over {connections} connections, {load.refused} refused")
    print(f"sends a second   {messages / sending:,.0f} (wall clock), {latency}")
    print(
        f"webhooks         {drained['delivered']} statuses in {Sink.posts} POSTs, all within {delivering:.1f} s"
    )
    if bare is not None:
        print(
            f"bare ASGI        {bare:,.0f} requests a second; sends are {messages / sending / bare:.3f} of that"
        )
    print(f"one core         {messages / cpu:,.0f} sends per CPU second, {cpu / messages * 1e6:.0f} µs each")
    print(f"memory           {memory:,.0f} MB at the end")
    return 0 if drained["drained"] and not load.refused and drained["delivered"] == 3 * messages else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--connections", type=int, default=64)
    options, passed_on = parser.parse_known_args()
    bare = webhooks.bare_rate()
    return uvloop.run(_run(options.messages, options.connections, passed_on, bare))


if __name__ == "__main__":
    sys.exit(main())
