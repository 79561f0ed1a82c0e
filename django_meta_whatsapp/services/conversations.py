"""Threads between people and our numbers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from django.db.models import Case, F, Q, Value, When

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContact, WhatsAppConversation
from django_meta_whatsapp.services.batches import batches, insert_missing
from django_meta_whatsapp.services.transactions import in_transaction


def ensure(account: WhatsAppAccount, contacts: Iterable[WhatsAppContact]) -> dict[int, WhatsAppConversation]:
    """The thread of each contact with `account`, by the contact's id. A constant number of queries for each few hundred."""
    unique = {contact.pk: contact for contact in contacts}
    found: dict[int, WhatsAppConversation] = {}
    for batch in batches([unique[pk] for pk in sorted(unique)]):
        found |= _ensure_batch(account, batch)
    return found


def _ensure_batch(
    account: WhatsAppAccount, contacts: Sequence[WhatsAppContact]
) -> dict[int, WhatsAppConversation]:
    known = _read(account, contacts)
    missing = [contact for contact in contacts if contact.pk not in known]
    if missing:
        rows = [
            WhatsAppConversation(account=account, contact=contact, phone_number=contact.normalized_phone)
            for contact in missing
        ]
        in_transaction(partial(insert_missing, WhatsAppConversation, rows))
        known |= _read(account, missing)
    return known


def _read(account: WhatsAppAccount, contacts: Sequence[WhatsAppContact]) -> dict[int, WhatsAppConversation]:
    rows = WhatsAppConversation.objects.filter(
        account=account, contact_id__in=[contact.pk for contact in contacts]
    )
    return {row.contact_id: row for row in rows}


def touch(conversation_ids: Sequence[int], at: datetime, *, unread: int = 0) -> None:
    """Notes a message of the time `at` in each thread, `unread` of them new. A thread's time never goes back."""
    older = Q(last_message_at=None) | Q(last_message_at__lt=at)
    WhatsAppConversation.objects.filter(pk__in=conversation_ids).update(
        last_message_at=Case(When(older, then=Value(at)), default=F("last_message_at")),
        unread_count=F("unread_count") + unread,
    )
