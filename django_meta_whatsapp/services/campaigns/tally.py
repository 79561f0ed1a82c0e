"""A campaign's counts. They follow its recipients' rows, up and down, in one statement for each campaign."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, F, Q

from django_meta_whatsapp.models import RecipientStatus, WhatsAppCampaign, WhatsAppCampaignRecipient
from django_meta_whatsapp.models.bulk.moves import Move

__all__ = ["Move", "apply", "recount"]

_COUNTED: dict[str, frozenset[str]] = {
    "skipped_count": frozenset({RecipientStatus.SKIPPED}),
    "delivered_count": frozenset({RecipientStatus.DELIVERED, RecipientStatus.READ, RecipientStatus.PLAYED}),
    "read_count": frozenset({RecipientStatus.READ, RecipientStatus.PLAYED}),
    "failed_count": frozenset({RecipientStatus.FAILED}),
    "unknown_count": frozenset({RecipientStatus.UNKNOWN}),
}
"""The statuses that each count is made of; `sent_count` is made of `accepted_at`, which outlives a failure."""


_BELOW = (
    RecipientStatus.PENDING,
    RecipientStatus.LEASED,
    RecipientStatus.SENDING,
    RecipientStatus.UNKNOWN,
)


def apply(moves: Iterable[Move]) -> None:
    """Brings the counts up to date. Call it in the transaction that moved the rows."""
    changes: dict[int, Counter[str]] = {}
    for move in moves:
        change = changes.setdefault(move.campaign_id, Counter())
        change["sent_count"] += move.newly_accepted * move.rows
        change["rejected_count"] += _rejected(move) * move.rows
        for count, statuses in _COUNTED.items():
            change[count] += ((move.after in statuses) - (move.before in statuses)) * move.rows
    # In one order, so that two writers cannot wait for each other.
    for campaign_id, change in sorted(changes.items()):
        changed = {count: F(count) + by for count, by in change.items() if by}
        if changed:
            WhatsAppCampaign.objects.filter(pk=campaign_id).update(**changed)


def _rejected(move: Move) -> int:
    """Failed without ever having been accepted: a row becomes that, stays so, or turns out to be something else."""
    if move.before == RecipientStatus.FAILED:
        return -1 if move.newly_accepted or move.after in _BELOW else 0
    return int(move.after == RecipientStatus.FAILED and move.before in _BELOW and not move.newly_accepted)


def recount(campaign: WhatsAppCampaign) -> None:
    """Counts the rows afresh and stores the result, on `campaign` as well."""
    rows = WhatsAppCampaignRecipient.objects.filter(campaign=campaign)
    counts = {name: Count("pk", filter=Q(status__in=statuses)) for name, statuses in _COUNTED.items()}
    counted = rows.aggregate(
        total_count=Count("pk"),
        sent_count=Count("pk", filter=Q(accepted_at__isnull=False)),
        rejected_count=Count("pk", filter=Q(accepted_at=None, status=RecipientStatus.FAILED)),
        **counts,
    )
    WhatsAppCampaign.objects.filter(pk=campaign.pk).update(**counted)
    for name, value in counted.items():
        setattr(campaign, name, value)
