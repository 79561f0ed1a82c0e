"""Campaigns: who they go to, and running them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.db import transaction

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign
from django_meta_whatsapp.queue import enqueue
from django_meta_whatsapp.services.campaigns import audience, export, preflight, runner, states
from django_meta_whatsapp.services.transactions import database


def resolve_audience(campaign: WhatsAppCampaign) -> list[dict[str, Any]]:
    """The audience as a list of `{"phone": "+4512345678", "name": "…", "params": {…}}`.

    The first that applies: the function of WHATSAPP["CAMPAIGN_RESOLVER"], the provider WHATSAPP["AUDIENCES"][audience_type],
    the contacts (`audience_filters` applied), the CSV file (columns `phone` and `name` in any case; the others are params).
    People who are blocked or have opted out are left out in each of them, and so is whoever is named again.
    Raises InvalidAudience, InvalidFile or InvalidSetting (all ValueErrors) for an audience that cannot be resolved.
    """
    return audience.resolve_audience(campaign)


def iter_audience(campaign: WhatsAppCampaign) -> Iterator[dict[str, Any]]:
    """`resolve_audience` one by one, for audiences of any size."""
    return audience.iter_audience(campaign)


def preflight_campaign(campaign_id: int, account: WhatsAppAccount | None = None) -> dict[str, Any]:
    """Freezes the audience and tells all that can be known before anything is sent; a run then goes by just these people.

    Returns the report, which the campaign keeps as `preflight`: `can_run`, `total`, `to_send`, `skipped` (reason to people),
    `incomplete`, `findings` (`area`, `level` of ok, check and problem, `text`), `samples`, `rate` in messages a second,
    `seconds`, `costs`; money as text. Nothing is sent, and nothing is changed at Meta.
    Raises WrongCampaignState for a campaign that has been started.
    """
    return preflight.preflight(campaign_id, account).as_json()


async def apreflight_campaign(campaign_id: int, account: WhatsAppAccount | None = None) -> dict[str, Any]:
    """`preflight_campaign`, awaited."""
    return await sync_to_async(preflight_campaign)(campaign_id, account)


def export_recipients(campaign_id: int) -> Iterator[str]:
    """The lines of a CSV file with what became of each recipient, its header first; see `docs/campaigns.md` for the columns."""
    return export.csv_lines([campaign_id])


def run_campaign(campaign_id: int, account: WhatsAppAccount | None = None) -> dict[str, int]:
    """Runs a campaign and blocks until it has ended, has paused, or has only people left who must wait longer.

    account: who sends, instead of the campaign's own account; kept on the campaign for whoever goes on with it.
    Returns `{"sent": N, "failed": N}` for the whole campaign, sent being what Meta accepted. Nobody is messaged twice, however
    often it is called; on a finished campaign it sends nothing.
    Raises RunningEventLoop in an event loop (await `arun_campaign`), InsideTransaction in a transaction, CampaignNotRunnable when
    template, account or parameters forbid it, and what `resolve_audience` raises; nothing is sent then.
    """
    return _counts(runner.run(campaign_id, account))


async def arun_campaign(campaign_id: int, account: WhatsAppAccount | None = None) -> dict[str, int]:
    """`run_campaign`, awaited. Cancelling it stops between two messages."""
    return _counts(await runner.arun(campaign_id, account))


def run_campaign_async(campaign_id: int, account_id: int | None = None) -> dict[str, Any]:
    """Has Celery run the campaign when `WHATSAPP_USE_CELERY` is on, else runs it here.

    Returns `{"queued": True}`, or what `run_campaign` returns. Raises QueueUnavailable when the broker cannot be reached
    (in a transaction: when that is committed); the campaign is due all the same, and the next tick of a worker starts it.
    """
    account = None if account_id is None else WhatsAppAccount.objects.get(pk=account_id)
    if whatsapp_settings.USE_CELERY:
        states.make_due(campaign_id, account)
        # A worker must not look for what is not committed yet, nor run what is rolled back.
        transaction.on_commit(partial(enqueue, "campaign", campaign_id, account_id), using=database())
        return {"queued": True}
    return run_campaign(campaign_id, account)


def _counts(counts: states.Counts) -> dict[str, int]:
    return {"sent": counts.sent, "failed": counts.failed}
