"""The messaging limit: how many people a business portfolio may reach in 24 hours outside an open window.

Whoever is written to is counted once, for 24 hours from the newest such message; people who have written to the number within
their 24 hours do not count. People are counted before they are sent to, so several workers never exceed the limit together;
somebody whom Meta then refuses stays counted for the day.

Source: Meta's page "Messaging limits"; field `whatsapp_business_manager_messaging_limit`.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import F, QuerySet

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContactAccount,
    WhatsAppReach,
    WhatsAppReachedPerson,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.batches import batches, insert_missing, upsert
from django_meta_whatsapp.services.suppression import MARGIN, WINDOW
from django_meta_whatsapp.services.transactions import in_transaction

DAY = timedelta(hours=24)
_TIER = re.compile(r"(?:TIER_)?([0-9]+)(K?)")
FORGET_AT_ONCE = 5000
_GATHER = timedelta(minutes=5)
"""Places that become free so close together are waited for together."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The contacts (keys) that may be sent to, and for the others when to ask again, by policy time."""

    contacts: frozenset[int]
    until: datetime | None = None


def limit(account: WhatsAppAccount) -> int | None:
    """People in 24 hours that the account's portfolio may reach; None for any number, and when Meta has not told."""
    if not whatsapp_settings.KEEP_MESSAGING_LIMIT:
        return None
    if whatsapp_settings.MESSAGING_LIMIT:
        return whatsapp_settings.MESSAGING_LIMIT
    return people_of(account.messaging_limit)


def people_of(limit: str) -> int | None:
    """The people in 24 hours that Meta means by a limit; None for any number, and what we do not understand."""
    tier = _TIER.fullmatch(limit.upper())
    return int(tier[1]) * (1000 if tier[2] else 1) if tier else None


def remaining_budget(account: WhatsAppAccount) -> int | None:
    """People whom the account's portfolio may still reach now; None where no limit is kept. One query."""
    most = limit(account)
    return None if most is None else max(0, most - _in_use(account, clock.now()).count())


def reserve(account: WhatsAppAccount, contacts: Sequence[int]) -> Reserved:
    """Counts contacts (keys) that are about to get a template. A few statements for each 400, none for each contact."""
    most = limit(account)
    if most is None:
        return Reserved(frozenset(contacts))
    free = _with_open_window(account, contacts)
    asked = [key for key in dict.fromkeys(contacts) if key not in free]
    return in_transaction(partial(_reserve, account, most, asked, free)) if asked else Reserved(free)


def count(account: WhatsAppAccount, contact: int) -> None:
    """Counts somebody who gets a template outside campaigns, whatever the limit: Meta has the last word there."""
    if limit(account) is not None and not _with_open_window(account, [contact]):
        in_transaction(lambda: _write(_locked(account), [contact], clock.now()))


def forget_old() -> int:
    """Deletes the people who count no more, FORGET_AT_ONCE at most; how many there were."""
    old = WhatsAppReachedPerson.objects.filter(reached_at__lte=clock.now() - DAY)
    keys = list(old.order_by("pk").values_list("pk", flat=True)[:FORGET_AT_ONCE])
    for batch in batches(keys):
        WhatsAppReachedPerson.objects.filter(pk__in=batch).delete()
    return len(keys)


def _portfolio(account: WhatsAppAccount) -> str:
    """Meta's id of the portfolio, else the largest thing we know: its limit is then kept for that alone."""
    return account.portfolio_id or f"waba:{account.waba_id or account.phone_number_id}"


def _in_use(account: WhatsAppAccount, now: datetime) -> QuerySet[WhatsAppReachedPerson]:
    return WhatsAppReachedPerson.objects.filter(
        reach__portfolio=_portfolio(account), reached_at__gt=now - DAY
    )


def _with_open_window(account: WhatsAppAccount, contacts: Collection[int]) -> frozenset[int]:
    rows = WhatsAppContactAccount.objects.filter(
        account=account, contact_id__in=contacts, last_inbound_at__gt=clock.now() - WINDOW + MARGIN
    )
    return frozenset(rows.values_list("contact_id", flat=True))


def _locked(account: WhatsAppAccount) -> WhatsAppReach:
    """The portfolio's row, which only one transaction has at a time. A write, which SQLite wants first."""
    rows = WhatsAppReach.objects.filter(portfolio=_portfolio(account))
    if not rows.update(portfolio=F("portfolio")):
        insert_missing(WhatsAppReach, [WhatsAppReach(portfolio=_portfolio(account))])
        rows.update(portfolio=F("portfolio"))
    return rows.get()


def _reserve(account: WhatsAppAccount, most: int, asked: Sequence[int], free: frozenset[int]) -> Reserved:
    reach = _locked(account)
    now = clock.now()
    in_use = _in_use(account, now)
    known = set(in_use.filter(contact_key__in=asked).values_list("contact_key", flat=True))
    new = [key for key in asked if key not in known]
    left = max(0, most - in_use.count())
    taken = [*known, *new[:left]]
    _write(reach, taken, now)
    allowed = free | frozenset(taken)
    return Reserved(allowed, _frees(in_use, len(new) - left, now) if len(new) > left else None)


def _write(reach: WhatsAppReach, contacts: Sequence[int], now: datetime) -> None:
    rows = [WhatsAppReachedPerson(reach=reach, contact_key=key, reached_at=now) for key in sorted(contacts)]
    upsert(WhatsAppReachedPerson, rows, unique=["reach", "contact_key"], update=["reached_at"])


def _frees(in_use: QuerySet[WhatsAppReachedPerson], wanted: int, now: datetime) -> datetime:
    """When so many places are free, or those that soon follow the first."""
    oldest = in_use.order_by("reached_at").values_list("reached_at", flat=True)
    first = oldest.first()
    if first is None:  # a limit of nothing
        return now + DAY
    last = oldest[wanted - 1 : wanted].first() if wanted else first
    return min(last or first + _GATHER, first + _GATHER) + DAY
