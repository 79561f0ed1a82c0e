"""A campaign over a number that is slow enough to interfere with it in the middle, and ways to do so."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppContact, WhatsAppTemplate
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import runner
from django_meta_whatsapp.services.campaigns.states import Progress
from whatsapp_simulator.testing import SimulatorServer

PEOPLE = 40


def spring(account: WhatsAppAccount, simulator: SimulatorServer) -> WhatsAppTemplate:
    """A marketing template that Meta has approved."""
    made = simulator.control.template("spring", category="MARKETING")
    return WhatsAppTemplate.objects.create(
        account=account,
        name="spring",
        language="en_US",
        meta_template_id=made["id"],
        status="APPROVED",
        category="MARKETING",
        body_text="This is spring.",
    )


def campaign_to_danes(template: WhatsAppTemplate) -> WhatsAppCampaign:
    """A campaign to 40 contacts in Denmark, at 20 messages a second."""
    WhatsAppAccount.objects.update(throughput=20)
    for number in range(PEOPLE):
        WhatsAppContact.objects.create(phone=f"45200000{number:02}")
    return campaign_of(template)


def campaign_of(template: WhatsAppTemplate, **fields: Any) -> WhatsAppCampaign:
    return WhatsAppCampaign.objects.create(
        **{
            "name": "Spring",
            "account": template.account,
            "template": template,
            "audience_type": "contacts",
            **fields,
        }
    )


def run_until(campaign: WhatsAppCampaign, sent: int, then: Callable[[], object]) -> None:
    """Runs the campaign; does `then` once so many are sent."""
    done: list[bool] = []

    def act(progress: Progress) -> None:
        if progress.sent >= sent and not done:
            done.append(True)
            with ThreadPoolExecutor(
                1
            ) as thread:  # the progress is told in the event loop, where no query may be made
                thread.submit(in_a_thread, then).result()

    runner.run(campaign.pk, on_progress=act)
    assert done
    campaign.refresh_from_db()


def in_a_thread(then: Callable[[], object]) -> None:
    try:
        then()
    finally:
        connections.close_all()


def local(hour: int, zone: str) -> datetime:
    """That hour, in a day or two, there."""
    there = clock.now().astimezone(ZoneInfo(zone)) + timedelta(days=1)
    return there.replace(hour=hour, minute=0, second=0, microsecond=0)
