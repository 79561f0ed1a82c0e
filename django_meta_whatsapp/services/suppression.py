"""The gate: who must not be messaged, and why. Every send that leaves a row passes it.

- Blocked, by this number at Meta or for all our numbers: nothing passes.
- Opted out of everything: no marketing and no utility templates; authentication passes, and so does an answer to
  somebody who has just written.
- Stopped the marketing of this number (Meta's "Stop" button): no marketing templates.
- Had FREQUENCY_CAP marketing messages lately: no marketing templates.
- Anything but a template needs a message of the person within the last 24 hours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from django_meta_whatsapp.cloud_api.content import Content
from django_meta_whatsapp.errors import SendRefused
from django_meta_whatsapp.models import (
    TemplateCategory,
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppContact,
    WhatsAppContactAccount,
)
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.services import acquaintance, clock, contacts, frequency
from django_meta_whatsapp.services.acquaintance import Acquaintance
from django_meta_whatsapp.services.batches import batches, most

BLOCKED = "blocked"
OPTED_OUT = "opted_out"
WINDOW_CLOSED = "window_closed"
FREQUENCY_CAP = "frequency_cap"

WINDOW = timedelta(hours=24)
MARGIN = timedelta(seconds=60)
"""The window closes for us this long before it does at Meta: a message takes its time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why somebody is not messaged. reason: `blocked`, `opted_out`, `frequency_cap` or `window_closed`; why: a sentence."""

    reason: str
    why: str


@dataclass(slots=True)
class _Standing:
    """What holds between one person and one of our numbers."""

    blocked: bool = False
    opted_out: bool = False
    marketing_opted_out: bool = False
    had_enough: bool = False
    last_inbound_at: datetime | None = None


def refusals(
    account: WhatsAppAccount,
    identities: Sequence[str],
    *,
    category: str,
    besides_campaign: int | None = None,
    known: Mapping[str, Acquaintance] | None = None,
) -> dict[str, Verdict]:
    """Why a template of `category` must not go to some of `identities`; those who may get it are left out.

    besides_campaign: see `frequency.had_enough`. known: who they are, when the caller has just read that. A constant number
    of queries for each batch. Without a cap, of those against whom nothing is on record, nothing else is read.
    """
    found: dict[str, Verdict] = {}
    suspects = list(dict.fromkeys(identities))
    if not frequency.is_capped(category):
        people = acquaintance.find(suspects) if known is None else known
        suspects = [
            identity for batch in batches(suspects, most()) for identity in _suspects(account, batch, people)
        ]
    for batch in batches(suspects):
        for identity, standing in _standings(account, batch, category, besides_campaign).items():
            verdict = _template_verdict(standing, category.upper())
            if verdict:
                found[identity] = verdict
    return found


def check_identities(
    account: WhatsAppAccount, identities: Sequence[str], content: Content, category: str
) -> None:
    """Raises SendRefused when `content` must not go now to the person whom all `identities` name, contact or not.

    category: of a template, else ignored.
    """
    is_template = content.type == "template"
    standings = list(_standings(account, identities, category if is_template else "").values())
    for standing in standings:
        verdict = _template_verdict(standing, category.upper()) if is_template else _block(standing)
        if verdict:
            raise SendRefused(verdict.reason, verdict.why)
    if content.type != "template" and not any(_window_open(standing) for standing in standings):
        raise SendRefused(
            WINDOW_CLOSED, "More than 24 hours since this person last wrote: only a template may be sent."
        )


def _block(standing: _Standing) -> Verdict | None:
    return Verdict(BLOCKED, "This person is blocked.") if standing.blocked else None


def _template_verdict(standing: _Standing, category: str) -> Verdict | None:
    if standing.blocked:
        return _block(standing)
    if standing.opted_out and category != TemplateCategory.AUTHENTICATION:
        return Verdict(OPTED_OUT, "This person has opted out.")
    if standing.marketing_opted_out and category not in _NOT_MARKETING:
        return Verdict(OPTED_OUT, "This person has stopped the marketing of this number.")
    if standing.had_enough:
        return Verdict(FREQUENCY_CAP, "This person has had enough marketing messages lately.")
    return None


_NOT_MARKETING = (TemplateCategory.UTILITY, TemplateCategory.AUTHENTICATION)


def _window_open(standing: _Standing) -> bool:
    last = standing.last_inbound_at
    return last is not None and clock.now() < last + WINDOW - MARGIN


def _suspects(
    account: WhatsAppAccount, identities: Sequence[str], people: Mapping[str, Acquaintance]
) -> list[str]:
    """Those of `identities` whom anything of the rules above may be about."""
    blocked = set(
        WhatsAppBlockedUser.objects.filter(among("identity", identities), account=account, is_active=True)
        .order_by()
        .values_list("identity", flat=True)
    )
    keys = {people[identity].pk for identity in identities if identity in people}
    standing = set(
        WhatsAppContactAccount.objects.filter(
            Q(is_blocked=True) | Q(marketing_opted_out=True), among("contact_id", keys), account=account
        )
        .order_by()
        .values_list("contact_id", flat=True)
    )

    def is_suspect(identity: str) -> bool:
        contact = people.get(identity)
        return identity in blocked or (contact is not None and (contact.is_marked or contact.pk in standing))

    return [identity for identity in identities if is_suspect(identity)]


def _standings(
    account: WhatsAppAccount,
    identities: Sequence[str],
    category: str,
    besides_campaign: int | None = None,
) -> dict[str, _Standing]:
    people = contacts.find_contacts(identities)
    standings = {
        identity: _Standing(contact.is_blocked, contact.opted_out) for identity, contact in people.items()
    }
    _read_account(account, people, standings)
    if frequency.is_capped(category):
        keys = {contact.pk for contact in people.values()}
        full = frequency.had_enough(keys, besides_campaign=besides_campaign)
        for identity, contact in people.items():
            standings[identity].had_enough = contact.pk in full
    blocked = WhatsAppBlockedUser.objects.filter(account=account, identity__in=identities, is_active=True)
    for identity in blocked.values_list("identity", flat=True):
        standings.setdefault(identity, _Standing()).blocked = True
    return standings


def _read_account(
    account: WhatsAppAccount, people: dict[str, WhatsAppContact], standings: dict[str, _Standing]
) -> None:
    rows = WhatsAppContactAccount.objects.filter(
        account=account, contact_id__in={contact.pk for contact in people.values()}
    )
    by_contact = {row.contact_id: row for row in rows}
    for identity, contact in people.items():
        row = by_contact.get(contact.pk)
        if row is not None:
            standing = standings[identity]
            standing.blocked = standing.blocked or row.is_blocked
            standing.marketing_opted_out = row.marketing_opted_out
            standing.last_inbound_at = row.last_inbound_at
