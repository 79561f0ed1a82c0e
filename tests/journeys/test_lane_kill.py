"""An answer of 200 is a promise: whatever dies, the webhook is in the journal."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from django.db import connection

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppWebhookLog
from tests.journeys.private_postgres import private_postgres
from tests.webhooks.posting import SECRET, encoded, inbound, text_message

ROOT = Path(__file__).parents[2]
CONNECTIONS = 32
MIGRATE = """
import tests.journeys.lane_site
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


class Site:
    """The server process."""

    def __init__(self, database: dict[str, Any], log: Path) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "JOURNEY_DATABASE": json.dumps(database),
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/whatsapp/webhook/"
        self.log = log

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Serves in a process group of its own until the block ends."""
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "tests.journeys.lane_site:application",
            "--port",
            str(self.port),
        ]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [*command, "--log-level", "warning"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for(lambda: _listens(self.port), self.log)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool], log: Path, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen in time: {log.read_text()[-3000:]}"
        time.sleep(0.02)


class Load:
    """Posts different webhooks over many connections until it is told to stop."""

    def __init__(self, url: str) -> None:
        self.acknowledged: set[int] = set()
        self.sent = 0
        self.refused = 0
        self.broken = 0
        self.stop = False
        self._url = url
        self._numbers = count()

    async def run(self, steer: Callable[[], None]) -> None:
        """The load, while `steer` runs in a thread; ends with it."""
        timeout = aiohttp.ClientTimeout(total=30)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            posting = [asyncio.create_task(self._post(session)) for _ in range(CONNECTIONS)]
            try:
                await asyncio.to_thread(steer)
            finally:
                self.stop = True
                await asyncio.gather(*posting)

    async def _post(self, session: aiohttp.ClientSession) -> None:
        while not self.stop:
            number = next(self._numbers)
            body = encoded(inbound(text_message(f"wamid.{number}")))
            headers = {"X-Hub-Signature-256": sign(SECRET, body)}
            self.sent += 1
            try:
                async with session.post(self._url, data=body, headers=headers) as answer:
                    self._count(number, answer.status)
            except aiohttp.ClientError:
                self.broken += 1
                await asyncio.sleep(0.01)

    def _count(self, number: int, status: int) -> None:
        assert status in (200, 503), status
        if status == 200:
            self.acknowledged.add(number)
        else:
            self.refused += 1


def numbers(bodies: list[Any]) -> list[int]:
    """Which webhooks these are."""
    ids = [json.loads(bytes(body))["entry"][0]["changes"][0]["value"]["messages"][0]["id"] for body in bodies]
    return [int(each.removeprefix("wamid.")) for each in ids]


def assert_kept(load: Load, kept: list[int]) -> None:
    """Both sides counted: nothing acknowledged is missing, nothing is there twice or from nowhere."""
    assert load.acknowledged - set(kept) == set()
    assert len(kept) == len(set(kept))
    assert len(kept) <= load.sent


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_killed_under_load_has_kept_every_webhook_that_it_answered(tmp_path: Path) -> None:
    names = ("ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS")
    site = Site({name: connection.settings_dict[name] for name in names}, tmp_path / "log")
    load = Load(site.url)

    def kill_twice() -> None:
        for _ in range(2):
            before = len(load.acknowledged)
            with site.running() as process:
                wait_for(lambda before=before: len(load.acknowledged) >= before + 300, site.log)  # type: ignore[misc]
                os.killpg(process.pid, signal.SIGKILL)

    asyncio.run(load.run(kill_twice))
    kept = numbers(list(WhatsAppWebhookLog.objects.values_list("body", flat=True)))
    assert_kept(load, kept)
    assert len(load.acknowledged) >= 600
    assert load.broken > 0
    # At most what each connection waited for at either death.
    assert len(kept) - len(load.acknowledged) <= 2 * CONNECTIONS


def test_a_database_that_restarts_under_load_loses_no_answered_webhook_and_the_lane_recovers(
    tmp_path: Path,
) -> None:
    with private_postgres() as postgres:
        site = Site(postgres.database, tmp_path / "log")
        migrate = [sys.executable, "-c", MIGRATE]
        subprocess.run(migrate, cwd=ROOT, env=site.environment, check=True, timeout=90)
        load = Load(site.url)

        def restart_twice() -> None:
            for mode in ("fast", "immediate"):
                _wait_for_more(load, site)
                refused = load.refused
                postgres.stop(mode)
                wait_for(lambda refused=refused: load.refused > refused, site.log)  # type: ignore[misc]
                postgres.start()
            _wait_for_more(load, site)

        with site.running() as process:
            asyncio.run(load.run(restart_twice))
            assert process.poll() is None
            with psycopg.connect(host="127.0.0.1", port=postgres.port, user="postgres") as database:
                rows = database.execute("SELECT body FROM django_meta_whatsapp_whatsappwebhooklog").fetchall()
    assert_kept(load, numbers([body for (body,) in rows]))
    assert load.broken == 0


def _wait_for_more(load: Load, site: Site) -> None:
    before = len(load.acknowledged)
    wait_for(lambda: len(load.acknowledged) >= before + 300, site.log)
