"""A campaign's states: it starts, pauses with a reason, ends. Each change happens once, whoever asks for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from django_meta_whatsapp.errors import CampaignNotRunnable, WrongCampaignState
from django_meta_whatsapp.models import (
    CampaignEventKind,
    CampaignStatus,
    PauseCause,
    RecipientStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
)
from django_meta_whatsapp.models.bulk.claims import held, locked, pending
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns.transitions import Change, change, change_inside
from django_meta_whatsapp.services.transactions import in_transaction

RUN_AGAIN = "Run again."
CANCELLED = "Not sent again: the campaign was cancelled."
ALL_REJECTED = "Everything that was sent was rejected."
_FAILED_EARLY = Q(status=CampaignStatus.FAILED, frozen_at=None)
"""The audience could not be resolved."""
TO_SEND = (RecipientStatus.PENDING, RecipientStatus.LEASED, RecipientStatus.SENDING)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the whole campaign. sent: accepted by Meta; failed: rejected, then or later."""

    sent: int
    failed: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in recipients of the campaign. left: those that the run still has to try; refused: how many Meta has
    refused for good in this run, by the reason.
    """

    total: int
    skipped: int
    sent: int
    failed: int
    unknown: int
    left: int
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a campaign has before it. status: its state; next_due: when the first waiting row may go, None for none waiting;
    held: rows that a runner has claimed or marked."""

    status: str
    next_due: datetime | None
    held: int


def is_finished(campaign: WhatsAppCampaign) -> bool:
    """Whether there is nothing left to send. A campaign whose audience could not be resolved may be tried again."""
    ended = (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)
    return campaign.status in ended or (
        campaign.status == CampaignStatus.FAILED and campaign.frozen_at is not None
    )


def may_be_run_by_hint(campaign: WhatsAppCampaign) -> bool:
    """Whether a queued task may go on with it: what a person has paused meanwhile stays paused."""
    is_due = campaign.scheduled_at is not None and campaign.scheduled_at <= clock.now()
    return campaign.status == CampaignStatus.RUNNING or (
        campaign.status == CampaignStatus.SCHEDULED and is_due
    )


def due() -> Q:
    """Scheduled campaigns whose time has come."""
    return Q(status=CampaignStatus.SCHEDULED, scheduled_at__lte=clock.now())


def start(campaign_id: int, account: WhatsAppAccount | None = None, *, due_only: bool = False) -> bool:
    """The campaign runs; whether it does. Raises CampaignNotRunnable when it has ended meanwhile.

    account: who was told to send it; kept, so that whoever goes on with it speaks for the same number.
    due_only: for whoever is sent by a hint, not by a person: what is paused, or not due yet, is left alone.
    """
    kept: dict[str, Any] = {"completed_at": None, **_kept(account)}
    begun = {**kept, "started_at": timezone.now()}
    running, again = CampaignStatus.RUNNING, Q(started_at__isnull=False)
    waiting = due() if due_only else Q(status__in=(CampaignStatus.DRAFT, CampaignStatus.SCHEDULED))
    paused = Q(status=CampaignStatus.PAUSED)
    changes = [
        (waiting & again, Change(running, None, fields=kept)),
        (
            waiting | Q(status=running, started_at=None),
            Change(running, CampaignEventKind.STARTED, fields=begun),
        ),
    ]
    if not due_only:
        changes += [
            (_FAILED_EARLY, Change(running, CampaignEventKind.STARTED, fields=begun)),
            (paused & again, Change(running, CampaignEventKind.RESUMED, reason=RUN_AGAIN, fields=kept)),
            (paused, Change(running, CampaignEventKind.STARTED, fields=begun)),
        ]

    def work() -> bool:
        if any(change_inside(campaign_id, allowed, wanted) for allowed, wanted in changes):
            return True
        rows = WhatsAppCampaign.objects.filter(pk=campaign_id, status=running)
        return bool(rows.update(updated_at=timezone.now(), **_kept(account)))

    started = in_transaction(work)
    if not started and not due_only:
        raise CampaignNotRunnable("The campaign has ended.")
    return started


def take_due(campaign_id: int) -> bool:
    """Takes a due campaign for whoever is told to run it, who then starts it; whether it was there to be taken."""
    return change(campaign_id, due(), Change(CampaignStatus.RUNNING, None))


def give_back(campaign_id: int) -> None:
    """The campaign that was taken is due again: nobody could be told to run it."""
    untouched = Q(status=CampaignStatus.RUNNING, frozen_at=None)
    change(campaign_id, untouched, Change(CampaignStatus.SCHEDULED, None))


def _kept(account: WhatsAppAccount | None) -> dict[str, WhatsAppAccount]:
    return {"account": account} if account else {}


def make_due(
    campaign_id: int,
    account: WhatsAppAccount | None = None,
    *,
    by: str = "",
    reason: str = "",
    paused: Q | None = None,
) -> bool:
    """A campaign that does not run yet is due now: a worker's tick starts it, even if the hint to do so gets lost.

    account: see `start`. paused: only one that is paused like that. Returns whether that changed anything: one that is due
    already stays as it is.
    """

    def work() -> bool:
        # The lock comes before the look at the clock: of two clicks the second must find the first one's time past.
        list(locked(WhatsAppCampaign.objects.filter(pk=campaign_id).only("pk")))
        due_now = {"scheduled_at": clock.now(), **_kept(account)}
        is_paused = Q(status=CampaignStatus.PAUSED)
        go_on = Change(
            CampaignStatus.SCHEDULED, CampaignEventKind.RESUMED, by, reason or RUN_AGAIN, fields=due_now
        )
        if paused is not None:
            return change_inside(campaign_id, is_paused & paused, go_on)
        waiting = Q(status=CampaignStatus.DRAFT) | _FAILED_EARLY | Q(status=CampaignStatus.SCHEDULED) & ~due()
        begin = Change(CampaignStatus.SCHEDULED, CampaignEventKind.SCHEDULED, by, reason, fields=due_now)
        return change_inside(campaign_id, waiting, begin) or change_inside(campaign_id, is_paused, go_on)

    return in_transaction(work)


def reopen(campaign_id: int) -> None:
    """A campaign that was taken for ended has somebody left to send to: their call was given up and then refused after all."""
    ended = Q(status__in=(CampaignStatus.COMPLETED, CampaignStatus.FAILED))
    again = Change(CampaignStatus.RUNNING, CampaignEventKind.REOPENED, fields={"completed_at": None})
    change(campaign_id, ended, again)


def go_on(campaign_id: int, *, by: str = "") -> bool:
    """Rows of the campaign are pending again, by the caller's transaction: one that has ended is due. Whether it had ended.

    Raises WrongCampaignState when it is cancelled or has expired; that must undo what the caller did.
    """
    # The lock comes before the look at the state: whoever ends the campaign at this moment has ended it, or sees the rows.
    if not _still_offered([campaign_id]).update(updated_at=timezone.now()):
        raise WrongCampaignState("The campaign is cancelled or has expired; nobody can be sent to again.")
    ended = Q(status__in=(CampaignStatus.COMPLETED, CampaignStatus.FAILED))
    due_now = {"scheduled_at": clock.now(), "completed_at": None}
    again = Change(CampaignStatus.SCHEDULED, CampaignEventKind.REOPENED, by, fields=due_now)
    return change_inside(campaign_id, ended, again)


def to_be_gone_on_with(campaign_ids: Collection[int]) -> set[int]:
    """Those of the campaigns that `go_on` would not raise for."""
    return set(_still_offered(campaign_ids).values_list("pk", flat=True))


def _still_offered(campaign_ids: Collection[int]) -> QuerySet[WhatsAppCampaign]:
    rows = WhatsAppCampaign.objects.filter(_in_time(), pk__in=campaign_ids)
    return rows.exclude(status=CampaignStatus.CANCELLED)


def is_running(campaign_id: int) -> bool:
    """Whether rows of the campaign may be marked now: it runs, and has not expired."""
    running = WhatsAppCampaign.objects.filter(_in_time(), pk=campaign_id, status=CampaignStatus.RUNNING)
    return running.exists()


def has_expired(campaign: WhatsAppCampaign) -> bool:
    """Whether nobody else may be messaged, because the offer is over."""
    return campaign.expires_at is not None and campaign.expires_at <= clock.now()


def _in_time() -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=clock.now())


def pause(campaign_id: int, reason: str, cause: PauseCause) -> bool:
    """A running campaign stops by itself; its rows stay as they are. Announced once."""
    stop = Change(CampaignStatus.PAUSED, CampaignEventKind.PAUSED, reason=reason, cause=cause)
    return change(campaign_id, Q(status=CampaignStatus.RUNNING), stop)


def fail_audience(campaign_id: int, reason: str) -> None:
    """The audience could not be resolved: nobody was messaged."""
    failed = Change(
        CampaignStatus.FAILED,
        CampaignEventKind.FAILED,
        reason=reason,
        fields={"completed_at": timezone.now()},
    )
    change(campaign_id, Q(status=CampaignStatus.RUNNING), failed)


def outlook(campaign_id: int) -> Outlook:
    """What is left to do, by anybody."""
    waiting = pending(campaign_id)
    due_now = waiting.filter(not_before=None).exists()
    # Not MIN, for which PostgreSQL may read all that waits.
    by_time = waiting.filter(not_before__isnull=False).order_by("not_before", "pk")
    first = by_time.values_list("not_before", flat=True).first()
    status = WhatsAppCampaign.objects.values_list("status", flat=True).get(pk=campaign_id)
    return Outlook(status, clock.now() if due_now else first, held(campaign_id).count())


def finish(campaign_id: int) -> bool:
    """Ends a running campaign that has nothing left to send; whether it has ended. Announced once.

    `failed` when everything that was attempted was rejected, else `completed`.
    """

    def work() -> bool:
        # The update comes first: it locks the campaign, so that two runners cannot both end it.
        running = WhatsAppCampaign.objects.filter(
            pk=campaign_id, status=CampaignStatus.RUNNING, frozen_at__isnull=False
        )
        if not running.update(updated_at=timezone.now()):
            return False
        # One statement: of two, a row that is freed in between would be in neither.
        campaign = OuterRef("pk")
        if running.filter(Exists(pending(campaign)) | Exists(held(campaign))).exists():
            return False
        return change_inside(campaign_id, Q(status=CampaignStatus.RUNNING), _end(campaign_id))

    return in_transaction(work)


def _end(campaign_id: int) -> Change:
    campaign = WhatsAppCampaign.objects.get(pk=campaign_id)
    ended = {"completed_at": timezone.now()}
    if campaign.failed_count and not (campaign.sent_count or campaign.unknown_count):
        return Change(CampaignStatus.FAILED, CampaignEventKind.FAILED, reason=ALL_REJECTED, fields=ended)
    return Change(CampaignStatus.COMPLETED, CampaignEventKind.COMPLETED, fields=ended)


def counts(campaign_id: int) -> Counts:
    """What the campaign has come to so far."""
    sent, failed = WhatsAppCampaign.objects.values_list("sent_count", "failed_count").get(pk=campaign_id)
    return Counts(sent, failed)


def to_send(campaign_id: int) -> int:
    """Rows that are still to be sent, by anybody."""
    return pending(campaign_id).count() + held(campaign_id).count()


def progress(campaign_id: int, left: int, refused: Mapping[str, int] | None = None) -> Progress:
    """How far the campaign is. One query."""
    campaign = WhatsAppCampaign.objects.get(pk=campaign_id)
    return Progress(
        total=campaign.total_count,
        skipped=campaign.skipped_count,
        sent=campaign.sent_count,
        failed=campaign.failed_count,
        unknown=campaign.unknown_count,
        left=left,
        refused=dict(refused or {}),
    )
