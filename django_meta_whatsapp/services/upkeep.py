"""The tick: finds work that is due, whoever was to do it. The rows are the truth, so nothing that was missed stays missed."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import WhatsAppError
from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services import (
    account_states,
    budget,
    inbound_media,
    journal,
    outbox_rows,
    retention,
    statuses,
    unrouted,
    waiting_statuses,
)
from django_meta_whatsapp.services.campaigns import guard, reconcile, resending, runs, states, transitions

logger = logging.getLogger(__name__)

SELDOM_SECONDS = 60.0
"""How often a process looks for what hints and other processes should have done, and for what has become old."""

PRUNE_SECONDS = 1.0
"""What one tick spends on the removal of old webhooks at a time; the next goes on."""


def tick(
    run_campaign: Callable[[int], None],
    fetch_media: Callable[[], object] = inbound_media.fetch_due,
    apply_webhooks: Callable[[], int | None] = journal.process_due,
) -> int:
    """Does what is due: `apply_webhooks()`, leases, messages and restrictions whose time is over, `run_campaign(id)` for each
    campaign that waits, `fetch_media()` when there are files to fetch.

    Returns how many webhooks, if `apply_webhooks` tells, and campaigns there were; one kind that fails does not stop the others.
    """
    return _each(
        apply_webhooks,
        _clean_up,
        _seldom,
        lambda: _see_to_media(fetch_media),
        lambda: _run_campaigns(run_campaign),
    )


def _each(*works: Callable[[], int | None]) -> int:
    """Does all of them, whichever fails, and adds up what they return."""
    return sum(_safely(work) or 0 for work in works)


def _safely(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception:
        logger.exception("A part of the tick failed; the next one tries again")
        return None


def _clean_up() -> int:
    _safely(reconcile.expire_leases)
    _safely(transitions.announce_overdue)
    _safely(resending.resend_due)
    _safely(guard.resume_recovered)
    _safely(outbox_rows.expire)
    _safely(account_states.lift_expired_restrictions)
    return 0


class _Seldom:
    due_at = 0.0


def _seldom() -> int:
    if time.monotonic() >= _Seldom.due_at:
        _Seldom.due_at = time.monotonic() + SELDOM_SECONDS
        _each(
            statuses.apply_overdue, waiting_statuses.expire, unrouted.release, runs.forget_dead, _forget_old
        )
    return 0


def _forget_old() -> int:
    are_forgotten = budget.forget_old() < budget.FORGET_AT_ONCE
    if not (retention.prune(seconds=PRUNE_SECONDS).finished and are_forgotten):
        # The next tick goes on.
        _Seldom.due_at = 0.0
    return 0


def _see_to_media(fetch_media: Callable[[], object]) -> int:
    if inbound_media.is_due():
        fetch_media()
    return 0


def _run_campaigns(run_campaign: Callable[[int], None]) -> int:
    due = list(
        WhatsAppCampaign.objects.filter(states.due())
        .order_by("scheduled_at", "pk")
        .values_list("pk", flat=True)
    )
    most = whatsapp_settings.RUNNERS_PER_CAMPAIGN
    taken = [(pk, most - alive) for pk, wake_at, alive in runs.left_alone() if runs.keep(pk, wake_at)]
    begun = [pk for pk in due if _hand_over(pk, run_campaign, most, begin=True)]
    resumed = [pk for pk, missing in taken if _hand_over(pk, run_campaign, missing, begin=False)]
    return len(begun) + len(resumed)


def _hand_over(campaign_id: int, run_campaign: Callable[[int], None], runners: int, *, begin: bool) -> bool:
    try:
        if begin and not (states.take_due(campaign_id) and runs.keep(campaign_id)):
            return False
        for _ in range(runners):
            run_campaign(campaign_id)
    except WhatsAppError as error:
        logger.warning("Campaign #%s waits for the next tick: %s", campaign_id, error)
        if begin:
            states.give_back(campaign_id)
        return False
    return True
