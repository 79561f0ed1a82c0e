"""Connections follow processes and event loops: none is shared, none is lost, nothing is left open."""

import asyncio
import gc
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from celery import Celery
from redis import Redis

from django_meta_whatsapp.cloud_api import transport
from django_meta_whatsapp.cloud_api.client import AsyncClient, Client, Timeouts
from django_meta_whatsapp.cloud_api.errors import NotSentError
from tests.cloud_api.callers import SEND
from tests.cloud_api.certificates import server_context
from tests.cloud_api.raw_server import GOOD, Peer, RawServer, Received, good
from tests.services_check import require

ROOT = Path(__file__).parents[2]
BROKER = "redis://127.0.0.1:6379/15"


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def senders(server: RawServer) -> Counter[tuple[str, int]]:
    """How many messages came from each driver in each process."""
    queries = [parse_qs(urlsplit(received.path).query) for received in server.requests]
    return Counter((query["by"][0], int(query["pid"][0])) for query in queries)


@contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A process group that is gone afterwards."""
    process = subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, "-X", "dev", "-W", "error::ResourceWarning:aiohttp", *command],
        cwd=ROOT,
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def environment(server: RawServer) -> dict[str, str]:
    return {**os.environ, "RAW_SERVER": server.url, "BROKER": BROKER}


def test_two_event_loops_in_a_row_send_and_leave_nothing_open() -> None:
    with RawServer() as server:
        client = AsyncClient("token", base_url=server.url)
        assert asyncio.run(client.run(SEND)) == GOOD
        assert asyncio.run(client.run(SEND)) == GOOD
        wait_for(lambda: all(connection.fileno() == -1 for connection in server.connections))
        assert (server.count(), len(server.connections)) == (2, 2)
    gc.collect()  # what is left open warns now, and a warning fails the test


def test_django_s_way_from_sync_to_async_sends_and_leaves_nothing_open() -> None:
    with RawServer() as server:
        client = AsyncClient("token", base_url=server.url)
        assert [async_to_sync(client.run)(SEND) for _ in range(2)] == [GOOD] * 2
        wait_for(lambda: all(connection.fileno() == -1 for connection in server.connections))
    gc.collect()


def test_event_loops_in_several_threads_send() -> None:
    with RawServer() as server:
        client = AsyncClient("token", base_url=server.url)
        threads = [threading.Thread(target=lambda: asyncio.run(client.run(SEND))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.count() == 5


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Python's own word on such loops
def test_a_loop_that_was_just_closed_does_not_stop_the_next() -> None:
    with RawServer() as server:
        client = AsyncClient("token", base_url=server.url)
        for _ in range(3):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(client.run(SEND)) == GOOD
            loop.close()
        assert server.count() == 3
        assert sum(loop.is_closed() for loop in transport._process().sessions) == 1
        asyncio.run(client.run(SEND))
        assert not any(loop.is_closed() for loop in transport._process().sessions)
        del loop
        gc.collect()


async def test_many_calls_at_once_share_one_session() -> None:
    with RawServer() as server:
        client = AsyncClient("token", base_url=server.url)
        assert await asyncio.gather(*(client.run(SEND) for _ in range(20))) == [GOOD] * 20
        assert len([loop for loop in transport._process().sessions if not loop.is_closed()]) == 1


def test_threads_share_the_blocking_client() -> None:
    with RawServer() as server:
        client = Client("token", base_url=server.url)
        threads = [threading.Thread(target=client.run, args=(SEND,)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.count() == 10


@pytest.mark.parametrize("where", ["plain", "loop"])
def test_a_child_sends_after_a_fork_and_so_does_its_parent(where: str) -> None:
    with RawServer() as server:
        with running("-m", "tests.cloud_api.forking", where, env=environment(server)) as process:
            output, _ = process.communicate(timeout=60)
        assert output == ""
        assert process.returncode == 0
        sent = senders(server)
        parent = {"plain": (2, 1), "loop": (1, 3)}[where]
        assert (sent.pop(("blocking", process.pid)), sent.pop(("awaiting", process.pid))) == parent
        assert sorted((driver, count) for (driver, _), count in sent.items()) == [
            ("awaiting", 1),
            ("blocking", 1),
        ]


def test_a_fork_leaves_the_parent_s_connection_alone() -> None:
    with RawServer() as server:
        with running("-m", "tests.cloud_api.forking", env=environment(server)) as process:
            process.communicate(timeout=60)
        # In order: two of the parent's, two of the child's, and the parent's again on its first connection.
        assert server.count() == 5
        assert len(server.connections) == 4


def test_gunicorn_with_preload_sends_in_every_worker() -> None:
    with RawServer() as server, socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["-m", "gunicorn", "--preload", "--workers", "2", "--bind", f"fd://{listener.fileno()}"]
        app = "tests.cloud_api.wsgi_sender:application"
        with running(*command, app, env=environment(server), pass_fds=[listener.fileno()]):
            answers = [get(listener.getsockname()[1]) for _ in range(6)]
        loaded_in = {answer.split()[0] for answer in answers}
        workers = {answer.split()[1] for answer in answers}
        assert len(loaded_in) == 1
        assert not loaded_in & workers
        sent = senders(server)
        assert sum(sent.values()) == 2 + 2 * 6
        assert {pid for _, pid in sent} == {int(pid) for pid in loaded_in | workers}


def get(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()
    finally:
        connection.close()


@pytest.mark.redis
def test_a_celery_prefork_worker_sends_in_its_children() -> None:
    require("redis")
    queue = f"test-{uuid.uuid4().hex}"
    command = ["-m", "celery", "-A", "tests.cloud_api.celery_sender", "worker", "--queues", queue]
    command += ["--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    with RawServer() as server, Celery(broker=BROKER) as app:
        for _ in range(6):
            app.send_task("send", queue=queue)
        with running(*command, env=environment(server)) as worker:
            wait_for(lambda: server.count() == 2 + 2 * 6)
            sent = senders(server)
        with Redis.from_url(BROKER) as broker:
            broker.delete(queue, f"_kombu.binding.{queue}", f"_kombu.binding_permanent.{queue}")
        assert (sent.pop(("blocking", worker.pid)), sent.pop(("awaiting", worker.pid))) == (1, 1)
        assert sum(sent.values()) == 2 * 6


def test_both_drivers_send_over_tls(tmp_path: Path) -> None:
    with RawServer(tls=server_context(tmp_path)) as server:
        trusted = {**environment(server), "SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
        with running("-m", "tests.cloud_api.sending", env=trusted) as process:
            output, _ = process.communicate(timeout=60)
        assert output == ""
        assert sorted(driver for driver, _ in senders(server)) == ["awaiting", "blocking"]


def test_a_full_pool_of_connections_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow(peer: Peer, received: Received) -> None:
        release.wait(10)
        good(peer, received)

    monkeypatch.setattr(transport, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(transport, "_processes", {})
    with RawServer(slow) as server:
        client = Client("token", base_url=server.url, timeout=Timeouts(0.5, 30))
        first = threading.Thread(target=client.run, args=(SEND,))
        first.start()
        wait_for(lambda: server.count() == 1)
        with pytest.raises(NotSentError):
            client.run(SEND)
        release.set()
        first.join()
        transport._process().pool.close()
        assert server.count() == 1
