"""What the tests of connecting an account share."""

import io
from typing import Any

from django.core.management import call_command

from django_meta_whatsapp.cloud_api.operations import business
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.accounts import client_for
from django_meta_whatsapp.services.setup import Level, Report
from whatsapp_simulator.testing import SimulatorServer

NUMBER = "222000222000222"
WABA = "111000111000111"
APP = "100000000000001"
CALLBACK = "https://shop.example/whatsapp/webhook/"


def given(settings: Any, **values: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, **values}


def run(**options: Any) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("whatsapp_setup", stdout=out, **options)
    return out.getvalue()


def levels(report: Report) -> list[Level]:
    return [finding.level for finding in report.findings]


def found(report: Report, level: Level) -> str:
    """The findings of that level, with their next steps."""
    return "\n".join(f"{each.text} {each.next_step}" for each in report.findings if each.level is level)


def columns() -> list[dict[str, Any]]:
    return list(WhatsAppAccount.objects.values())


def unsubscribe(graph: SimulatorServer) -> None:
    account = WhatsAppAccount(phone_number_id=NUMBER, waba_id=WABA, access_token="simulator-token")
    client_for(account).run(business.unsubscribe_app(WABA))


def subscriptions() -> list[dict[str, Any]]:
    client = client_for(WhatsAppAccount(phone_number_id=NUMBER, waba_id=WABA))
    return client.run(business.subscribed_apps(WABA)).data
