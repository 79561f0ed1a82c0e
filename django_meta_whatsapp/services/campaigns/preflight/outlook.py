"""How fast the number sends, and how many people it may still message today."""

import math
from collections.abc import Iterator

from django.db.models import Q

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import CampaignStatus, WhatsAppAccount, WhatsAppCampaign
from django_meta_whatsapp.services.budget import limit
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.preflight.report import Finding, Level
from django_meta_whatsapp.services.pacing.number import full_rate, number_of


def rate(assignment: Assignment) -> float:
    """Messages a second that a campaign gets now when it has the number to itself: what Meta's refusals have left of the
    number's rate, less what conversations keep.
    """
    account = assignment.account
    return number_of(account).rate(full_rate(account)) * (1 - whatsapp_settings.HEADROOM / 100)


def neighbours(assignment: Assignment) -> Iterator[Finding]:
    """Other campaigns that share the number's rate."""
    running = WhatsAppCampaign.objects.filter(_sent_by(assignment.account), status=CampaignStatus.RUNNING)
    running = running.exclude(pk=assignment.campaign_id)
    if others := running.count():
        yield Finding(
            "account", Level.CHECK, f"{others} running campaigns share the number: it takes longer."
        )


def _sent_by(account: WhatsAppAccount) -> Q:
    """Campaigns whose account it is: their own, else their template's, else that of the settings. See `assignment.draw_up`."""
    own = Q(account=account) | Q(account=None, template__account=account)
    is_default = account.phone_number_id == whatsapp_settings.PHONE_NUMBER_ID
    return own | Q(account=None, template__account=None) if is_default else own


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
