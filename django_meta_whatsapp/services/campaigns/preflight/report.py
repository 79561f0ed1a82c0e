"""The result of a preflight: for programs, as JSON, and as text for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from django_meta_whatsapp.models import SkipReason
from django_meta_whatsapp.services.campaigns.cost import Cost

_SIGNS = {"ok": "✓", "check": "!", "problem": "✗"}


class Level(StrEnum):
    """PROBLEM keeps the campaign from running as it stands; CHECK wants a look, or cannot be told."""

    OK = "ok"
    CHECK = "check"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """area: `template`, `audience`, `media`, `account`, `budget` or `cost`."""

    area: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Somebody who is skipped for a value. why: the variables, with the line or entry of the source where it has one."""

    name: str
    phone: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What one person reads."""

    name: str
    phone: str
    text: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """frozen: whether the whole audience is in recipients' rows, which are then what runs.

    total: people in the audience, of whom `to_send` get a message and the others are skipped, counted by the reason.
    rate: messages a second that the number is good for now. seconds: how long sending takes at that rate, None when the
    audience is not frozen. budget: people whom the number may still reach in these 24 hours, None when that is unlimited or
    unknown. costs: one for each currency of the rate card.
    """

    campaign_id: int
    at: datetime
    frozen: bool
    total: int
    to_send: int
    skipped: dict[str, int]
    incomplete: tuple[Incomplete, ...]
    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...]
    rate: float | None
    seconds: float | None
    budget: int | None
    costs: tuple[Cost, ...]

    @property
    def can_run(self) -> bool:
        """Whether nothing is known that forbids a run."""
        return self.frozen and not self.has_problem

    @property
    def has_problem(self) -> bool:
        """Whether something is known that forbids a run."""
        return any(finding.level == Level.PROBLEM for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON's own types: money as text, times as ISO 8601."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self), cls=DjangoJSONEncoder))
        return {**found, "can_run": self.can_run}

    def __str__(self) -> str:
        return told(self.as_json())


def told(report: Mapping[str, Any]) -> str:
    """A report, as `as_json` gives it, as text; "" for none."""
    return "\n".join(_lines(report)) if report else ""


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    unfinished = "" if report["frozen"] else " so far: the audience is not complete"
    yield f"{report['total']} people{unfinished}, {report['to_send']} of them to be sent to."
    for reason, people in report["skipped"].items():
        yield f"  {people} skipped: {SkipReason(reason).label if reason in SkipReason.values else reason}"
    for each in report["incomplete"]:
        yield f"    {each['name'] or '—'} {each['phone']}: {each['why']}"
    for finding in report["findings"]:
        yield f"{_SIGNS[finding['level']]} {finding['area']}: {finding['text']}"
    if report["seconds"] is not None:
        yield f"At {report['rate']:g} messages a second it takes {timedelta(seconds=round(report['seconds']))}."
    for cost in report["costs"]:
        yield from _cost(cost)
    for sample in report["samples"]:
        yield f"— {sample['name'] or '—'} {sample['phone']} reads:"
        yield from (f"    {line}" for line in sample["text"].splitlines())


def _cost(cost: Mapping[str, Any]) -> Iterator[str]:
    currency, at_most, now = cost["currency"], Decimal(cost["at_most"]), Decimal(cost["now"])
    less = f", {now.normalize():f} if it went now" if now != at_most else ""
    yield f"It costs {at_most.normalize():f} {currency} at most{less}."
    for code, people in cost["without_rate"].items():
        yield f"  No price in {currency} for {people} people of +{code or '?'}: they are not in the sum."
