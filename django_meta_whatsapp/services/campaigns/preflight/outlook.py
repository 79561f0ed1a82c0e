"""How fast the number sends, and how many people it may still message today."""

import math
from collections.abc import Iterator

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import CampaignStatus, WhatsAppAccount, WhatsAppCampaign
from django_meta_whatsapp.services.budget import limit
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.preflight.report import Finding, Level
from django_meta_whatsapp.services.pacing.number import full_rate


def rate(assignment: Assignment) -> float:
    """Messages a second that a campaign gets when it has the number to itself: Meta's rate less what conversations keep."""
    return full_rate(assignment.account) * (1 - whatsapp_settings.HEADROOM / 100)


def neighbours(assignment: Assignment) -> Iterator[Finding]:
    """Other campaigns that share the number's rate."""
    running = WhatsAppCampaign.objects.filter(
        account=assignment.account, status=CampaignStatus.RUNNING
    ).exclude(pk=assignment.campaign_id)
    if others := running.count():
        yield Finding(
            "account", Level.CHECK, f"{others} running campaigns share the number: it takes longer."
        )


def budget(account: WhatsAppAccount, left: int | None, to_send: int) -> Finding:
    """Meta's limit of people in 24 hours. left: of it, see `services.budget.remaining_budget`."""
    most = limit(account)
    if most is None or left is None:
        return _without_limit(account)
    if to_send <= left:
        text = f"{left} of {most} people in 24 hours are left for {to_send}."
        return Finding("budget", Level.OK, text)
    days = math.ceil((to_send - left) / most)
    text = f"{left} of {most} people in 24 hours are left for {to_send}: the others follow over up to {days} more days."
    return Finding("budget", Level.CHECK, text)


def _without_limit(account: WhatsAppAccount) -> Finding:
    if not whatsapp_settings.KEEP_MESSAGING_LIMIT:
        return Finding(
            "budget", Level.CHECK, "The settings say not to keep Meta's limit of people in 24 hours."
        )
    if account.messaging_limit.upper() == "TIER_UNLIMITED":
        return Finding("budget", Level.OK, "Meta sets this number no limit of people in 24 hours.")
    text = "Meta's limit of people in 24 hours is unknown for this number: so is what is left of it."
    return Finding("budget", Level.CHECK, text)
