"""Durable webhooks a second: the ASGI lane, the plain view beside it, and a bare application that only answers 200.

``python -m benchmarks.webhooks [--seconds N] [--connections N] [--on postgres,sqlite]``. Needs wrk (Debian package), PostgreSQL
on 127.0.0.1:5432 (PGHOST, PGPORT, PGUSER say otherwise) and the dependency group ``bench``. Makes databases of its own and
drops them again.

One granian process on one core; wrk on another; signed bodies of one status each. `view` is the plain view under WSGI, with
threads that keep their connections; `view_asgi` the same behind Django's ASGI handler, which opens a connection for each
request. A webhook counts when it is answered 200, and afterwards the journal must hold at least as many rows. Applying them is
left to the worker (WEBHOOK_INLINE is off), which does not run here.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks import vendors
from benchmarks.postgres import server
from django_meta_whatsapp.cloud_api.signature import sign

HERE = Path(__file__).parent
NAME = "whatsapp_bench_webhooks"
DOORS = {"bare": "asginl", "lane": "asginl", "view": "wsgi", "view_asgi": "asginl"}
"""Doors of `benchmarks.doors` and the interface of the server that they are for."""
PORT = 8765
SECRET = "simulator-app-secret"
_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
_JOURNAL = "SELECT count(*) FROM django_meta_whatsapp_whatsappwebhooklog"
_KEPT_CONNECTIONS = {"wsgi": {"WHATSAPP_BENCH_CONN_MAX_AGE": "60"}}
STATUS = (
    '{"object":"whatsapp_business_account","entry":[{"id":"111000111000111","changes":[{"field":"messages","value":'
    '{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550009999","phone_number_id":"222000222000222"},'
    '"statuses":[{"id":"wamid.HBgLMTU1NTAwMDEx%08dABEYEjc2RkZBRTk2","status":"delivered","timestamp":"1767000000",'
    '"recipient_id":"9198%08d","biz_opaque_callback_data":"dmw1.%032x","pricing":{"billable":true,"category":"marketing",'
    '"pricing_model":"PMP","type":"regular"}}]}}]}]}'
)


@dataclass(frozen=True)
class Result:
    """One run of wrk. Rates per second, latencies in milliseconds."""

    name: str
    answered: int
    failed: int
    rate: float
    p50: float
    p99: float
    cpu: float
    rows: int


@contextmanager
def _granian(door: str, core: int, database: str) -> Iterator[int]:
    """The door served by one granian process on `core`: the worker's process id. database: see `benchmarks.settings`."""
    command = ["granian", "--interface", DOORS[door], "--workers", "1", "--runtime-mode", "st"]
    command += ["--loop", "uvloop"] if DOORS[door] == "asginl" else ["--blocking-threads", "8"]
    command += ["--host", "127.0.0.1", "--port", str(PORT), "--no-ws", "--no-log", f"benchmarks.doors:{door}"]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **_environment(database), **_KEPT_CONNECTIONS.get(DOORS[door], {})},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        _wait_until_it_answers(process)
        yield _worker(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _environment(database: str) -> dict[str, str]:
    return {**_SETTINGS, "WHATSAPP_BENCH_DATABASE": database}


def _wait_until_it_answers(process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/", timeout=2):
                return
        except HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("granian did not start.")


def _worker(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(children[-1]) if children else parent


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _measure(door: str, bodies: Path, options: argparse.Namespace, database: str) -> Result:
    cores = sorted(os.sched_getaffinity(0))
    with _granian(door, cores[0], database) as worker:
        _wrk(bodies, 2, options.connections, cores[-1])
        before, cpu = _rows(database), _cpu_seconds(worker)
        answered, microseconds, failed, p50, p99 = _wrk(
            bodies, options.seconds, options.connections, cores[-1]
        )
        cpu = _cpu_seconds(worker) - cpu
        rows = _rows(database) - before
    rate = answered / microseconds * 1e6
    return Result(door, answered, failed, rate, p50 / 1e3, p99 / 1e3, cpu, rows)


def _wrk(bodies: Path, seconds: int, connections: int, core: int) -> list[int]:
    """Requests answered, microseconds, failures, p50 and p99 in microseconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "webhooks.lua")]
    output = subprocess.run(
        [*command, f"http://127.0.0.1:{PORT}/whatsapp/webhook/"],
        env={**os.environ, "BODIES": str(bodies)},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return [int(word) for word in output.split("RESULT ", 1)[1].split()]


def bare_rate(seconds: int = 3) -> float | None:
    """Requests a second that the bare application answers at 64 connections; None without wrk and granian."""
    if not _equipped():
        return None
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, _granian("bare", cores[0], NAME):
        bodies = Path(folder) / "bodies"
        _write_bodies(bodies)
        _wrk(bodies, 1, 64, cores[-1])
        answered, microseconds, *_ = _wrk(bodies, seconds, 64, cores[-1])
    return answered / microseconds * 1e6


def _equipped() -> bool:
    return shutil.which("wrk") is not None and find_spec("granian") is not None


def _rows(database: str) -> int:
    """Of the journal."""
    if database.endswith(".sqlite3"):
        with closing(sqlite3.connect(database)) as file:
            found: tuple[object, ...] | None = file.execute(_JOURNAL).fetchone()
    else:
        with server(database) as connection:
            found = connection.execute(_JOURNAL).fetchone()
    assert found is not None
    return int(str(found[0]))


def _write_bodies(path: Path, count: int = 1000) -> None:
    bodies = [STATUS % (n, n, n) for n in range(count)]
    lines = [f"{sign(SECRET, body.encode())}\t{body}\n" for body in bodies]
    path.write_text("".join(lines))


def _run(vendor: str, bodies: Path, options: argparse.Namespace) -> list[Result]:
    """All doors on one database; the bare one first, which has none."""
    with vendors.database(vendor, NAME) as database:
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
            env={**os.environ, **_environment(database)},
            check=True,
        )
        results = [_measure(door, bodies, options, database) for door in DOORS]
    for result in results:
        _report(vendor, result, results[0])
    return results


def _report(vendor: str, result: Result, bare: Result) -> None:
    line = f"{vendor:10} {result.name:10} {result.rate:,.0f}/s ({result.rate / bare.rate:.3f} of bare)"
    line += f", p50 {result.p50:.1f} ms, p99 {result.p99:.1f} ms"
    line += f", {result.cpu / max(result.answered, 1) * 1e6:,.0f} µs CPU each, {result.failed} failed"
    if result is not bare:
        line += f", {result.rows:,} rows for {result.answered - result.failed:,} answers of 200"
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=10, help="of load for each door")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--on", default=vendors.ALL, help="databases, with commas")
    options = parser.parse_args()
    if not _equipped():
        raise SystemExit("Needs wrk (apt-get install wrk) and granian (pip install --group bench).")
    print(f"machine    {vendors.machine()}")
    print(
        f"load       wrk, {options.connections} connections, {options.seconds} s each; one granian process on one core"
    )
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        _write_bodies(bodies)
        runs = [_run(vendor, bodies, options) for vendor in options.on.split(",")]
    kept = all(
        result.rows >= result.answered - result.failed
        for run in runs
        for result in run
        if result.name != "bare"
    )
    lanes = [result for run in runs for result in run if result.name == "lane"]
    return 0 if kept and not any(lane.failed for lane in lanes) else 1


if __name__ == "__main__":
    sys.exit(main())
