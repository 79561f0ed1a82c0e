"""`manage.py whatsapp_campaign run 7`: campaigns from the shell. The subcommands are in `management/campaign/`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_meta_whatsapp.errors import WhatsAppError
from django_meta_whatsapp.management.campaign import SUBCOMMANDS
from django_meta_whatsapp.models import WhatsAppCampaign


class Command(BaseCommand):
    help = "Run, watch and control a campaign."

    def add_arguments(self, parser: ArgumentParser) -> None:
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="subcommand")
        for each in SUBCOMMANDS:
            subparser = subparsers.add_parser(each.name, help=each.about, description=each.about)
            subparser.add_argument("campaign", type=int, help="The campaign's ID.")
            each.arguments(subparser)

    def handle(self, *args: Any, **options: Any) -> None:
        subcommand = next(each for each in SUBCOMMANDS if each.name == options["subcommand"])
        campaign_id: int = options["campaign"]
        try:
            subcommand.run(self, campaign_id, options)
        except WhatsAppCampaign.DoesNotExist as error:
            raise CommandError(f"There is no campaign {campaign_id}.") from error
        except WhatsAppError as error:
            raise CommandError(str(error)) from error
