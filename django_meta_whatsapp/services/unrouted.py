"""Events of accounts that are not known yet: kept in the journal, and applied when their account is added or changed.

With each such webhook stands whom it is for, and a digest of what was known of that account then. As soon as the digest
is another, the webhook is due again, and only its unrouted events are applied.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from django.db import transaction
from django.db.models import Count, Q

from django_meta_whatsapp.models import (
    WebhookState,
    WhatsAppAccount,
    WhatsAppUnroutedTarget,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.services import replay_threads
from django_meta_whatsapp.services.batches import SIZE, batches, insert_missing
from django_meta_whatsapp.services.routing import KnownAccounts, ids_of_business
from django_meta_whatsapp.services.transactions import database, in_transaction

_ID_LENGTH = 100
_TARGETS_OF_ONE = 100
"""How many accounts one webhook waits for; Meta's is for one or two."""


def waits(targets: Iterable[str]) -> bool:
    """Whether an account with one of these ids may ever come."""
    return any(_is_id(target) for target in targets)


def _is_id(target: str) -> bool:
    return 0 < len(target) <= _ID_LENGTH


def note(by_webhook: Mapping[int, Mapping[str, str]]) -> None:
    """Writes down whom webhooks (by key) wait for, in place of what was written of them: targets and their digests.

    In the caller's transaction.
    """
    WhatsAppUnroutedTarget.objects.filter(among("webhook_id", by_webhook)).delete()
    rows = [
        WhatsAppUnroutedTarget(webhook_id=pk, target=target, known=known)
        for pk, targets in sorted(by_webhook.items())
        for target, known in [each for each in sorted(targets.items()) if _is_id(each[0])][:_TARGETS_OF_ONE]
    ]
    insert_missing(WhatsAppUnroutedTarget, rows)


def targets_of(webhook_ids: Collection[int]) -> dict[int, set[str]]:
    """Whom webhooks, by key, wait for."""
    found: dict[int, set[str]] = {}
    rows = WhatsAppUnroutedTarget.objects.filter(among("webhook_id", webhook_ids))
    for pk, target in rows.values_list("webhook_id", "target"):
        found.setdefault(pk, set()).add(target)
    return found


def waiting(limit: int) -> list[tuple[str, int]]:
    """The ids that most webhooks wait for, with how many do."""
    counted = WhatsAppUnroutedTarget.objects.order_by().values("target").annotate(count=Count("pk"))
    return list(counted.order_by("-count", "target").values_list("target", "count")[:limit])


def account_changed(instance: WhatsAppAccount, raw: bool = False, **kwargs: object) -> None:
    """An account was saved: after the commit a thread sees whether somebody waited for it. Takes a signal's arguments."""
    if not raw:
        ids = [instance.phone_number_id, *ids_of_business(instance)]
        transaction.on_commit(partial(_hint, [each for each in ids if each]), using=database(), robust=True)


_changed: deque[str] = deque()
"""Meta's ids of accounts that have changed since a thread looked, from any thread."""


def _hint(ids: list[str]) -> None:
    if WhatsAppUnroutedTarget.objects.filter(target__in=ids).exists():
        _changed.extend(ids)
        replay_threads.hint(_release_changed)


def _release_changed() -> None:
    ids: set[str] = set()
    while _changed:
        ids.add(_changed.popleft())
    for some in batches(sorted(ids)):
        release(some)


def release(ids: Collection[str] | None = None) -> int:
    """Makes webhooks due whose accounts are others than when they came; how many. Doing it twice changes nothing.

    ids: Meta's ids of an account that has changed; None: all that somebody waits for are looked at.
    A few statements for each few hundred webhooks, each in a short transaction.
    """
    released = 0
    for batch in _waited_for(ids):
        targets = {target for target, _ in batch}
        accounts = KnownAccounts(targets, targets)
        for target, known in batch:
            now = accounts.digest(target)
            while now != known and (done := in_transaction(partial(_release_some, target, known, now))):
                released += done
    return released


def _waited_for(ids: Collection[str] | None) -> Iterator[Sequence[tuple[str, str]]]:
    """Targets with the digests that were known of them, in their order. Who is released on the way may be met again further on,
    by the digest that holds now.
    """
    pairs = (
        WhatsAppUnroutedTarget.objects.order_by("target", "known").values_list("target", "known").distinct()
    )
    if ids is not None:
        pairs = pairs.filter(target__in=ids)
    batch: Sequence[tuple[str, str]] = list(pairs[:SIZE])
    while batch:
        yield batch
        batch = list(pairs.filter(_after(*batch[-1]))[:SIZE]) if len(batch) == SIZE else []


def _after(target: str, known: str) -> Q:
    # The first says no more than the second, but tells the database where its index begins.
    return Q(target__gte=target) & (Q(target__gt=target) | Q(known__gt=known))


def _release_some(target: str, known: str, now: str) -> int:
    rows = WhatsAppUnroutedTarget.objects.filter(target=target, known=known)
    found = dict(rows.order_by("pk").values_list("pk", "webhook_id")[:SIZE])
    WhatsAppUnroutedTarget.objects.filter(pk__in=found).update(known=now)
    logs = WhatsAppWebhookLog.objects.filter(pk__in=found.values())
    logs.filter(state=WebhookState.UNROUTED).update(state=WebhookState.PENDING, attempts=0, not_before=None)
    # What failed as well is tried as a whole.
    parked = Q(state=WebhookState.FAILED, not_before=None)
    logs.filter(parked).update(state=WebhookState.PENDING, attempts=0, unrouted_count=0)
    return len(found)
