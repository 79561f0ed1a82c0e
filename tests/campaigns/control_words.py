"""Campaigns in the hands of several, for the tests of control."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services import upkeep
from django_meta_whatsapp.services.campaigns import runner
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

UNDELIVERABLE, OUTAGE = 131026, 131016
"""Errors of the classes `recipient` and `retry_later`."""


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each returns, all begun at the same moment in threads of their own."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        barrier.wait(30)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result() for each in [pool.submit(begin, work) for work in works]]


def rungs(campaign: WhatsAppCampaign) -> list[str]:
    return sorted(campaign.recipients.values_list("status", flat=True))


def tick() -> list[int]:
    found: list[int] = []
    upkeep.tick(found.append)
    return found


def kinds(campaign: WhatsAppCampaign) -> list[str]:
    return [event.kind for event in campaign.events.order_by("pk")]


def status(campaign: WhatsAppCampaign) -> str:
    campaign.refresh_from_db()
    return campaign.status


def times(simulator: SimulatorServer) -> list[int]:
    return [person["count"] for person in simulator.control.people().values()]


def mixed(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any, *, people: int = 5
) -> WhatsAppCampaign:
    """One failed as undeliverable, one by an outage of Meta, one is unknown; the others have it."""
    settings.WHATSAPP = {**settings.WHATSAPP, "MAX_ATTEMPTS": 1}
    campaign = make_campaign(people=people)
    simulator.control.fail(UNDELIVERABLE, count=1)
    simulator.control.fail(OUTAGE, count=1)
    simulator.control.fault("html", count=1)
    runner.run(campaign.pk)
    assert (status(campaign), campaign.failed_count, campaign.unknown_count) == ("completed", 2, 1)
    return campaign
