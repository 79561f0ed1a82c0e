"""Steps of the ledger, and what they leave behind, for the tests of claims and of answers."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
)
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services.campaigns import ledger, tally
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.ledger import Marked, Settled


def statuses(assignment: Assignment) -> list[str]:
    rows = WhatsAppCampaignRecipient.objects.filter(campaign_id=assignment.campaign_id)
    return list(rows.order_by("pk").values_list("status", flat=True))


def answer(marked: Marked, state: AttemptState, **fields: Any) -> Settled:
    values = {"at": timezone.now(), **fields}
    return Settled(marked, Answer(marked.token, marked.ready.lease, state, **values))


def counts(assignment: Assignment) -> dict[str, int]:
    campaign = WhatsAppCampaign.objects.get(pk=assignment.campaign_id)
    names = ("sent_count", "failed_count", "unknown_count", "skipped_count")
    stored = {name: getattr(campaign, name) for name in names}
    tally.recount(campaign)
    assert stored == {name: getattr(campaign, name) for name in names}, "the tally has drifted"
    return {name.removesuffix("_count"): value for name, value in stored.items() if value}


def run_out(assignment: Assignment) -> None:
    """The leases of all rows have run out."""
    held = WhatsAppCampaignRecipient.objects.filter(campaign_id=assignment.campaign_id)
    held.exclude(lease_expires_at=None).update(lease_expires_at=timezone.now() - timedelta(days=2))


def mark_one(assignment: Assignment) -> Marked:
    return ledger.mark(assignment, ledger.claim(assignment, 1).ready)[0]
