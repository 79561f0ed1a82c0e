"""The rules of the pace, the same in Redis (`bucket.lua`) and in one process (`local`): each number here is used by both.

Source: Meta's page "Messaging limits and throughput"; error codes 130429, 80007 and 131056.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

TARGET = 0.98
"""What is used of the rate that Meta allows: our clock and Meta's, and the way between them, differ a little."""
SLACK = 0.5
"""Seconds of sending that may be caught up after a stall; Meta's own bucket is a second deep."""
SURPLUS = 0.2
"""Seconds of sending that must lie idle before a campaign may use what others leave of their share."""
DEBT = 1.0
"""Seconds: what a campaign took of the others' share counts against it for no longer."""
ACTIVE = 2.0
"""Seconds after its last question during which a campaign keeps its share."""
CUT = 0.5
"""What is left of the rate after Meta says that it is too high."""
CUT_PAUSE = 1.0
"""Seconds: refusals so close together tell of one excess, not of several."""
PLATEAU = 0.95
"""Of the rate that was refused: where a slowed number rests before it tries more."""
CLIMB = 10.0
"""Seconds from a cut to that rest; after twice as long a number goes half as fast again, after three times five times so."""
SLOWEST = 1.0
"""Messages a second below which no refusal brings a number."""
PAIR_INTERVAL = 6.0
PAIR_BURST = 45
"""Messages that one person may get at once, borrowed from the future."""
PAIR_WINDOW = 5.0
"""Seconds in which a burst must be over. Meta's are 6, counted from where the first message arrives."""
PAIR_MARGIN = 0.5
"""Seconds by which a burst is paid later for us than for Meta, who counts from the arrival."""
BUSY = 80.0
"""Percent of the hour's allowance from which a number goes slower."""
LEAST = 0.25
"""What is left of its rate when all of the allowance is used, for Meta may not count messages at all: a refusal does the rest."""
BUSY_SECONDS = 60.0
"""For how long a number remembers that."""
KEEP = 3600.0
"""Seconds for which the pace of a silent number is remembered."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a campaign that wants to send to some people.

    wait: seconds after which to ask again; nothing was taken then. 0: those whose `pairs` are 0 may be sent to now.
    pairs: seconds until each person may get another message. rate: of the whole number, in messages a second, now.
    is_elsewhere: another worker has the number to itself.
    """

    wait: float
    pairs: Sequence[float]
    rate: float
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """A campaign that wants to send. full: what Meta allows its number, in messages a second; headroom: the share of it
    that is kept for conversations; weight: of the campaign among the number's others."""

    campaign: str
    full: float
    headroom: float
    weight: int


class Limiter(Protocol):
    """The pace of one number. Waits for nobody, and may be used by any thread."""

    def take(self, asker: Asker, people: Sequence[str]) -> Grant:
        """Takes a place for each of `people`, if there is one for all of them."""
        ...

    def reply(self, full: float, person: str, most: float) -> float:
        """Takes the next place, before any campaign; the seconds until it comes, `most` at most."""
        ...

    def throttled(self, full: float, retry_after: float) -> None:
        """Meta refused a message for the number's rate. retry_after: seconds in which nothing should go."""
        ...

    def pair_refused(self, person: str, wait: float) -> None:
        """Meta refused a message because this person got too many: none for so many seconds."""
        ...

    def slow(self, share: float, seconds: float) -> None:
        """No more than `share` of the full rate for so long."""
        ...

    def rate(self, full: float) -> float:
        """Messages a second, of the whole number, now. Takes nothing."""
        ...


def share_when(used: float) -> float:
    """The share of its rate that a number takes when so many percent of the allowance are used."""
    over = min(max(used - BUSY, 0.0) / (100.0 - BUSY), 1.0)
    return 1.0 - (1.0 - LEAST) * over


def recovered(full: float, plateau: float, since: float) -> float:
    """Messages a second, `since` seconds after a cut. Steep, flat where Meta refused, steep again: what TCP's CUBIC does."""
    climbed = plateau + plateau * (1 - CUT) * (since / CLIMB - 1) ** 3
    return min(full, max(climbed, min(SLOWEST, full)))
