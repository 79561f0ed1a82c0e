"""What a run works on: the campaign, who speaks, and how the template is filled."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidInput
from django_meta_whatsapp.models import (
    PauseCause,
    TemplateStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import accounts
from django_meta_whatsapp.services.campaigns import contact_fields
from django_meta_whatsapp.services.campaigns.hours import Hours, hours_of
from django_meta_whatsapp.services.campaigns.personalise import Personaliser, personaliser


@dataclass(frozen=True, slots=True)
class Assignment:
    """A campaign that can be sent. category: the template's, which the gate goes by; hours: of people's own day.

    files_good_until: when its files at Meta must be looked at again; None before they are there and for none.
    """

    campaign_id: int
    campaign: WhatsAppCampaign
    account: WhatsAppAccount
    personaliser: Personaliser
    category: str
    hours: Hours = field(default_factory=Hours)
    files_good_until: datetime | None = None


class Refusal(NamedTuple):
    """Why a campaign must not be sent as things stand. area: `template` or `account`."""

    area: str
    why: str
    cause: PauseCause


def assign(campaign: WhatsAppCampaign, account: WhatsAppAccount | None = None) -> Assignment:
    """Checks all that can be told before anybody is messaged.

    Raises CampaignNotRunnable like `draw_up`, and for what `refusals` finds.
    """
    assignment = draw_up(campaign, account)
    for refusal in refusals(assignment):
        raise CampaignNotRunnable(refusal.why, refusal.cause)
    return assignment


def draw_up(campaign: WhatsAppCampaign, account: WhatsAppAccount | None = None) -> Assignment:
    """The assignment as it is planned, whether or not it may be sent now.

    The account is the one given, else the campaign's, else the template's, else that of the settings.
    Raises CampaignNotRunnable for a template that is missing or not filled by the campaign's parameters, and for
    hours that say nothing.
    """
    template = campaign.template
    if template is None:
        raise CampaignNotRunnable("The campaign has no template.")
    speaker = accounts.account_or_default(account or campaign.account or template.account)
    filled = personalised(campaign, template)
    return Assignment(campaign.pk, campaign, speaker, filled, template.category, _hours(campaign))


def refusals(assignment: Assignment) -> Iterator[Refusal]:
    """A template that is not approved or of another business account, and an account that may not send."""
    template, speaker = assignment.campaign.template, assignment.account
    if template is not None:
        yield from _of_template(template, speaker)
    if not speaker.can_send:
        why = f"The account {speaker} may not send: {speaker.state_reason or speaker.state}."
        yield Refusal("account", why, PauseCause.ACCOUNT)


def personalised(campaign: WhatsAppCampaign, template: WhatsAppTemplate) -> Personaliser:
    """How the campaign fills a template. Raises CampaignNotRunnable, naming the variable that is not or wrongly filled."""
    filled = personaliser(template, campaign.parameter_mappings, has_file=bool(campaign.header_file))
    contact_fields.check(campaign, filled)
    return filled


def _hours(campaign: WhatsAppCampaign) -> Hours:
    try:
        return hours_of(campaign)
    except InvalidInput as error:
        raise CampaignNotRunnable(str(error)) from error


def _of_template(template: WhatsAppTemplate, account: WhatsAppAccount) -> Iterator[Refusal]:
    if template.status != TemplateStatus.APPROVED:
        why = f"The template {template} is {template.get_status_display()}; only an approved one can be sent."
        yield Refusal("template", why, PauseCause.TEMPLATE)
    owner = template.account
    # Numbers of one WhatsApp business account share its templates.
    if owner and owner != account and (not owner.waba_id or owner.waba_id != account.waba_id):
        why = f"The template {template} belongs to the account {owner}, not to {account}."
        yield Refusal("template", why, PauseCause.SETUP)
