"""One run from its start to its verdict."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.plan import Plan
from tests.chaos.programs import Stuck
from tests.chaos.stage import Stage, stage
from tests.chaos.trouble import Say, Trouble
from tests.chaos.verdict import Evidence, Verdict, judge

_UNDER_WAY = ("draft", "scheduled", "running")
_LOOK = 0.25
_TELL = 5.0
_SETTLING = 120.0
"""Seconds after the end of the campaign within which webhooks must have told everything."""


def run(plan: Plan, folder: Path, say: Say = print) -> Verdict:
    """What came of the plan. Logs are left in `folder`."""
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{plan.profile}{plan.seed} {time.monotonic() - began:5.0f}s  {text}")

    with stage(plan, folder) as built:
        tell(f"everything runs; logs in {folder}")
        verdict = _Run(plan, built, tell).finish()
    verdict.counts["seconds"] = round(time.monotonic() - began)
    return verdict


class _Run:
    """The campaign, watched, with trouble made meanwhile."""

    def __init__(self, plan: Plan, built: Stage, say: Say) -> None:
        self._plan = plan
        self._stage = built
        self._say = say
        self._trouble = Trouble(built, say)
        self._seen_unknown: set[str] = set()
        self._deadline = time.monotonic() + plan.seconds
        self._tell_at = 0.0
        self._pending = 0
        self._quiet_looks = 0

    def finish(self) -> Verdict:
        """Runs it and judges."""
        self._stage.shell.ask("start")
        stuck = ""
        try:
            self._until(lambda seen: seen["status"] not in _UNDER_WAY)
            self._deadline = time.monotonic() + _SETTLING + 3 * self._plan.quiet
            self._until(self._is_quiet)
        except Stuck as error:
            stuck = str(error)
        verdict = judge(self._plan, self._evidence())
        if stuck:
            verdict.faults.insert(0, stuck)
        return verdict

    def _until(self, over: Callable[[dict[str, Any]], bool]) -> None:
        while True:
            health = self._stage.control.health()
            # Before the look: what is delivered after it has not been looked for.
            accepted, self._pending = int(health["messages"]), int(health["pending"])
            self._trouble.step(accepted)
            seen = self._stage.shell.ask("look")
            if "error" not in seen:
                self._seen_unknown.update(seen["unknown"])
                self._tell(accepted, seen)
                if seen["status"] == "running" and seen["left"] is None:
                    self._trouble.disturb_freezing()
                if over(seen):
                    return
            if time.monotonic() > self._deadline:
                raise Stuck(f"not over in time; last seen: {_short(seen)}")
            time.sleep(_LOOK)

    def _is_quiet(self, seen: dict[str, Any]) -> bool:
        """Nothing is under way any more: what is unknown now stays so (in profile B: nothing is). Twice in a row, as a message
        may be accepted between two questions.
        """
        goes_on = seen["left"] or seen["status"] in _UNDER_WAY
        to_resend = self._plan.profile == "B" and seen["unknown"]
        busy = self._pending or seen["webhooks"] or seen["in_flight"] or goes_on or to_resend
        self._quiet_looks = 0 if busy else self._quiet_looks + 1
        return self._quiet_looks == 2

    def _tell(self, accepted: int, seen: dict[str, Any]) -> None:
        if time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + _TELL
        kills = self._trouble.planned_kills
        self._say(
            f"{accepted:,} of {self._plan.recipients:,} accepted, {kills} of {self._plan.kills} kills; {_short(seen)}"
        )

    def _evidence(self) -> Evidence:
        control, trouble = self._stage.control, self._trouble
        drained = bool(control.drain(timeout=10)["drained"])
        people = control.people()
        seen = self._stage.shell.ask("look")
        return Evidence(
            messaged={person: entry["count"] for person, entry in people.items()},
            dropped={entry["wa_id"] for entry in control.messages() if entry["answer_dropped"]},
            rows=self._stage.shell.ask("rows"),
            seen_unknown=self._seen_unknown,
            in_flight=trouble.in_flight,
            flights=trouble.flights,
            at_restarts=trouble.at_restarts,
            status=f"{seen['status']} {seen['reason']}".strip(),
            webhooks=seen["webhooks"],
            kills=trouble.kills,
            restarted=trouble.restarted,
            drained=drained,
        )


def _short(seen: dict[str, Any]) -> str:
    """One look in a few words."""
    if "error" in seen:
        return "the database is down"
    return (
        f"{seen['status']}, {seen['left']} left, {len(seen['in_flight'])} in flight, "
        f"{len(seen['unknown'])} unknown, {seen['webhooks']} webhooks to apply"
    )
