"""The 24 hours in which a person may be answered freely: they begin with their newest message or call."""

from collections.abc import Mapping
from datetime import datetime

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContactAccount
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.services.batches import insert_missing


def extend(account: WhatsAppAccount, newest: Mapping[int, datetime]) -> None:
    """Notes when contacts (by key) were last heard of. A later moment stays. Three statements, in the caller's transaction."""
    insert_missing(
        WhatsAppContactAccount,
        [WhatsAppContactAccount(account=account, contact_id=pk) for pk in sorted(newest)],
    )
    rows = WhatsAppContactAccount.objects.filter(account=account, contact_id__in=newest).order_by("pk")
    later = []
    for row in locked(rows):
        if row.last_inbound_at is None or row.last_inbound_at < newest[row.contact_id]:
            row.last_inbound_at = newest[row.contact_id]
            later.append(row)
    overwrite(WhatsAppContactAccount, later, ["last_inbound_at", "updated_at"])
