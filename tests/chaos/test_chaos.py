"""A small run of each profile, side by side: nearly all of their time is waiting."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.chaos.plan import Plan
from tests.chaos.run import run
from tests.chaos.verdict import Evidence, Verdict, judge
from tests.services_check import require

pytestmark = pytest.mark.timeout(600)

SMALL = {
    "recipients": 400,
    "kills": 3,
    "rate": 100,
    "lease": 8.0,
    "drop": 0.03,
    "lateness": 0.5,
    "quiet": 20.0,
}
PLANS = {
    "A-celery": Plan(profile="A", seed=1, broker="redis", **SMALL),
    "B-no-broker": Plan(profile="B", seed=2, broker="none", **SMALL),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Verdict]]]:
    require("redis-server")
    with ThreadPoolExecutor(len(PLANS)) as pool:
        yield {name: pool.submit(run, plan, tmp_path_factory.mktemp("chaos")) for name, plan in PLANS.items()}


@pytest.mark.parametrize("name", PLANS)
def test_whatever_dies_nobody_is_messaged_twice_and_nobody_is_forgotten(
    runs: dict[str, "Future[Verdict]"], name: str
) -> None:
    verdict = runs[name].result()
    assert verdict.faults == []


# The judge himself


def evidence(plan: Plan, **fields: object) -> Evidence:
    """A flawless run, but for `fields`."""
    people = plan.people()
    flawless = {
        "messaged": dict.fromkeys(people, 1),
        "dropped": {min(people)},
        "rows": dict.fromkeys(people, "read"),
        "seen_unknown": set(),
        "in_flight": set(),
        "flights": 0,
        "at_restarts": set(),
        "status": "completed",
        "webhooks": 0,
        "kills": {"child": 2, "group": 1},
        "restarted": ["postgres", "site", "redis"],
        "drained": True,
    }
    return Evidence(**{**flawless, **fields})  # type: ignore[arg-type]


SMALLEST = Plan(recipients=5, kills=3)
FIRST, SECOND, *_, LAST = sorted(SMALLEST.people())
READ = dict.fromkeys(SMALLEST.people(), "read")
ONCE = dict.fromkeys(SMALLEST.people(), 1)
WITHOUT = {person: 1 for person in ONCE if person != LAST}


def test_a_run_without_a_flaw_holds() -> None:
    assert judge(SMALLEST, evidence(SMALLEST)).faults == []
    listed = {"rows": {**READ, LAST: "unknown"}, "messaged": WITHOUT, "in_flight": {LAST}, "flights": 1}
    assert judge(SMALLEST, evidence(SMALLEST, **listed)).faults == []


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        ({"messaged": {**ONCE, LAST: 2}}, "messaged more than once: 1"),
        ({"messaged": {**ONCE, "4512345678": 1}}, "messaged without being asked for: 1"),
        ({"messaged": WITHOUT}, "neither messaged nor listed as unknown: 1"),
        ({"rows": {**READ, LAST: "unknown"}}, "told about by webhooks and yet unknown: 1"),
        ({"rows": {**READ, LAST: "sent"}}, "messaged, but not read by our rows: 1"),
        ({"rows": {**READ, LAST: "sending"}}, "still to send: 1"),
        ({"seen_unknown": {LAST}}, "unknown for no reason: 1"),
        (
            {"seen_unknown": {FIRST, LAST}, "in_flight": {LAST}, "dropped": {FIRST}},
            "2 unknown, with 0 in flight",
        ),
        ({"status": "running"}, "the campaign is running"),
        ({"drained": False}, "the simulator still has webhooks"),
        ({"webhooks": 2}, "2 webhooks of the journal"),
        ({"kills": {"child": 1, "group": 1}}, "2 of 3 kills took place"),
        ({"restarted": []}, "0 of 3 crashes took place"),
        ({"dropped": set()}, "no answer was dropped"),
    ],
)
def test_every_flaw_is_told(flaw: dict[str, object], told: str) -> None:
    faults = judge(SMALLEST, evidence(SMALLEST, **flaw)).faults
    assert any(fault.startswith(told) for fault in faults), faults


def test_in_profile_b_nobody_may_stay_unknown() -> None:
    plan = Plan(profile="B", recipients=5, kills=3)
    listed = {"rows": {**READ, LAST: "unknown"}, "messaged": WITHOUT, "in_flight": {LAST}, "flights": 1}
    faults = judge(plan, evidence(plan, **listed)).faults
    assert [fault.split(":")[0] for fault in faults] == ["unknown for good", "not messaged"]


@pytest.mark.parametrize("seed", range(20))
def test_the_kills_of_a_plan_fit_into_its_acceptances(seed: int) -> None:
    plan = Plan(seed=seed)
    assert len(plan.intervals()) == 20
    assert all(500 <= each <= 1500 for each in plan.intervals())
    assert sum(plan.intervals()) <= 18_000
    assert plan.intervals() == Plan(seed=seed).intervals()
    assert sorted(name for _, name in plan.restarts()) == ["postgres", "redis", "site"]
