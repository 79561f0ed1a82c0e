"""`manage.py whatsapp_import_rates card.csv --valid-from 2026-01-01`: a rate card from a CSV file."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.services import rates


class Command(BaseCommand):
    help = "Import a rate card with the columns country_prefix, currency, and category and price, or one of each category's name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="The CSV file.")
        parser.add_argument(
            "--valid-from", type=_day, help="From which day on its prices hold (default: today)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                stored = rates.import_card(file, valid_from=options["valid_from"] or timezone.localdate())
        except InvalidFile as error:
            raise CommandError(f"{path}: {error.why}") from error
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from error
        self.stdout.write(f"{stored} prices stored.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date such as 2026-01-31.") from error
