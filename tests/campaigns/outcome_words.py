"""What the tests of outcomes look at."""

from django_meta_whatsapp.models import (
    WhatsAppCampaign,
)


def rows(campaign: WhatsAppCampaign) -> list[tuple[str, int | None, int]]:
    return list(campaign.recipients.order_by("pk").values_list("status", "error_code", "attempt_count"))


def fresh(campaign: WhatsAppCampaign) -> WhatsAppCampaign:
    return WhatsAppCampaign.objects.get(pk=campaign.pk)
