"""How much marketing a person gets: at most FREQUENCY_CAP messages in FREQUENCY_CAP_SECONDS, from all our numbers together."""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Count

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    MessageDirection,
    MessageStatus,
    TemplateCategory,
    WhatsAppMessage,
)
from django_meta_whatsapp.services import clock


def is_capped(category: str) -> bool:
    """Whether templates of this category are counted, and there is a cap."""
    return category.upper() == TemplateCategory.MARKETING and whatsapp_settings.FREQUENCY_CAP > 0


def had_enough(contact_ids: Collection[int], *, besides_campaign: int | None = None) -> set[int]:
    """Which contacts (by key) must not get another marketing message now. One query; none while there is no cap.

    What has failed does not count, what is under way or unknown does. besides_campaign: whose messages do not count; it
    messages everybody once, and must not be kept from trying again.
    """
    cap = whatsapp_settings.FREQUENCY_CAP
    if not cap or not contact_ids:
        return set()
    since = clock.now() - timedelta(seconds=whatsapp_settings.FREQUENCY_CAP_SECONDS)
    sent = WhatsAppMessage.objects.filter(
        conversation__contact_id__in=contact_ids,
        direction=MessageDirection.OUTBOUND,
        category=TemplateCategory.MARKETING,
        timestamp__gte=since,
    ).exclude(status=MessageStatus.FAILED)
    if besides_campaign is not None:
        sent = sent.exclude(campaign_id=besides_campaign)
    counted = sent.order_by().values("conversation__contact_id").annotate(messages=Count("pk"))
    return set(counted.filter(messages__gte=cap).values_list("conversation__contact_id", flat=True))
