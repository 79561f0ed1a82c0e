"""What one run of chaos will do: everything that chance decides comes from the seed."""

import random
from dataclasses import dataclass
from typing import Any

FIRST_PERSON = 4520000000
"""The audience is so many numbers from here on, all of them real mobile numbers of Denmark by their form."""
SHORTEST, LONGEST = 500, 1500
"""Acceptances between two kills in a run of full size."""
_ROOM = 0.9
"""The share of the acceptances within which the last kill comes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    profile: "A" leaves what is unknown to a person, "B" sends again what stays unknown after the quiet period.
    rate: messages a second of the number. lease: LEASE_SECONDS. drop: share of answers that are lost after acceptance.
    lateness: seconds that each step of a message (sent, delivered, read) may take to be told, and be told late.
    quiet: seconds after which profile B takes an unknown message for not sent; above all that the webhooks can be late by, the
    crashes of site and database included.
    """

    profile: str = "A"
    seed: int = 1
    recipients: int = 20_000
    kills: int = 20
    broker: str = "redis"
    rate: int = 80
    lease: float = 10.0
    drop: float = 0.01
    lateness: float = 3.0
    quiet: float = 45.0

    def people(self) -> set[str]:
        """Everybody who is to get one message."""
        return {str(FIRST_PERSON + number) for number in range(self.recipients)}

    def intervals(self) -> list[int]:
        """Acceptances before each kill, counted from the one before. Shorter ones for a run that is not of full size."""
        chance = random.Random(self.seed)
        scale = min(1.0, self.recipients / (self.kills * (SHORTEST + LONGEST) / 2))
        shortest, longest = int(SHORTEST * scale), int(LONGEST * scale)
        while True:
            drawn = [chance.randint(shortest, longest) for _ in range(self.kills)]
            if sum(drawn) <= self.recipients * _ROOM:
                return drawn

    def restarts(self) -> list[tuple[int, str]]:
        """The services that are crashed once each, with the acceptances after which they are."""
        chance = random.Random(self.seed + 1)
        names = ["postgres", "site", *(["redis"] if self.broker == "redis" else [])]
        chance.shuffle(names)
        share = 0.7 / len(names)
        return [
            (int(self.recipients * (0.15 + share * (place + chance.random() * 0.8))), name)
            for place, name in enumerate(names)
        ]

    def whatsapp(self, graph: str) -> dict[str, Any]:
        """The host's WHATSAPP settings. graph: the simulator's address."""
        return {
            "GRAPH_BASE_URL": graph,
            "LEASE_SECONDS": self.lease,
            "SEND_DEADLINE": self.lease * 0.5,
            "REQUEST_TIMEOUT": self.lease * 0.45,
            "CONNECT_TIMEOUT": self.lease * 0.4,
            "NUMBER_HOLD_SECONDS": self.lease * 0.5,
            "RUN_LEASE_SECONDS": self.lease * 0.5,
            "UNKNOWN_POLICY": "resend" if self.profile == "B" else "ask",
            "UNKNOWN_QUIET_SECONDS": self.quiet,
            "WEBHOOK_RETRY_SECONDS": 2.0,
            "WEBHOOK_INLINE": False,
            "WORKER_SECONDS": 0.5,
        }

    @property
    def seconds(self) -> float:
        """How long the run may take before it counts as stuck, on a machine that has other work as well."""
        return 180 + 6 * self.recipients / self.rate + self.kills * 4 * self.lease
