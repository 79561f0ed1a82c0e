"""An offer that is over: whoever has not been messaged until the campaign expires is skipped."""

from functools import partial

from django.utils import timezone

from django_meta_whatsapp.models import RecipientStatus, SkipReason, WhatsAppCampaign
from django_meta_whatsapp.models.bulk import claims
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
    skipped = {"status": RecipientStatus.SKIPPED, "skip_reason": SkipReason.EXPIRED, "not_before": None}
    waiting, why = claims.pending(campaign_id).order_by("pk"), claims.not_again(SkipReason.EXPIRED)
    moves = claims.end(waiting, skipped, why=why, at=timezone.now(), limit=BATCH)
    tally.apply(moves)
    return len(moves)
