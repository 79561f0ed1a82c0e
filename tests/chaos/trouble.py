"""What is done to the processes, and when: a kill after so many acceptances, and each service crashed once."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate

from tests.chaos.programs import Program, talkers
from tests.chaos.stage import Stage

Say = Callable[[str], None]


class Trouble:
    """Makes it, and starts again what has died, as a supervisor does. Call `step` often with the acceptances so far.

    kills: by kind. in_flight: who was being sent to at a kill; flights: their number, counted afresh each time.
    at_restarts: who was being sent to when the database crashed. restarted: the services that were crashed.
    """

    def __init__(self, stage: Stage, say: Say) -> None:
        plan = stage.plan
        self.kills: Counter[str] = Counter()
        self.restarted: list[str] = []
        self.in_flight: set[str] = set()
        self.flights = 0
        self.at_restarts: set[str] = set()
        self._stage = stage
        self._say = say
        self._chance = random.Random(plan.seed + 2)
        self._kills = list(accumulate(plan.intervals()))
        self._restarts = plan.restarts()
        self._down: dict[Program, float] = {}

    @property
    def planned_kills(self) -> int:
        """Those of the plan that have taken place."""
        return self.kills["child"] + self.kills["group"]

    def step(self, accepted: int) -> None:
        """Does what is due after `accepted` acceptances."""
        self._revive()
        if self._restarts and accepted >= self._restarts[0][0]:
            self._crash(self._restarts.pop(0)[1], accepted)
        elif self._kills and accepted >= self._kills[0] and self._processes():
            self._kills.pop(0)
            self._kill(accepted)

    def disturb_freezing(self) -> None:
        """The workers die while one of them writes down who is to get a message; once, as they are quick at it."""
        if not self.kills["freezing"] and self._processes():
            for worker in self._stage.workers:
                worker.kill()
            self._count("freezing", "while freezing: killed all workers")

    def _revive(self) -> None:
        now = time.monotonic()
        for program in [each for each, until in self._down.items() if until <= now]:
            del self._down[program]
            program.launch()
        for program in self._stage.supervised():
            if program.is_dead:
                if not program.was_killed:
                    # Celery's worker ends when Redis goes away in a bad moment.
                    self._count("by itself", f"{program.name} had ended by itself")
                    program.kill()
                program.launch()

    def _kill(self, accepted: int) -> None:
        if self.kills["child"] > self.kills["group"]:
            for worker in self._stage.workers:
                worker.kill()
            self._count("group", f"after {accepted:,}: killed all workers")
        else:
            victim = self._kill_one()
            self._count("child", f"after {accepted:,}: killed {victim}")

    def _count(self, kind: str, what: str) -> None:
        self.kills[kind] += 1
        dead = self._stage.shell.ask("look").get("in_flight", [])
        self.in_flight.update(dead)
        self.flights += len(dead)
        self._say(f"{what}, {len(dead)} in flight")

    def _kill_one(self) -> str:
        """The process that sends, where it can be told: killing an idle one proves little."""
        pids = self._processes()
        sending = sorted(talkers(self._stage.simulator.port or 0).intersection(pids))
        pid = self._chance.choice(sending or pids)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        for worker in self._stage.workers:
            if worker.pid == pid:
                worker.kill()  # Waits until it is gone.
        return "a process that sends" if sending else "an idle process"

    def _processes(self) -> list[int]:
        workers = self._stage.workers
        return workers[0].children() if self._stage.redis else [worker.pid for worker in workers]

    def _crash(self, name: str, accepted: int) -> None:
        self._say(f"after {accepted:,}: crashing {name}")
        self.restarted.append(name)
        if name == "postgres":
            self.at_restarts.update(self._stage.shell.ask("look")["in_flight"])
            self._stage.restart_postgres()
            self.at_restarts.update(self._stage.shell.ask("look")["in_flight"])
            return
        program = self._stage.site if name == "site" else self._stage.redis
        assert program is not None
        program.kill()
        self._down[program] = time.monotonic() + self._chance.uniform(0.5, 2.0)
