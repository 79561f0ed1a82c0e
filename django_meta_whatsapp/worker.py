"""The embedded worker: what the tick finds, done in this process, without a broker."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import close_old_connections, connections

from django_meta_whatsapp import queue
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.services import inbound_media, media_threads, upkeep, webhook_threads
from django_meta_whatsapp.services.campaigns import runner

logger = logging.getLogger(__name__)

CAMPAIGNS_AT_ONCE = 8
"""Each takes a thread, an event loop and two connections to the database; further ones wait for their turn."""


class Worker:
    """One loop that applies due webhooks, ends leases, and runs due campaigns, a few at a time.

    With Celery on, campaigns go to its workers instead.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(CAMPAIGNS_AT_ONCE, thread_name_prefix="whatsapp-campaign")
        self._campaigns: dict[int, Future[None]] = {}

    def stop(self) -> None:
        """Ends `run` soon; safe in a signal handler. Calls to Meta that are under way end first."""
        self._stop.set()

    def run(self) -> None:
        """Works until `stop`. A loop that found work looks again at once."""
        while not self._stop.is_set():
            close_old_connections()
            found = upkeep.tick(self._run_campaign, self._fetch_media, webhook_threads.hint)
            if not found:
                self._stop.wait(whatsapp_settings.WORKER_SECONDS)
        self._pool.shutdown(cancel_futures=True)
        webhook_threads.close()
        media_threads.close()
        connections.close_all()

    def _run_campaign(self, campaign_id: int) -> None:
        if whatsapp_settings.USE_CELERY:
            queue.enqueue("campaign", campaign_id)
            return
        self._campaigns = {pk: run for pk, run in self._campaigns.items() if not run.done()}
        if campaign_id not in self._campaigns:
            self._submit(campaign_id)

    def _submit(self, campaign_id: int) -> None:
        self._campaigns[campaign_id] = self._pool.submit(self._run, campaign_id)

    def _fetch_media(self) -> None:
        if whatsapp_settings.USE_CELERY:
            queue.enqueue(inbound_media.WORK, None)
        else:
            media_threads.hint()

    def _run(self, campaign_id: int) -> None:
        try:
            has_more = runner.work(campaign_id, stop=self._stop)
        except Exception:
            # The runner has written the reason on the campaign.
            logger.exception("Campaign #%s stopped", campaign_id)
        else:
            if has_more and not self._stop.is_set():
                # At the end of the line: others wait for a thread, too.
                self._submit(campaign_id)
        finally:
            connections.close_all()
