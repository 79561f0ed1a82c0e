"""What people do with a campaign: schedule, start, pause, resume, cancel, try the failed ones again, copy.

Everything can be asked for twice, by two people or two processes: the second time changes nothing and says so by returning
False. What makes no sense in the campaign's state raises WrongCampaignState, which names it. `by` is who asked.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.models import CampaignEventKind, CampaignStatus, PauseCause, WhatsAppCampaign
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import guard, retrying, states, tally
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.transitions import Change, change_inside
from django_meta_whatsapp.services.transactions import database, in_transaction

WORK = "campaign"
"""The kind of work that `signals.work_due` names."""
PAUSABLE = (CampaignStatus.RUNNING, CampaignStatus.SCHEDULED)
OPEN = (CampaignStatus.DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED)


def schedule(campaign_id: int, at: datetime, *, by: str = "") -> bool:
    """The campaign starts at that moment, of policy time; one that is scheduled already, at the new one."""
    wanted = Change(CampaignStatus.SCHEDULED, CampaignEventKind.SCHEDULED, by, fields={"scheduled_at": at})
    allowed = Q(status=CampaignStatus.DRAFT) | Q(status=CampaignStatus.SCHEDULED) & ~Q(scheduled_at=at)
    return _do(campaign_id, allowed, wanted, "scheduled")


def start(campaign_id: int, *, by: str = "") -> bool:
    """The campaign is due now: a worker runs it. Raises CampaignNotRunnable for what forbids a run."""
    campaign = _get(campaign_id)
    if campaign.status == CampaignStatus.RUNNING:
        return False
    if campaign.status == CampaignStatus.PAUSED or states.is_finished(campaign):
        raise _wrong(campaign, "started")
    assign(campaign)
    return _make_due(campaign_id, by, "")


def pause(campaign_id: int, *, by: str = "", reason: str = "") -> bool:
    """No further message goes: running workers stop within one batch. What is under way settles.

    One that stands still by itself stays so from then on, also when the cause is gone.
    """
    campaign = _get(campaign_id)
    if campaign.status == CampaignStatus.PAUSED and campaign.pause_cause not in guard.WHY_AGAIN:
        return False
    told = reason or (f"Paused by {by}." if by else "Paused.")
    wanted = Change(CampaignStatus.PAUSED, CampaignEventKind.PAUSED, by, told, PauseCause.PERSON)
    by_itself = Q(status=CampaignStatus.PAUSED, pause_cause__in=guard.WHY_AGAIN)
    return _do(campaign_id, Q(status__in=PAUSABLE) | by_itself, wanted, "paused")


def resume(campaign_id: int, *, by: str = "", reason: str = "") -> bool:
    """A paused campaign goes on where it stopped; one that was paused before its time, at that time.

    Raises CampaignNotRunnable for what still forbids a run.
    """
    campaign = _get(campaign_id)
    if campaign.status in PAUSABLE:
        return False
    if campaign.status != CampaignStatus.PAUSED:
        raise _wrong(campaign, "resumed")
    assign(campaign)
    told = reason or (f"Resumed by {by}." if by else "Resumed.")
    if campaign.started_at is None and campaign.scheduled_at and campaign.scheduled_at > clock.now():
        wanted = Change(CampaignStatus.SCHEDULED, CampaignEventKind.RESUMED, by, told)
        return _do(campaign_id, Q(status=CampaignStatus.PAUSED), wanted, "resumed")
    return _make_due(campaign_id, by, told)


def cancel(campaign_id: int, *, by: str = "", reason: str = "") -> bool:
    """The campaign ends here. What is under way settles; who is still pending was not sent to, and stays recorded as such.

    Whoever waits after a call that may have arrived is `unknown` again.
    """
    if _get(campaign_id).status == CampaignStatus.CANCELLED:
        return False
    told = reason or (f"Cancelled by {by}." if by else "Cancelled.")
    ended = {"completed_at": timezone.now()}
    wanted = Change(CampaignStatus.CANCELLED, CampaignEventKind.CANCELLED, by, told, fields=ended)

    def abandon() -> None:
        tally.apply(claims.abandon(campaign_id, why=states.CANCELLED, at=timezone.now()))

    return _do(campaign_id, Q(status__in=OPEN), wanted, "cancelled", abandon)


def retry_failed(
    campaign_id: int, error_classes: Collection[str] = retrying.DEFAULT_CLASSES, *, by: str = ""
) -> int:
    """Those that failed for certain, with an error of these classes, are tried again; how many there are.

    Never somebody whose message Meta has taken or may have taken. An ended campaign is due again; a paused one stays paused.
    Raises InvalidInput for a class that does not exist, WrongCampaignState also after the campaign's expiry.
    """
    campaign = _get(campaign_id)
    if campaign.status == CampaignStatus.CANCELLED or campaign.frozen_at is None:
        raise _wrong(campaign, "tried again")
    if states.has_expired(campaign):
        raise WrongCampaignState("The campaign has expired; it cannot be tried again.")
    retried = retrying.retry(campaign_id, error_classes, by)
    if retried.is_due:
        _hint(campaign_id)
    return retried.people


def clone(campaign_id: int, *, by: str = "", name: str = "") -> WhatsAppCampaign:
    """A draft with the same plan and a fresh audience. A second click gives the draft of the first one."""
    return in_transaction(partial(retrying.copy, campaign_id, by, name))


def _get(campaign_id: int) -> WhatsAppCampaign:
    return WhatsAppCampaign.objects.select_related("account", "template__account").get(pk=campaign_id)


def _make_due(campaign_id: int, by: str, reason: str) -> bool:
    def work() -> bool:
        made = states.make_due(campaign_id, by=by, reason=reason)
        if made:
            _hint(campaign_id)
        return made

    return in_transaction(work)


def _hint(campaign_id: int) -> None:
    """A hint to the clock, after the commit. The tick finds the row all the same."""
    hint = partial(signals.work_due.send_robust, sender=WhatsAppCampaign, kind=WORK, key=campaign_id)
    transaction.on_commit(hint, using=database())


def _do(
    campaign_id: int, allowed: Q, wanted: Change, done: str, also: Callable[[], None] = lambda: None
) -> bool:
    """also: what is done in the transaction of the change."""

    def work() -> bool:
        changed = change_inside(campaign_id, allowed, wanted)
        if changed:
            also()
        return changed

    if in_transaction(work):
        return True
    campaign = _get(campaign_id)
    if campaign.status == wanted.to:
        return False  # somebody else was quicker
    raise _wrong(campaign, done)


def _wrong(campaign: WhatsAppCampaign, done: str) -> WrongCampaignState:
    state = campaign.get_status_display().lower()
    return WrongCampaignState(f"The campaign is {state}; it cannot be {done}.")
