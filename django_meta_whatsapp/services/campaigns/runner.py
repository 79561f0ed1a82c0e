"""Runs a campaign: audience frozen, rows claimed, marked, called and settled, until nothing is left that can go.

Any number of runs of one campaign, in any number of processes, share its rows safely. A run that is killed loses
nothing: the next one goes on, and what was under way is `unknown` until Meta's webhooks tell.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from asgiref.sync import sync_to_async
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connections

from django_meta_whatsapp.cloud_api.client import AsyncClient
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import (
    AuthError,
    CampaignNotRunnable,
    ConfigurationError,
    InsideTransaction,
    RunningEventLoop,
    WhatsAppError,
)
from django_meta_whatsapp.models import PauseCause, WhatsAppAccount, WhatsAppCampaign
from django_meta_whatsapp.services import accounts, event_loop
from django_meta_whatsapp.services.campaigns import runs, states, uploads
from django_meta_whatsapp.services.campaigns.assignment import Assignment, assign
from django_meta_whatsapp.services.campaigns.database import Database
from django_meta_whatsapp.services.campaigns.freezing import frozen
from django_meta_whatsapp.services.campaigns.interrupts import stopped_by_signals
from django_meta_whatsapp.services.campaigns.runs import Limits
from django_meta_whatsapp.services.campaigns.sending import Sending
from django_meta_whatsapp.services.campaigns.states import Counts, Progress
from django_meta_whatsapp.services.transactions import database

IDLE = 2.0
"""Seconds for which a worker's turn waits for rows that may go later: the tick comes back to them."""

logger = logging.getLogger(__name__)

OnProgress = Callable[[Progress], None]


def run(
    campaign_id: int,
    account: WhatsAppAccount | None = None,
    *,
    on_progress: OnProgress | None = None,
    due_only: bool = False,
    limits: Limits | None = None,
    stop: threading.Event | None = None,
) -> Counts:
    """Runs a campaign and blocks until it has ended, paused, or has only rows that must wait longer than RUN_MAX_WAIT.

    Returns the counts of the whole campaign; a finished one is left alone. on_progress: called after each batch.
    `stop`, SIGINT and SIGTERM stop it between two messages; signals are then passed on. Running it again goes on where it
    stopped.
    due_only: see `states.start`. Raises RunningEventLoop in an event loop, else like `arun`.
    """
    if _in_event_loop():
        raise RunningEventLoop
    _refuse_transaction()
    stop = stop or threading.Event()
    with stopped_by_signals(stop):
        run = arun(campaign_id, account, on_progress=on_progress, stop=stop, due_only=due_only, limits=limits)
        return event_loop.run(run)


def work(
    campaign_id: int, account: WhatsAppAccount | None = None, *, stop: threading.Event | None = None
) -> bool:
    """One turn of a worker that was told of the campaign: RUN_SECONDS at most. Whether there is more to do at once.

    Does nothing for a campaign that has its runners, or may not be run by a hint. Raises like `run`.
    """
    limits = Limits(seconds=whatsapp_settings.RUN_SECONDS, idle=IDLE)
    counts = run(campaign_id, account, due_only=True, limits=limits, stop=stop)
    return _told(campaign_id, counts)


def _told(campaign_id: int, counts: Counts) -> bool:
    has_more = runs.has_more(campaign_id)
    if not has_more:
        logger.info("Campaign #%s: %s sent, %s failed", campaign_id, counts.sent, counts.failed)
    return has_more


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def arun(
    campaign_id: int,
    account: WhatsAppAccount | None = None,
    *,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    due_only: bool = False,
    limits: Limits | None = None,
) -> Counts:
    """`run`, awaited. Stops between two messages when `stop` is set or the task is cancelled.

    Raises InsideTransaction in a transaction of the caller's; CampaignNotRunnable when template, account or parameters do not
    allow a run; InvalidAudience, InvalidFile or InvalidSetting for an audience that cannot be resolved (the campaign has then
    failed); MissingSetting, AuthError without a usable token. Nothing is sent then.
    """
    await sync_to_async(_refuse_transaction)()
    stop = stop or threading.Event()
    work = asyncio.create_task(_run(campaign_id, account, on_progress, stop, due_only, limits))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # Calls under way end by themselves; cutting them off would leave their outcome unknown.
        stop.set()
        await asyncio.wait({work})
        raise


def _refuse_transaction() -> None:
    """Also refuses the transaction around a TestCase: the run's own connection would not see its rows."""
    if connections[database()].in_atomic_block:
        raise InsideTransaction


async def _run(
    campaign_id: int,
    account: WhatsAppAccount | None,
    on_progress: OnProgress | None,
    stop: threading.Event,
    due_only: bool,
    limits: Limits | None,
) -> Counts:
    db = Database()
    try:
        # A person's own run is never one too many.
        most = whatsapp_settings.RUNNERS_PER_CAMPAIGN if due_only else None
        run_id = await db(partial(runs.begin, campaign_id, most))
        if run_id is not None:
            async with _alive(db, run_id):
                prepared = await db(partial(_prepare, campaign_id, account, due_only))
                if prepared is not None:
                    assignment, client = prepared
                    await db(partial(runs.goes_on, campaign_id))
                    if await _audience(db, assignment, stop):
                        await Sending(assignment, client, db, stop, on_progress, limits).run()
        return await db(partial(states.counts, campaign_id))
    finally:
        await db.close()


@asynccontextmanager
async def _alive(db: Database, run_id: int) -> AsyncIterator[None]:
    """Says again and again that this run lives, until it ends."""
    # A large audience keeps the run's own thread busy for longer than the others would wait.
    beside = Database()

    async def renew() -> None:
        while True:
            await asyncio.sleep(whatsapp_settings.RUN_LEASE_SECONDS / runs.RENEWALS)
            try:
                await beside(partial(runs.renew, run_id))
            except DatabaseError as error:
                # Should it last, others take this run for dead; the rows keep the two apart.
                logger.warning("A run could not say that it lives: %s", error)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
        await beside.close()
        await db(partial(runs.end, run_id))


def _prepare(
    campaign_id: int, account: WhatsAppAccount | None, due_only: bool
) -> tuple[Assignment, AsyncClient] | None:
    """The campaign, running; None for one that has ended, or that a hint may not start."""
    related = WhatsAppCampaign.objects.select_related("account", "template__account")
    campaign = related.get(pk=campaign_id)
    if states.is_finished(campaign) or (due_only and not states.may_be_run_by_hint(campaign)):
        return None
    try:
        assignment = assign(campaign, account)
        client = accounts.async_client_for(assignment.account)
    except (CampaignNotRunnable, ConfigurationError, AuthError) as error:
        states.pause(campaign_id, str(error), _cause(error))
        raise
    if not states.start(campaign_id, account, due_only=due_only):
        return None
    try:
        return uploads.bound(assignment), client
    except CampaignNotRunnable as error:
        states.pause(campaign_id, str(error), _cause(error))
        raise


def _cause(error: WhatsAppError) -> PauseCause:
    return PauseCause(error.cause) if isinstance(error, CampaignNotRunnable) else PauseCause.TOKEN


async def _audience(db: Database, assignment: Assignment, stop: threading.Event) -> bool:
    try:
        return await frozen(db, assignment, stop)
    except (OperationalError, InterfaceError, IntegrityError):
        raise  # the database or somebody beside us, not the audience: the next tick tries again
    except Exception as error:
        # Tried again it would break again.
        known = isinstance(error, WhatsAppError)
        why = str(error) if known else f"The audience could not be frozen: {type(error).__name__}: {error}"
        await db(partial(states.fail_audience, assignment.campaign_id, why))
        raise
