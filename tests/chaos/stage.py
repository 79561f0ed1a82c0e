"""The processes of one run: simulator, PostgreSQL, Redis, site, workers. All of them private, all gone afterwards."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.plan import Plan
from tests.chaos.programs import Program, Shell, free_port, wait_for
from tests.journeys.private_postgres import PrivatePostgres, private_postgres
from whatsapp_simulator.control import Control

POOL = 3
"""Children of the Celery worker; without a broker, workers."""


class Stage:
    """Everything that runs. `control` is the simulator's control plane, `shell` the host's `backstage`."""

    def __init__(self, plan: Plan, folder: Path, postgres: PrivatePostgres) -> None:
        self.plan = plan
        self.folder = folder
        self.postgres = postgres
        self.simulator = self._simulator()
        self.redis = self._redis() if plan.broker == "redis" else None
        self._environment = self._host()
        self.site = self._site()
        self.beat = self._beat() if self.redis else None
        self.workers = self._workers()
        self.control = Control(f"http://127.0.0.1:{self.simulator.port}")
        self.shell: Shell

    def _simulator(self) -> Program:
        port = free_port()
        command = [sys.executable, "-m", "whatsapp_simulator", "--port", str(port), "--no-bodies"]
        command += ["--seed", str(self.plan.seed), "--throughput", str(self.plan.rate)]
        return Program("simulator", command, self.folder, {}, port)

    def _redis(self) -> Program:
        """Keeps nothing on disk: a restart loses every task."""
        port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        return Program("redis", [*command, "--dir", str(self.folder)], self.folder, {}, port)

    def _host(self) -> dict[str, str]:
        host = {
            "database": self.postgres.database,
            "whatsapp": self.plan.whatsapp(f"http://127.0.0.1:{self.simulator.port}"),
            "broker": f"redis://127.0.0.1:{self.redis.port}/0" if self.redis else "",
            "media": str(self.folder / "media"),
        }
        return {"DJANGO_SETTINGS_MODULE": "tests.chaos.settings", "CHAOS": json.dumps(host)}

    def _site(self) -> Program:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "tests.chaos.site:application", "--port", str(port)]
        return Program("site", [*command, "--log-level", "warning"], self.folder, self._environment, port)

    def _beat(self) -> Program:
        command = [sys.executable, "-m", "celery", "-A", "tests.chaos.celery_app", "beat"]
        command += ["--schedule", str(self.folder / "beat"), "--pidfile", ""]
        return Program("beat", command, self.folder, self._environment)

    def _workers(self) -> list[Program]:
        if not self.redis:
            command = [sys.executable, "-m", "django", "whatsapp_worker"]
            names = [f"worker-{number}" for number in range(1, POOL)]
            return [Program(name, command, self.folder, self._environment) for name in names]
        command = [sys.executable, "-m", "celery", "-A", "tests.chaos.celery_app", "worker"]
        command += ["--pool", "prefork", "--concurrency", str(POOL), "--loglevel", "INFO"]
        command += ["--without-gossip", "--without-mingle"]
        return [Program("worker", command, self.folder, self._environment)]

    def _programs(self) -> list[Program]:
        redis = [self.redis] if self.redis else []
        return [*self.supervised(), self.site, *redis, self.simulator]

    def supervised(self) -> list[Program]:
        """What a host's supervisor starts again when it has ended."""
        return [*self.workers, *([self.beat] if self.beat else [])]

    def open(self) -> None:
        """Starts everything, with a campaign that is ready to run."""
        self.simulator.start()
        self.shell = Shell(self.folder, self._environment)
        if self.redis:
            self.redis.start()
        self.shell.ask("prepare", people=self.plan.recipients, rate=self.plan.rate)
        self.site.start()
        for program in self.supervised():
            program.start()
        lateness = [0.1, self.plan.lateness]
        url = f"http://127.0.0.1:{self.site.port}/whatsapp/webhook/"
        self.control.webhooks(url=url, double=0.3, delay=lateness, reorder=True)
        self.control.fault("drop", probability=self.plan.drop, seed=self.plan.seed)

    def restart_postgres(self) -> None:
        """A crash, and up again."""
        self.postgres.stop("immediate")
        self.postgres.start()
        wait_for(lambda: "error" not in self.shell.ask("look"), "PostgreSQL answers again")

    def close(self) -> None:
        """Ends what runs."""
        if hasattr(self, "shell"):
            self.shell.close()
        for program in self._programs():
            program.kill()


@contextmanager
def stage(plan: Plan, folder: Path) -> Iterator[Stage]:
    """All processes of the plan, running; their logs are in `folder`."""
    with ExitStack() as stack:
        postgres = stack.enter_context(private_postgres())
        stack.callback(_keep_log, postgres, folder)
        built = Stage(plan, folder, postgres)
        stack.callback(built.close)
        built.open()
        yield built


def _keep_log(postgres: PrivatePostgres, folder: Path) -> None:
    shutil.copy(postgres.log, folder / "postgres.log")
