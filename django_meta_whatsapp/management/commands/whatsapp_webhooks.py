"""`manage.py whatsapp_webhooks status`: the journal of webhooks from the shell. The subcommands are in `management/journal/`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_meta_whatsapp.errors import WhatsAppError
from django_meta_whatsapp.management.journal import SUBCOMMANDS


class Command(BaseCommand):
    help = "Watch, replay and prune the journal of webhooks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="subcommand")
        for each in SUBCOMMANDS:
            each.arguments(subparsers.add_parser(each.name, help=each.about, description=each.about))

    def handle(self, *args: Any, **options: Any) -> None:
        subcommand = next(each for each in SUBCOMMANDS if each.name == options["subcommand"])
        try:
            subcommand.run(self, options)
        except WhatsAppError as error:
            raise CommandError(str(error)) from error
