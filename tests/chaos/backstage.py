"""Somebody at the host's shell: makes the campaign, starts it, looks at it. One JSON line in, one out.

It looks through the public models. What was really sent, only the simulator knows.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import Error, close_old_connections
from django.utils import timezone

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.utils import run_campaign_async
from tests.chaos.plan import FIRST_PERSON

_TO_SEND = ("pending", "leased", "sending")


def prepare(people: int, rate: int) -> dict[str, Any]:
    """A migrated database with a campaign to `people`."""
    call_command("migrate", verbosity=0)
    account = WhatsAppAccount.objects.create(
        name="Simulated shop",
        phone_number_id="222000222000222",
        waba_id="111000111000111",
        portfolio_id="333000333000333",
        display_phone_number="+1 555-000-9999",
        access_token="simulator-token",
        app_secret="simulator-app-secret",
        throughput=rate,
    )
    template = WhatsAppTemplate.objects.create(
        account=account,
        name="order_update",
        language="en_US",
        category="UTILITY",
        status="APPROVED",
        body_text="Hi {{1}}, your order {{2}} is on its way.",
    )
    rows = "".join(f"+{FIRST_PERSON + n},Person {n},A-{n}\n" for n in range(people))
    campaign = WhatsAppCampaign(
        name="Under fire",
        account=account,
        template=template,
        audience_type="csv",
        parameter_mappings={"1": "name", "2": "order"},
    )
    campaign.csv_file.save("people.csv", ContentFile(f"phone,name,order\n{rows}".encode()), save=False)
    campaign.save()
    return {}


def start() -> dict[str, Any]:
    """The campaign is to run, now."""
    campaign = WhatsAppCampaign.objects.get()
    if whatsapp_settings.USE_CELERY:
        return run_campaign_async(campaign.pk)
    WhatsAppCampaign.objects.update(status="scheduled", scheduled_at=timezone.now())
    return {}


def look() -> dict[str, Any]:
    """Where the campaign is, who is listed as unknown, and whose message is under way."""
    campaign = WhatsAppCampaign.objects.get()
    rows = campaign.recipients
    under_way = WhatsAppSendAttempt.objects.filter(state="sending")
    return {
        "status": campaign.status,
        "reason": campaign.status_reason,
        "left": rows.filter(status__in=_TO_SEND).count() if campaign.frozen_at else None,
        "unknown": list(rows.filter(status="unknown").values_list("phone_number", flat=True)),
        "in_flight": list(under_way.values_list("recipient__phone_number", flat=True)),
        "webhooks": WhatsAppWebhookLog.objects.filter(state__in=["pending", "failed"]).count(),
    }


def rows() -> dict[str, Any]:
    """The state of everybody's row."""
    return dict(WhatsAppCampaign.objects.get().recipients.values_list("phone_number", "status"))


_COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "prepare": prepare,
    "start": start,
    "look": look,
    "rows": rows,
}


def serve() -> None:
    """Answers until its standard input ends. A database that is down is told, not died of."""
    for line in sys.stdin:
        command, arguments = json.loads(line)
        close_old_connections()
        try:
            answer = _COMMANDS[command](**arguments)
        except Error as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
