"""Finds what a runner that died has left behind: claimed rows are free again, marked ones become `unknown`."""

from functools import partial

from django_meta_whatsapp.models import CampaignStatus, RecipientStatus
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import states, tally
from django_meta_whatsapp.services.transactions import in_transaction

LOOK_AGAIN = 0.25
"""Seconds after which a run looks again at what it waits for."""

BATCH = 1000


def expire_leases(campaign_id: int | None = None) -> tuple[int, int]:
    """Ends the leases that have run out by the database's clock, of one campaign or of all.

    Returns how many rows are free again and how many have become `unknown`. A status webhook settles the latter later.
    """
    freed = unknown = 0
    while moves := in_transaction(partial(_expire, campaign_id)):
        lost = sum(move.after == RecipientStatus.UNKNOWN for move in moves)
        freed, unknown = freed + len(moves) - lost, unknown + lost
    return freed, unknown


def _expire(campaign_id: int | None) -> list[Move]:
    moves = claims.expire(campaign_id=campaign_id, limit=BATCH)
    tally.apply(moves)
    return moves


def next_look(campaign_id: int) -> float | None:
    """For a run that found nothing to claim: seconds after which there may be something; None when it is over, and so is the
    campaign if nothing is left of it.
    """
    expire_leases(campaign_id)
    if states.finish(campaign_id):
        return None
    outlook = states.outlook(campaign_id)
    if outlook.status != CampaignStatus.RUNNING:
        return None
    if outlook.held or outlook.next_due is None:
        return LOOK_AGAIN
    return max(LOOK_AGAIN / 5, clock.until(outlook.next_due))
