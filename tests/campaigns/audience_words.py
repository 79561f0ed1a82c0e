"""What the tests of audiences ask of them."""

from django_meta_whatsapp import utils
from django_meta_whatsapp.models import (
    WhatsAppCampaign,
)
from django_meta_whatsapp.services.campaigns import freeze, states
from django_meta_whatsapp.services.campaigns.assignment import assign


def phones(campaign: WhatsAppCampaign) -> list[str]:
    return [person["phone"] for person in utils.resolve_audience(campaign)]


def frozen(campaign: WhatsAppCampaign) -> list[tuple[str, str, str]]:
    states.start(campaign.pk)
    assert freeze.freeze(assign(campaign))
    rows = campaign.recipients.order_by("pk")
    return list(rows.values_list("phone_number", "status", "skip_reason"))
