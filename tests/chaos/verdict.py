"""The judgement: who was messaged how often, by the simulator's ledger, against what the host says of everybody."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.chaos.plan import Plan


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run has come to, people by their numbers.

    messaged: how often each, by the ledger. dropped: whose answer was lost. rows: what the host says of each.
    seen_unknown: whom it listed as unknown at any time. in_flight: who was being sent to at a kill; flights: their number,
    counted afresh at each kill. at_restarts: who was being sent to when the database crashed. status: of the campaign.
    webhooks: of the host's journal that are not done.
    """

    messaged: Mapping[str, int]
    dropped: AbstractSet[str]
    rows: Mapping[str, str]
    seen_unknown: AbstractSet[str]
    in_flight: AbstractSet[str]
    flights: int
    at_restarts: AbstractSet[str]
    status: str
    webhooks: int
    kills: Counter[str]
    restarted: list[str]
    drained: bool


@dataclass(slots=True)
class Verdict:
    """faults: what must not be, in words; none: the run holds. counts: for the report."""

    faults: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def none(self, what: str, people: AbstractSet[str]) -> None:
        """There must be nobody who …"""
        self.counts[what] = len(people)
        if people:
            named = ", ".join(sorted(people)[:5])
            self.faults.append(f"{what}: {len(people)} ({named}{' …' if len(people) > 5 else ''})")

    def holds(self, condition: bool, otherwise: str) -> None:
        """`condition` must hold."""
        if not condition:
            self.faults.append(otherwise)


def judge(plan: Plan, evidence: Evidence) -> Verdict:
    """Whether the promises were kept."""
    verdict = Verdict()
    people, messaged = plan.people(), evidence.messaged
    unknown = {person for person, status in evidence.rows.items() if status == "unknown"}
    verdict.counts["people messaged"] = len(messaged)
    verdict.counts["answers dropped"] = len(evidence.dropped)
    verdict.counts["in flight at the kills"] = evidence.flights
    verdict.counts["in flight at the database's crash"] = len(evidence.at_restarts)
    verdict.counts["unknown at any time"] = len(evidence.seen_unknown)
    verdict.counts["unknown at the end"] = len(unknown)
    verdict.none("messaged more than once", {person for person, times in messaged.items() if times > 1})
    verdict.none("messaged without being asked for", messaged.keys() - people)
    verdict.none("neither messaged nor listed as unknown", people - messaged.keys() - unknown)
    verdict.none("told about by webhooks and yet unknown", unknown & messaged.keys())
    verdict.none("messaged, but not read by our rows", _not_read(evidence, unknown))
    _judge_unknown(verdict, evidence, unknown)
    if plan.profile == "B":
        verdict.none("unknown for good", unknown)
        verdict.none("not messaged", people - messaged.keys())
    _judge_run(verdict, plan, evidence)
    return verdict


def _not_read(evidence: Evidence, unknown: AbstractSet[str]) -> set[str]:
    """Every message was read in the end, and every webhook came."""
    return {person for person in evidence.messaged if evidence.rows.get(person) != "read"} - unknown


def _judge_unknown(verdict: Verdict, evidence: Evidence, unknown: AbstractSet[str]) -> None:
    """Only what was under way when something died, or whose answer was lost, may ever be unknown."""
    seen = evidence.seen_unknown | unknown
    verdict.none("unknown for no reason", seen - evidence.in_flight - evidence.dropped - evidence.at_restarts)
    explained = seen - (evidence.at_restarts - evidence.in_flight - evidence.dropped)
    verdict.holds(
        len(explained) <= evidence.flights + len(evidence.dropped),
        f"{len(explained)} unknown, with {evidence.flights} in flight at the kills and {len(evidence.dropped)} drops",
    )


def _judge_run(verdict: Verdict, plan: Plan, evidence: Evidence) -> None:
    """The run must have been what it was to be, and have ended."""
    verdict.holds(evidence.status == "completed", f"the campaign is {evidence.status}")
    left = {person for person, status in evidence.rows.items() if status in ("pending", "leased", "sending")}
    verdict.none("still to send", left)
    verdict.holds(evidence.drained, "the simulator still has webhooks to deliver")
    verdict.holds(not evidence.webhooks, f"{evidence.webhooks} webhooks of the journal are not done")
    verdict.counts.update({f"kills, {kind}": number for kind, number in evidence.kills.items()})
    done = evidence.kills["child"] + evidence.kills["group"]
    verdict.holds(done == plan.kills, f"{done} of {plan.kills} kills took place")
    due = len(plan.restarts())
    verdict.holds(len(evidence.restarted) == due, f"{len(evidence.restarted)} of {due} crashes took place")
    verdict.holds(bool(evidence.dropped) or not plan.drop, "no answer was dropped")
