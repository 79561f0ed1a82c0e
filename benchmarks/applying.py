"""The benchmark of statuses on one database: a campaign that has been sent, a journal, and how quickly it is applied."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core.management import call_command
from django.db import connection, models, transaction

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.management.garbage import collecting_seldom
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import webhook_threads

M = TypeVar("M", bound=models.Model)

SECRET = "simulator-app-secret"
WABA, NUMBER = "111000111000111", "222000222000222"
START = 1767000000
LATER = {"sent": 1, "delivered": 3, "read": 40}
"""Seconds after its sending at which Meta tells of a message."""
RATE = 80
"""Messages a second that the campaign was sent with: what is told of different messages comes mixed."""
BATCH = 400
_LOOK = 0.02
"""Seconds between two looks whether all is applied."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. cpu: seconds of this process."""

    statuses: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.statuses / self.seconds


def measure(statuses: int, work: Callable[[], object]) -> Measured:
    """Times `work`, which applies so many."""
    cpu, started = time.process_time(), time.perf_counter()
    work()
    return Measured(statuses, time.perf_counter() - started, time.process_time() - cpu)


def apply_journal() -> None:
    """Applies all that waits, in the threads of the worker."""
    waiting = WhatsAppWebhookLog.objects.filter(state="pending")
    webhook_threads.hint()
    while waiting.exists():
        time.sleep(_LOOK)


_ACCEPTED = {"status": "accepted", "attempt_count": 1}
_SENT = {
    "direction": "outbound",
    "status": "accepted",
    "message_type": "template",
    "message_body": "Hello Ann, your order is on its way.",
    "content": {"name": "order_update", "language": {"code": "en_US"}, "components": []},
}


def _create(model: type[M], rows: Iterable[dict[str, Any]]) -> list[M]:
    return model._default_manager.bulk_create((model(**row) for row in rows), BATCH)


def _create_attempts(
    account: WhatsAppAccount,
    tokens: Sequence[str],
    recipients: Sequence[WhatsAppCampaignRecipient],
    at: datetime,
) -> None:
    _create(
        WhatsAppSendAttempt,
        (
            {
                "token": token,
                "account": account,
                "chat_message": recipient.chat_message,
                "recipient": recipient,
                "state": "accepted",
                "message_id": recipient.message_id,
                "answered_at": at,
            }
            for token, recipient in zip(tokens, recipients, strict=True)
        ),
    )


def make_campaign(count: int) -> list[str]:
    """A campaign that has been sent to `count` people. Returns the tokens of the attempts."""
    account = WhatsAppAccount.objects.create(name="Shop", phone_number_id=NUMBER, waba_id=WABA)
    campaign = WhatsAppCampaign.objects.create(
        name="Sale", account=account, status="completed", total_count=count, sent_count=count
    )
    at = datetime.fromtimestamp(START, UTC)
    tokens = [f"dmw1.{number:032x}" for number in range(count)]
    taken = [{"message_id": wamid(number), "accepted_at": at} for number in range(count)]

    phones = [f"9198{number:08}" for number in range(count)]
    contacts = _create(WhatsAppContact, ({"phone": phone} for phone in phones))
    threads = _create(
        WhatsAppConversation, ({"account": account, "contact": contact} for contact in contacts)
    )
    sent = {**_SENT, "account": account, "campaign": campaign}
    messages = _create(
        WhatsAppMessage,
        ({**sent, "conversation": thread, **given} for thread, given in zip(threads, taken, strict=True)),
    )
    recipients = _create(
        WhatsAppCampaignRecipient,
        (
            {
                "campaign": campaign,
                "contact": contact,
                "identity": f"p:{phone}",
                "chat_message": message,
                **_ACCEPTED,
                **given,
            }
            for contact, message, phone, given in zip(contacts, messages, phones, taken, strict=True)
        ),
    )
    _create_attempts(account, tokens, recipients, at)
    return tokens


def wamid(number: int) -> str:
    """A message id as long as Meta's."""
    return f"wamid.HBgMOTE5OD{number:08}FQIAERgSQzk4NkZEQkE2ODc4NTRFAA=="


def told(count: int) -> list[tuple[int, str, int]]:
    """What Meta tells, in its order: message, status, time."""
    events = [
        (number, status, START + number // RATE + later)
        for number in range(count)
        for status, later in LATER.items()
    ]
    return sorted(events, key=lambda event: event[2])


def webhook(tokens: Sequence[str], events: Sequence[tuple[int, str, int]]) -> bytes:
    """A body as Meta posts it."""
    statuses = [
        {
            "id": wamid(number),
            "status": status,
            "timestamp": str(at),
            "recipient_id": f"9198{number:08}",
            "biz_opaque_callback_data": tokens[number],
            "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
        }
        for number, status, at in events
    ]
    metadata = {"display_phone_number": "15550009999", "phone_number_id": NUMBER}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": statuses}
    entry = {"id": WABA, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def fill_journal(tokens: Sequence[str], size: int) -> int:
    """Keeps all that is told, in webhooks of `size` statuses. Returns how many statuses those are."""
    events = told(len(tokens))
    bodies = [webhook(tokens, events[start : start + size]) for start in range(0, len(events), size)]
    WhatsAppWebhookLog.objects.bulk_create(
        (WhatsAppWebhookLog(body=body, signature=sign(SECRET, body)) for body in bodies), BATCH
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # As autovacuum has done it before a journal is that long.
            cursor.execute("ANALYZE django_meta_whatsapp_whatsappwebhooklog")
    return len(events)


def yardstick(count: int) -> Measured:
    """Writes what is told on messages and recipients, knowing their keys beforehand."""
    at = datetime.fromtimestamp(START, UTC)
    rows = [(number + 1, status, at) for number, status, _ in told(count)]
    write = _bare_postgres if connection.vendor == "postgresql" else _bare_statements

    def work() -> None:
        for start in range(0, len(rows), BATCH):
            with transaction.atomic(), connection.cursor() as cursor:
                for table in ("whatsappmessage", "whatsappcampaignrecipient"):
                    write(cursor, f"django_meta_whatsapp_{table}", rows[start : start + BATCH])

    return measure(len(rows), work)


def _bare_postgres(cursor: Any, table: str, rows: Sequence[tuple[int, str, datetime]]) -> None:
    statement = f"""UPDATE {table} AS t SET status = v.status, read_at = v.at
        FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS v (id, status, at) WHERE t.id = v.id"""
    cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def _bare_statements(cursor: Any, table: str, rows: Sequence[tuple[int, str, datetime]]) -> None:
    statement = f"UPDATE {table} SET status = %s, read_at = %s WHERE id = %s"
    cursor.executemany(statement, [(status, at, key) for key, status, at in rows])


def rewind() -> None:
    """The rows as they were before Meta told anything, and an empty journal."""
    times = {"sent_at": None, "delivered_at": None, "read_at": None, "status": "accepted"}
    WhatsAppWebhookLog.objects.all().delete()
    WhatsAppMessage.objects.update(**times, pricing=None)
    WhatsAppCampaignRecipient.objects.update(**times)
    WhatsAppCampaign.objects.update(delivered_count=0, read_count=0)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")


def check(count: int) -> None:
    """Ends the program when not everything has been applied."""
    done = {"status": "read", "sent_at__isnull": False, "delivered_at__isnull": False}
    found = [
        WhatsAppMessage.objects.filter(**done, pricing__status="read").count(),
        WhatsAppCampaignRecipient.objects.filter(**done).count(),
        *WhatsAppCampaign.objects.values_list("sent_count", "delivered_count", "read_count").get(),
    ]
    left = WhatsAppWebhookLog.objects.exclude(state="done", error="").count()
    if found != [count] * 5 or left:
        raise SystemExit(f"Of {count} messages: {found}, and {left} webhooks are not done.")


@collecting_seldom()
def run(messages: int, sizes: Sequence[int], server: float | None) -> None:
    """Measures on the database of the settings, and prints. server: requests a second of the bare ASGI application."""
    call_command("migrate", verbosity=0)
    tokens = make_campaign(messages)
    rewind()
    bare = yardstick(messages)
    print(f"{connection.vendor:12} bare UPDATEs       {bare.rate:10,.0f} statuses/s", flush=True)
    for size in sizes:
        rewind()
        measured = measure(fill_journal(tokens, size), apply_journal)
        check(messages)
        line = f"{connection.vendor:12} {size:4} in a webhook  {measured.rate:10,.0f} statuses/s"
        line += f" ({measured.rate / bare.rate:.3f} of bare UPDATEs"
        line += f", {measured.rate / server:.3f} of bare ASGI)" if server else ")"
        line += f", {measured.cpu / measured.statuses * 1e6:,.0f} µs CPU a status"
        print(line, flush=True)
