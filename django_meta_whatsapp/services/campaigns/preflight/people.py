"""Counts and examples of a campaign's recipients: a few queries, whatever their number."""

from django.db.models import Count

from django_meta_whatsapp import phones
from django_meta_whatsapp.models import RecipientStatus, SkipReason, WhatsAppCampaignRecipient
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.preflight.report import Incomplete, Sample

_FOR_A_VALUE = (SkipReason.MISSING_VARIABLE, SkipReason.INVALID_VARIABLE)


def counts(campaign_id: int) -> tuple[int, dict[str, int]]:
    """How many are to be sent to, and how many are skipped by the reason, the most frequent first."""
    rows = WhatsAppCampaignRecipient.objects.filter(campaign_id=campaign_id)
    groups = rows.order_by().values_list("status", "skip_reason").annotate(people=Count("pk"))
    found = sorted(groups, key=lambda group: (-group[2], group[1]))
    skipped = {reason: people for status, reason, people in found if status == RecipientStatus.SKIPPED}
    pending = sum(people for status, _, people in found if status == RecipientStatus.PENDING)
    return pending, skipped


def incomplete(campaign_id: int, limit: int) -> tuple[Incomplete, ...]:
    """The first of those who are skipped for a value."""
    rows = WhatsAppCampaignRecipient.objects.filter(
        campaign_id=campaign_id, status=RecipientStatus.SKIPPED, skip_reason__in=_FOR_A_VALUE
    )
    return tuple(
        Incomplete(row.name, _phone(row), row.skip_reason, row.error_message)
        for row in rows.order_by("pk")[:limit]
    )


def first(campaign_id: int, limit: int) -> list[WhatsAppCampaignRecipient]:
    """The first of those who are to be sent to."""
    rows = WhatsAppCampaignRecipient.objects.filter(campaign_id=campaign_id, status=RecipientStatus.PENDING)
    return list(rows.order_by("pk")[:limit])


def sample(assignment: Assignment, row: WhatsAppCampaignRecipient) -> Sample:
    """What somebody reads."""
    return Sample(row.name, _phone(row), assignment.personaliser.text(row.parameters))


def _phone(row: WhatsAppCampaignRecipient) -> str:
    return phones.from_digits(row.phone_number) if row.phone_number else ""
