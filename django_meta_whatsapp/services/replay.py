"""Webhooks of the journal, applied again because somebody asks for it. Doing it changes nothing that has been applied."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Now

from django_meta_whatsapp.models import WebhookState, WhatsAppWebhookLog
from django_meta_whatsapp.services import journal

AT_ONCE = 200
_LEFT_ALONE = (WebhookState.PENDING, WebhookState.PRUNED)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which webhooks: all conditions that are given must hold. since, until: when they came."""

    first: int | None = None
    last: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    parked: bool = False
    unrouted: bool = False

    def rows(self) -> QuerySet[WhatsAppWebhookLog]:
        """Those among them that can be applied: their body is there, and nobody is at them already."""
        rows = WhatsAppWebhookLog.objects.exclude(state__in=_LEFT_ALONE)
        conditions = {
            "pk__gte": self.first,
            "pk__lte": self.last,
            "received_at__gte": self.since,
            "received_at__lt": self.until,
        }
        rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
        if self.parked:
            rows = rows.filter(PARKED)
        if self.unrouted:
            rows = rows.filter(state=WebhookState.UNROUTED)
        return rows.order_by("pk")


PARKED = Q(state=WebhookState.FAILED, not_before=None)
"""Webhooks that are not tried again by themselves."""


def make_due(rows: QuerySet[WhatsAppWebhookLog], *, signals_again: bool = False) -> int:
    """Makes webhooks due as a whole, in one statement; how many.

    signals_again: also signals of what has been applied before are sent. Those of failed webhooks are in any case, since an
    earlier try may have stopped before them.
    """
    rows = rows.exclude(state__in=_LEFT_ALONE)
    failed = Case(When(state=WebhookState.FAILED, then=Value(1)), default=Value(0))
    tried = Value(1) if signals_again else failed
    # The count of tries comes first: MySQL and MariaDB look at columns as the statement has changed them so far.
    return rows.update(attempts=tried, state=WebhookState.PENDING, not_before=Now(), unrouted_count=0)


def replay(
    selection: Selection, *, signals_again: bool = False, on_progress: Callable[[int, int], object]
) -> int:
    """Applies webhooks again, here and now, the oldest first; how many.

    on_progress: gets the number of webhooks after each batch, and the key of the last. Whoever stops there can go on with the
    next key; what was made due and not applied is left to the tick.
    """
    done = 0
    for keys in _batches(selection):
        make_due(WhatsAppWebhookLog.objects.filter(pk__in=keys), signals_again=signals_again)
        for key in keys:
            journal.process(key)
        done += len(keys)
        on_progress(len(keys), keys[-1])
    return done


def _batches(selection: Selection) -> Iterator[Sequence[int]]:
    """Each webhook once, though it may be chosen again by what comes of it."""
    last = 0
    while keys := list(selection.rows().filter(pk__gt=last).values_list("pk", flat=True)[:AT_ONCE]):
        yield keys
        last = keys[-1]
