"""The benchmark of sending on one database: the rows of a campaign, its run, and what it is held against."""

import asyncio
import cProfile
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from django_meta_whatsapp.cloud_api.content.templates import Template
from django_meta_whatsapp.management.garbage import collecting_seldom
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppContactIdentity,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import outbox
from django_meta_whatsapp.services.campaigns import runner

NUMBER = "222000222000222"
THROUGHPUT = 4_000
"""Of the number, so that nothing but the work itself holds the run back."""
AT_ONCE = 500
"""Calls under way of the bare loop."""
ONE_BY_ONE = 30
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. cpu: seconds of this process; database_cpu: of PostgreSQL's processes, 0 elsewhere."""

    messages: int
    seconds: float
    cpu: float
    database_cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    def __str__(self) -> str:
        text = f"{self.rate:10,.0f} messages/s, {self.cpu / self.messages * 1e6:6,.0f} µs CPU a message"
        if self.database_cpu:
            text += f" and {self.database_cpu / self.messages * 1e6:,.0f} µs of the database's"
        return text


def measure(messages: int, work: Callable[[], object]) -> Measured:
    """Times `work`, which sends so many."""
    database, cpu, started = _database_cpu(), time.process_time(), time.perf_counter()
    work()
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return Measured(messages, seconds, used, _database_cpu() - database)


def _database_cpu() -> float:
    """CPU seconds that all PostgreSQL processes of this machine have used, those that have ended included."""
    if connection.vendor != "postgresql":
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "postgres":
            ticks += sum(map(int, fields.split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def make_campaign(people: int) -> WhatsAppCampaign:
    """A campaign whose audience is frozen, to people who never had a message."""
    account = WhatsAppAccount.objects.create(name="Shop", phone_number_id=NUMBER, throughput=THROUGHPUT)
    template = WhatsAppTemplate.objects.create(
        account=account,
        name="order_update",
        language="en_US",
        category="UTILITY",
        status="APPROVED",
        body_text="Hi {{1}}, your order {{2}} is on its way.",
    )
    campaign = WhatsAppCampaign.objects.create(
        name="Orders",
        account=account,
        template=template,
        parameter_mappings={"1": "name", "2": "notes"},
        frozen_at=timezone.now(),
        total_count=people,
    )
    for start in range(0, people, _BATCH):
        _make_recipients(campaign, range(start, min(start + _BATCH, people)))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
    return campaign


def _make_recipients(campaign: WhatsAppCampaign, numbers: range) -> None:
    phones = [f"9198{number:08}" for number in numbers]
    contacts = WhatsAppContact.objects.bulk_create(WhatsAppContact(phone=phone) for phone in phones)
    named = [
        {"contact": contact, "identity": f"p:{phone}"}
        for contact, phone in zip(contacts, phones, strict=True)
    ]
    WhatsAppContactIdentity.objects.bulk_create(WhatsAppContactIdentity(**fields) for fields in named)
    WhatsAppCampaignRecipient.objects.bulk_create(
        WhatsAppCampaignRecipient(
            campaign=campaign,
            phone_number=phone,
            name=f"Person {number}",
            parameters={"1": f"Person {number}", "2": f"A-{number:08}"},
            **fields,
        )
        for number, phone, fields in zip(numbers, phones, named, strict=True)
    )


def _bodies(count: int) -> Iterator[bytes]:
    """As many as the campaign sends, of the same size."""
    for number in range(count):
        texts = [{"type": "text", "text": f"Person {number}"}, {"type": "text", "text": f"A-{number:08}"}]
        template = {
            "name": "order_update",
            "language": {"code": "en_US", "policy": "deterministic"},
            "components": [{"type": "body", "parameters": texts}],
        }
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": f"+9198{number:08}",
            "type": "template",
            "template": template,
            "biz_opaque_callback_data": f"dmw1.{number:032x}",
        }
        yield json.dumps(body, separators=(",", ":")).encode()


async def _bare(url: str, count: int) -> None:
    headers = {"Authorization": "Bearer simulator-token", "Content-Type": "application/json"}
    bodies = _bodies(count)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send() -> None:
            for body in bodies:
                async with session.post(f"{url}/v22.0/{NUMBER}/messages", data=body) as response:
                    assert (await response.json())["messages"][0]["id"]

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))


def _sequential(account: WhatsAppAccount, count: int) -> None:
    """A loop over people, as one writes it without an engine."""
    for number in range(count):
        parameters = [{"type": "text", "text": f"Person {number}"}]
        content = Template("order_update", "en_US", [{"type": "body", "parameters": parameters}])
        outbox.send_message(account, f"+9197{number:08}", content)


def _check(campaign: WhatsAppCampaign, people: int) -> None:
    """Ends the program when not everything is there."""
    campaign.refresh_from_db()
    sent = {"campaign": campaign, "message_id__isnull": False, "accepted_at__isnull": False}
    found = [
        campaign.sent_count,
        WhatsAppCampaignRecipient.objects.filter(**sent, status="accepted", lease="").count(),
        WhatsAppMessage.objects.filter(**sent, status="accepted").count(),
        WhatsAppSendAttempt.objects.filter(
            recipient__campaign=campaign, state="accepted", chat_message__campaign=campaign
        ).count(),
        WhatsAppConversation.objects.filter(last_message_at__isnull=False).count(),
    ]
    if campaign.status != "completed" or found != [people] * 5:
        raise SystemExit(f"Of {people}: {found}, and the campaign is {campaign.status}.")


def _waits(campaign: WhatsAppCampaign) -> tuple[float, float]:
    """Milliseconds from the mark to the answer: the median, and what one in a hundred exceeds."""
    attempts = WhatsAppSendAttempt.objects.filter(recipient__campaign=campaign, answered_at__isnull=False)
    waits = sorted(
        (answered - marked).total_seconds() * 1e3
        for marked, answered in attempts.values_list("created_at", "answered_at").iterator()
        if answered
    )
    return waits[len(waits) // 2], waits[len(waits) * 99 // 100]


def _profiled(work: Callable[[], Any], path: str) -> Callable[[], Any]:
    if not path:
        return work

    def profiled() -> Any:
        profiler = cProfile.Profile()
        try:
            return profiler.runcall(work)
        finally:
            profiler.dump_stats(path)

    return profiled


@collecting_seldom()
def run(messages: int, profile: str = "") -> None:
    """Measures on the database of the settings, and prints."""
    call_command("migrate", verbosity=0)
    campaign = make_campaign(messages)
    url = os.environ["WHATSAPP_BENCH_GRAPH"]
    bare = measure(messages, lambda: asyncio.run(_bare(url, messages)))
    print(f"{'':12} bare aiohttp  {bare}", flush=True)
    ours = measure(messages, _profiled(lambda: runner.run(campaign.pk), profile))
    _check(campaign, messages)
    p50, p99 = _waits(campaign)
    print(f"{connection.vendor:12} campaign      {ours}", flush=True)
    print(
        f"{'':12} {'':13} {ours.rate / bare.rate:10.0%} of bare; mark to answer p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )
    assert campaign.account is not None
    account = campaign.account
    sequential = measure(ONE_BY_ONE, lambda: _sequential(account, ONE_BY_ONE))
    print(
        f"{connection.vendor:12} one by one    {sequential}, {ours.rate / sequential.rate:,.0f} times slower",
        flush=True,
    )
