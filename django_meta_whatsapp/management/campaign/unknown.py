"""`manage.py whatsapp_campaign unknown 7`: recipients of unknown outcome, and what is decided about them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from django_meta_whatsapp.management.campaign.base import Subcommand, operator
from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services.campaigns import unknowns

SHOWN = 50
_DECISIONS = {
    "count-as-sent": (unknowns.count_as_sent, "counted as sent"),
    "resend": (unknowns.resend, "to be sent again: whoever got the first message gets two"),
    "give-up": (unknowns.give_up, "given up"),
}


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--decide", choices=list(_DECISIONS), help="Without it they are listed.")
    parser.add_argument(
        "--recipient", type=int, action="append", help="A row's ID, may be repeated; else all."
    )


def _unknown(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    WhatsAppCampaign.objects.only("pk").get(pk=campaign_id)
    rows = unknowns.listed(campaign_id)
    if options["recipient"]:
        rows = rows.filter(pk__in=options["recipient"])
    if options["decide"]:
        decide, done = _DECISIONS[options["decide"]]
        count = decide(list(rows.values_list("pk", flat=True)), by=operator())
        command.stdout.write(f"{count} {done}.")
        return
    count = rows.count()
    for row in rows[:SHOWN]:
        command.stdout.write(f"#{row.pk}  {row}  {row.error_message}")
    rest = f", of which the first {SHOWN} are shown" if count > SHOWN else ""
    command.stdout.write(f"{count} of unknown outcome{rest}.")


UNKNOWN = Subcommand(
    "unknown", "List recipients of unknown outcome, or decide about them.", _unknown, _arguments
)
