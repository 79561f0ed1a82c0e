"""An offer that is over: whoever has not been messaged until the campaign expires is skipped."""

from functools import partial

from django_meta_whatsapp.models import (
    RecipientStatus,
    SkipReason,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import tally
from django_meta_whatsapp.services.transactions import in_transaction

BATCH = 2000


def skip_expired(campaign_id: int) -> int:
    """Skips all who are pending when the campaign has expired, in batches; how many."""
    if not WhatsAppCampaign.objects.filter(pk=campaign_id, expires_at__lte=clock.now()).exists():
        return 0
    skipped = 0
    while count := in_transaction(partial(_skip_some, campaign_id)):
        skipped += count
    return skipped


def _skip_some(campaign_id: int) -> int:
    pending = WhatsAppCampaignRecipient.objects.filter(
        campaign_id=campaign_id, status=RecipientStatus.PENDING
    )
    keys = list(locked(pending.order_by("pk")).values_list("pk", flat=True)[:BATCH])
    WhatsAppCampaignRecipient.objects.filter(pk__in=keys).update(
        status=RecipientStatus.SKIPPED, skip_reason=SkipReason.EXPIRED, not_before=None
    )
    tally.apply(Move(campaign_id, RecipientStatus.PENDING, RecipientStatus.SKIPPED) for _ in keys)
    return len(keys)
