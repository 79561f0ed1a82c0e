"""The audience becomes recipients' rows, in streamed batches; from then on the rows are the campaign.

Until `frozen_at` is set, the campaign's counts say how many rows there are, and each batch is stored only if they are still
what the last batch left. So of two processes that freeze one campaign, one stops; and the rows of one that died are taken
away, in the same manner, before somebody begins anew. A freezing that was told to stop and to keep its rows is gone on with.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from django_meta_whatsapp.models import (
    RecipientStatus,
    SkipReason,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
)
from django_meta_whatsapp.models.bulk.inserts import insert
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.services.batches import most
from django_meta_whatsapp.services.beside import one_behind
from django_meta_whatsapp.services.campaigns import audience, resumption
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.candidates import Candidate
from django_meta_whatsapp.services.campaigns.drafts import Draft, Met, drafts, met
from django_meta_whatsapp.services.transactions import in_transaction

_DISCARD = 2000


class Frozen(NamedTuple):
    """How far the freezing is. noted: see `resumption`, of one that was stopped."""

    done: bool
    total: int
    skipped: int
    noted: str = ""


class _OvertakenError(Exception):
    """Somebody else freezes this campaign."""


def progress(campaign_id: int) -> Frozen:
    """How far the freezing is, by whomever."""
    rows = WhatsAppCampaign.objects.values_list("frozen_at", "total_count", "skipped_count", "frozen_through")
    frozen_at, total, skipped, noted = rows.get(pk=campaign_id)
    return Frozen(frozen_at is not None, total, skipped, noted)


def freeze(
    assignment: Assignment,
    stopped: Callable[[], bool] = lambda: False,
    *,
    keep: bool = False,
    on_progress: Callable[[Frozen], None] = lambda at: None,
) -> bool:
    """Freezes the audience; True when it is frozen, by us or before. False: somebody else is at it, or `stopped()`.

    keep: when stopped, leave the rows for whoever goes on, as far as the source allows.
    Raises InvalidAudience, InvalidFile or InvalidSetting for an audience that cannot be resolved; then nothing is kept.
    """
    at = progress(assignment.campaign_id)
    after = 0
    if at.noted:
        after = _taken_up(assignment, at)
        at = progress(assignment.campaign_id)
    if at.done or (at.total and not after):
        return at.done
    begun = _Freezing(assignment, at, after)
    try:
        source = audience.candidates(assignment.campaign, assignment.account, after)
        with (
            closing(one_behind(partial(met, assignment), begun.read(source, stopped))) as people,
            closing(one_behind(begun.store, people)) as stored,
        ):
            for reached in stored:
                on_progress(reached)
        if begun.is_stopped:
            _stop(assignment, begun.at, begun.position if keep else 0)
            return False
        return bool(_unchanged(assignment.campaign_id, begun.at).update(frozen_at=timezone.now()))
    except _OvertakenError:
        return progress(assignment.campaign_id).done
    except Exception:
        discard(assignment.campaign_id, begun.at)
        raise


class _Freezing:
    """One process's freezing of a campaign. at, position: what is stored, and where that ends in the source."""

    def __init__(self, assignment: Assignment, at: Frozen, position: int) -> None:
        self._assignment = assignment
        self.at, self.position = at, position
        self.is_stopped = False
        self._looks = False

    def read(self, source: Iterable[Candidate], stopped: Callable[[], bool]) -> Iterator[list[Candidate]]:
        for batch in audience.in_batches(source, most()):
            if stopped():
                self.is_stopped = True
                return
            yield batch

    def store(self, met: Met) -> Frozen:
        rows = drafts(self._assignment, met)
        self.at, self.position = in_transaction(partial(self._attempt, rows)), met.batch[-1].position
        return self.at

    def _attempt(self, rows: Sequence[Draft]) -> Frozen:
        """Most audiences name nobody twice. Of one that does, the constraint tells; from then on we look before."""
        looks, self._looks = self._looks, True
        reached = _store(self._assignment.campaign_id, rows, self.at, looks=looks)
        self._looks = looks
        return reached


def _taken_up(assignment: Assignment, at: Frozen) -> int:
    """Where to go on with a stopped freezing; 0 when somebody else does. Rows of another plan are taken away."""
    after = resumption.position(assignment, at.noted)
    if not after:
        discard(assignment.campaign_id, at)
        return 0
    noted = _unchanged(assignment.campaign_id, at).filter(frozen_through=at.noted)
    return after if noted.update(frozen_through="") else 0


def _stop(assignment: Assignment, at: Frozen, position: int) -> None:
    noted = resumption.note(assignment, position)
    if noted and at.total:
        _unchanged(assignment.campaign_id, at).update(frozen_through=noted)
    else:
        discard(assignment.campaign_id, at)


def discard(campaign_id: int, at: Frozen) -> None:
    """Takes away the rows of a freezing that stopped at `at`. Stops as soon as somebody else is at it."""
    while at.total:
        try:
            at = in_transaction(partial(_discard_some, campaign_id, at))
        except _OvertakenError:
            return


def _discard_some(campaign_id: int, at: Frozen) -> Frozen:
    _hold(campaign_id, at)
    rows = WhatsAppCampaignRecipient.objects.filter(campaign_id=campaign_id).order_by("-pk")
    found = dict(rows.values_list("pk", "status")[:_DISCARD])
    WhatsAppCampaignRecipient.objects.filter(pk__in=found).delete()
    skipped = sum(status == RecipientStatus.SKIPPED for status in found.values())
    # No row left: the counts were not those of rows, whoever set them.
    left = Frozen(False, at.total - len(found), at.skipped - skipped) if found else Frozen(False, 0, 0)
    _write(campaign_id, left)
    return left


def campaign_deleted(instance: WhatsAppCampaign, using: str, **kwargs: Any) -> None:
    """Takes away what was frozen after Django had looked for the rows to delete; from now on nobody can add any."""
    WhatsAppCampaignRecipient.objects.using(using).filter(campaign_id=instance.pk).delete()


def _unchanged(campaign_id: int, at: Frozen) -> QuerySet[WhatsAppCampaign]:
    return WhatsAppCampaign.objects.filter(
        pk=campaign_id, frozen_at=None, total_count=at.total, skipped_count=at.skipped
    )


def _hold(campaign_id: int, at: Frozen) -> None:
    """Locks the campaign, if it is still as we left it, until the transaction ends."""
    if not _unchanged(campaign_id, at).update(updated_at=timezone.now()):
        raise _OvertakenError


def _write(campaign_id: int, at: Frozen) -> None:
    WhatsAppCampaign.objects.filter(pk=campaign_id).update(
        total_count=at.total, skipped_count=at.skipped, frozen_through=""
    )


def _store(campaign_id: int, drafted: Sequence[Draft], at: Frozen, *, looks: bool = True) -> Frozen:
    _hold(campaign_id, at)
    rows = _each_once(drafted, _taken(campaign_id, drafted) if looks else set())
    columns: dict[str, Sequence[Any]] = dict(zip(Draft._fields, zip(*rows, strict=True), strict=True))
    columns["status"] = [
        RecipientStatus.SKIPPED.value if reason else RecipientStatus.PENDING.value
        for reason in columns["skip_reason"]
    ]
    insert(WhatsAppCampaignRecipient, columns, shared={"campaign_id": campaign_id})
    skipped = sum(map(bool, columns["skip_reason"]))
    reached = Frozen(False, at.total + len(rows), at.skipped + skipped)
    _write(campaign_id, reached)
    return reached


def _taken(campaign_id: int, rows: Sequence[Draft]) -> set[str | None]:
    """Those of the identities that have a row of the campaign already."""
    named = [row.identity for row in rows if row.identity]
    there = WhatsAppCampaignRecipient.objects.filter(among("identity", named), campaign_id=campaign_id)
    return set(there.order_by().values_list("identity", flat=True))


def _each_once(rows: Sequence[Draft], taken: set[str | None]) -> list[Draft]:
    """The rows, whoever has one already skipped. A skipped row holds nobody's place: a later, better entry counts."""
    found = []
    for row in rows:
        if row.identity is not None and row.identity in taken:
            row = row.skipped(SkipReason.DUPLICATE)
        taken.add(row.identity)
        found.append(row)
    return found
