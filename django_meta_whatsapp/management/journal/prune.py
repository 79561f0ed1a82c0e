"""`manage.py whatsapp_webhooks prune`: what is older than the settings say goes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from django_meta_whatsapp.management.journal.base import Subcommand
from django_meta_whatsapp.services import retention, waiting_statuses


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="Only say how much would go.")


def _prune(command: BaseCommand, options: dict[str, Any]) -> None:
    dry_run: bool = options["dry_run"]
    with tqdm(disable=None, unit=" webhooks", desc="Pruning", file=command.stderr) as bar:
        try:
            pruned = retention.prune(dry_run=dry_run, on_progress=bar.update)
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Pruning again goes on.") from error
    expired = 0 if dry_run else waiting_statuses.expire()
    told = "Would be removed" if dry_run else "Removed"
    command.stdout.write(
        f"{told}: {pruned.rows} webhooks, {pruned.bodies} bodies of others, {expired} waiting statuses"
    )


PRUNE = Subcommand(
    "prune", "Remove old webhooks in small steps, as the worker does by itself.", _prune, _arguments
)
