"""What bulk statements report back: which rows went from which status to which."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """Rows of a campaign went from status `before` to `after`. newly_accepted: their `accepted_at` was just set."""

    campaign_id: int
    before: str
    after: str
    newly_accepted: bool = False
    rows: int = 1
