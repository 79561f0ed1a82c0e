"""`manage.py whatsapp_campaign export 7`: what became of each recipient, as CSV."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_meta_whatsapp.management.campaign.base import Subcommand
from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services.campaigns.export import csv_lines


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, help="Write into this file instead of the standard output.")


def _export(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    WhatsAppCampaign.objects.only("pk").get(pk=campaign_id)
    path: Path | None = options["output"]
    if path is None:
        for line in csv_lines([campaign_id]):
            command.stdout.write(line, ending="")
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_lines([campaign_id]))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error


EXPORT = Subcommand("export", "Write what became of each recipient as CSV.", _export, _arguments)
