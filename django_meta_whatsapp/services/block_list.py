"""Our rows follow the block list that Meta keeps for a number."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_meta_whatsapp.cloud_api.calls import JSON, Page
from django_meta_whatsapp.cloud_api.errors import MetaAPIError
from django_meta_whatsapp.cloud_api.operations import blocking
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppBlockedUser
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.services import accounts
from django_meta_whatsapp.services.batches import batches, upsert
from django_meta_whatsapp.services.blocking import (
    BLOCKED_FIELDS,
    identities_of_entry,
    mark_blocked,
    mark_unblocked,
    row_of,
)
from django_meta_whatsapp.services.steps import Job, each_page

LIST_CHANGED = 139102
"""Meta's code for a list that changed while its pages were read: it must be read again from the start."""
PAGE = 500
_READINGS = 3


def sync(account: WhatsAppAccount | None) -> Job[int]:
    """Reads the whole list and makes our rows say the same; how many people are on it."""
    row = accounts.account_or_default(account)
    started = timezone.now()
    listed = yield from _read(row)
    by_identity = {names[0]: (entry, names) for entry in listed if (names := identities_of_entry(row, entry))}
    _store(row, list(by_identity.values()), started)
    return len(by_identity)


def _read(account: WhatsAppAccount) -> Job[list[JSON]]:
    for reading in range(1, _READINGS + 1):
        listed: list[JSON] = []

        def keep(page: Page, listed: list[JSON] = listed) -> None:
            listed.extend(blocking.blocked_entries(page))

        try:
            yield from each_page(blocking.blocked_users(account.phone_number_id, limit=PAGE), keep)
        except MetaAPIError as error:
            if not error.matches(LIST_CHANGED) or reading == _READINGS:
                raise
        else:
            break
    return listed


def _store(account: WhatsAppAccount, listed: Sequence[tuple[JSON, list[str]]], started: datetime) -> None:
    rows = list(WhatsAppBlockedUser.objects.filter(account=account))
    known = {phone_identity(row.wa_id): row for row in rows if row.wa_id} | {
        row.identity: row for row in rows
    }
    present: set[int] = set()
    fresh: list[WhatsAppBlockedUser] = []
    for entry, names in listed:
        row = next((known[name] for name in names if name in known), None)
        if row is None:
            fresh.append(row_of(account, entry, names[0]))
        else:
            present.add(row.pk)
    upsert(WhatsAppBlockedUser, fresh, unique=["account", "identity"], update=BLOCKED_FIELDS)
    _reactivate([row.pk for row in rows if row.pk in present and not row.is_active])
    mark_blocked(account, (name for _, names in listed for name in names))
    _deactivate(account, [row for row in rows if row.is_active and row.pk not in present], started)


def _reactivate(ids: Sequence[int]) -> None:
    for batch in batches(ids):
        WhatsAppBlockedUser.objects.filter(pk__in=batch).update(
            is_active=True,
            blocked_at=Coalesce(F("blocked_at"), Value(timezone.now())),
            unblocked_at=None,
            unblocked_by="",
            meta_error="",
        )


def _deactivate(account: WhatsAppAccount, gone: Sequence[WhatsAppBlockedUser], started: datetime) -> None:
    """Who was blocked while the list was being read may not be on it and stays blocked."""
    old = [row for row in gone if row.blocked_at is None or row.blocked_at < started]
    for batch in batches(old):
        WhatsAppBlockedUser.objects.filter(pk__in=[row.pk for row in batch]).update(
            is_active=False, unblocked_at=timezone.now()
        )
    mark_unblocked(account, _names(old))


def _names(rows: Iterable[WhatsAppBlockedUser]) -> list[str]:
    named = [row.identity for row in rows]
    return named + [phone_identity(row.wa_id) for row in rows if row.wa_id]
