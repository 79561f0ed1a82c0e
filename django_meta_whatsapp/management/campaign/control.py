"""`manage.py whatsapp_campaign pause|resume|cancel|retry 7`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from django_meta_whatsapp.cloud_api.errors import ErrorClass
from django_meta_whatsapp.management.campaign.base import Subcommand, operator
from django_meta_whatsapp.services.campaigns import control, retrying


def _reason(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="Why, for the campaign's history.")


def _pause(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    done = control.pause(campaign_id, by=operator(), reason=options["reason"])
    command.stdout.write("Paused." if done else "It was paused already.")


def _resume(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    done = control.resume(campaign_id, by=operator(), reason=options["reason"])
    command.stdout.write("It goes on as soon as a worker takes it." if done else "It was not paused.")


def _cancel(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    done = control.cancel(campaign_id, by=operator(), reason=options["reason"])
    command.stdout.write("Cancelled." if done else "It was cancelled already.")


def _classes(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        choices=[each.value for each in ErrorClass],
        help=f"Class of errors, may be repeated. Default: {', '.join(retrying.DEFAULT_CLASSES)}.",
    )


def _retry(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    retried = control.retry_failed(campaign_id, options["classes"] or retrying.DEFAULT_CLASSES, by=operator())
    command.stdout.write(f"{retried} to be tried again.")


PAUSE = Subcommand("pause", "Pause a campaign: no further message goes.", _pause, _reason)
RESUME = Subcommand("resume", "Let a worker go on with a paused campaign.", _resume, _reason)
CANCEL = Subcommand("cancel", "End a campaign. Whoever has not been sent to stays so.", _cancel, _reason)
RETRY = Subcommand("retry", "Try those again who failed for certain.", _retry, _classes)
