"""Blocking people on one number of ours: at Meta, and in the rows that the gate reads.

People are matched by identity, not by text: Meta may name somebody by another number than the one we gave.
"""

from collections.abc import Callable, Iterable, Sequence

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from django_meta_whatsapp.cloud_api.calls import JSON, Call
from django_meta_whatsapp.cloud_api.operations import blocking
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppContact,
    WhatsAppContactAccount,
)
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.phones import to_digits
from django_meta_whatsapp.services import accounts, contacts
from django_meta_whatsapp.services.batches import batches, upsert
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.recipients import address_of
from django_meta_whatsapp.services.steps import Job, ask

_UNIQUE = ["account", "identity"]
BLOCKED_FIELDS = [
    "phone_number",
    "wa_id",
    "blocked_at",
    "is_active",
    "unblocked_at",
    "unblocked_by",
    "meta_error",
]


def block(users: Sequence[str], account: WhatsAppAccount | None) -> Job[JSON]:
    """Blocks people at Meta, 1,000 in a call, and notes who was blocked and who could not be. Meta's answers, merged."""
    return _change(account, users, blocking.block, _note_blocked, "added_users")


def unblock(users: Sequence[str], account: WhatsAppAccount | None) -> Job[JSON]:
    """Unblocks people, likewise. The merged answer has `removed_users`."""
    return _change(account, users, blocking.unblock, _note_unblocked, "removed_users")


def _change(
    account: WhatsAppAccount | None,
    users: Sequence[str],
    operation: Callable[[str, Sequence[str]], Call[JSON]],
    note: Callable[[WhatsAppAccount, JSON], None],
    done_key: str,
) -> Job[JSON]:
    addresses = list(dict.fromkeys(address_of(user, field="phone_numbers") for user in users))
    row = accounts.account_or_default(account)
    done: list[JSON] = []
    failed: list[JSON] = []
    merged: JSON = {"messaging_product": "whatsapp", "block_users": {done_key: done, "failed_users": failed}}
    for batch in batches(addresses, blocking.USERS_PER_CALL) if addresses else [addresses]:
        answer = yield from ask(operation(row.phone_number_id, batch))
        # Noted call by call: should a later one fail, our rows still say what this one did.
        note(row, answer)
        done += blocking.changed_users(answer)
        failed += blocking.failed_users(answer)
        if "error" in answer:
            merged["error"] = answer["error"]
    return merged


def identities_of_entry(account: WhatsAppAccount, entry: JSON) -> list[str]:
    """How Meta names somebody in an answer or list: as we gave them first, then as WhatsApp knows them."""
    given = str(entry.get("input") or "")
    people = [
        Person(phone=given) if to_digits(given).isdecimal() else Person(user_id=given),
        Person(phone=str(entry.get("wa_id") or "")),
        Person(user_id=str(entry.get("user_id") or "")),
    ]
    found = [identity for person in people for identity in person.identities(account.portfolio_id)]
    return list(dict.fromkeys(found))


def row_of(account: WhatsAppAccount, entry: JSON, identity: str) -> WhatsAppBlockedUser:
    digits = identity.removeprefix(phone_identity(""))
    return WhatsAppBlockedUser(
        account=account,
        identity=identity,
        phone_number=digits if digits != identity else "",
        wa_id=to_digits(str(entry.get("wa_id") or ""))[:50],
        blocked_at=timezone.now(),
    )


def _note_blocked(account: WhatsAppAccount, answer: JSON) -> None:
    done = [(entry, identities_of_entry(account, entry)) for entry in blocking.changed_users(answer)]
    rows = {names[0]: row_of(account, entry, names[0]) for entry, names in done if names}
    upsert(WhatsAppBlockedUser, list(rows.values()), unique=_UNIQUE, update=BLOCKED_FIELDS)
    mark_blocked(account, (identity for _, names in done for identity in names))
    _note_failed(account, answer)


def _note_failed(account: WhatsAppAccount, answer: JSON) -> None:
    rows: dict[str, WhatsAppBlockedUser] = {}
    for entry in blocking.failed_users(answer):
        for identity in identities_of_entry(account, entry)[:1]:
            row = rows[identity] = row_of(account, entry, identity)
            row.blocked_at, row.is_active, row.meta_error = None, False, _told(entry)
    # Somebody who is blocked already stays so: only the reason is new.
    upsert(WhatsAppBlockedUser, list(rows.values()), unique=_UNIQUE, update=["meta_error"])


def _told(entry: JSON) -> str:
    errors = [error for error in entry.get("errors") or [] if isinstance(error, dict)]
    return "; ".join(f"{error.get('code', '')} {error.get('message', '')}".strip() for error in errors)


def _note_unblocked(account: WhatsAppAccount, answer: JSON) -> None:
    identities = [
        identity
        for entry in blocking.changed_users(answer)
        for identity in identities_of_entry(account, entry)
    ]
    rows = WhatsAppBlockedUser.objects.filter(account=account, is_active=True)
    for batch in batches(identities):
        numbers = [each.removeprefix(phone_identity("")) for each in batch]
        rows.filter(Q(identity__in=batch) | Q(wa_id__in=numbers)).update(
            is_active=False, unblocked_at=timezone.now()
        )
    mark_unblocked(account, identities)


def mark_blocked(account: WhatsAppAccount, identities: Iterable[str]) -> None:
    people = sorted(set(contacts.find(identities).values()))
    rows = [WhatsAppContactAccount(account=account, contact_id=pk, is_blocked=True) for pk in people]
    upsert(WhatsAppContactAccount, rows, unique=["contact", "account"], update=["is_blocked", "updated_at"])
    for batch in batches(people):
        WhatsAppContact.objects.filter(pk__in=batch, is_blocked=False).update(is_blocked=True)


def mark_unblocked(account: WhatsAppAccount, identities: Iterable[str]) -> None:
    """The mark on the contact sums up all our numbers: it goes with the last of them."""
    people = sorted(set(contacts.find(identities).values()))
    elsewhere = WhatsAppContactAccount.objects.filter(contact=OuterRef("pk"), is_blocked=True)
    for batch in batches(people):
        WhatsAppContactAccount.objects.filter(account=account, contact_id__in=batch).update(is_blocked=False)
        WhatsAppContact.objects.filter(~Exists(elsewhere), pk__in=batch).update(is_blocked=False)
