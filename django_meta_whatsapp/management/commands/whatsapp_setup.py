"""`manage.py whatsapp_setup`: connects an account, subscribes to its webhooks and says what is missing."""

import getpass
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import MissingSetting, NotSentError, WhatsAppError
from django_meta_whatsapp.services.setup import Finding, Level, Report, connect

TOKEN_VARIABLE = "WHATSAPP_ACCESS_TOKEN"  # noqa: S105 - a name
_OPTIONS = {
    "ACCESS_TOKEN": f"--token-file or the environment variable {TOKEN_VARIABLE}",
    "PHONE_NUMBER_ID": "--phone-number-id",
    "WABA_ID": "--waba-id",
}


class Command(BaseCommand):
    help = (
        "Connect an account: check token and IDs with Meta, store what Meta tells of the number, subscribe to the webhooks "
        "and say what is missing. Run it again at any time. Ends with an error while something is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--name", default="", help="What to call the account (default: the number's name)."
        )
        parser.add_argument("--phone-number-id", default="", help="Default: the setting PHONE_NUMBER_ID.")
        parser.add_argument("--waba-id", default="", help="Default: the setting WABA_ID.")
        parser.add_argument(
            "--token-file",
            type=Path,
            help=f"File with the access token (default: {TOKEN_VARIABLE}, the settings, or asked for). "
            "No option takes the token itself: other users could see it.",
        )
        parser.add_argument(
            "--app-secret-file",
            type=Path,
            help="File with the secret of the account's app (default: the settings).",
        )
        parser.add_argument(
            "--callback-url",
            default="",
            help="Let Meta send this account's webhooks here instead of to the app's address.",
        )
        parser.add_argument(
            "--no-subscribe", action="store_true", help="Leave the webhook subscription alone."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self.connect(options)
        except MissingSetting as error:
            hint = f", or use {_OPTIONS[error.key]}" if error.key in _OPTIONS else ""
            raise CommandError(f'WHATSAPP["{error.key}"] is empty: set it{hint}.') from error
        except NotSentError as error:
            where = whatsapp_settings.GRAPH_BASE_URL
            raise CommandError(f"Meta cannot be reached at {where}. {error} Nothing was stored.") from error
        except WhatsAppError as error:
            raise CommandError(f"{error} Nothing was stored.") from error
        self.show(report)
        if report.missing:
            told = " ".join(finding.text for finding in report.missing)
            raise CommandError(f"The account is stored, but not ready. {told}")

    def connect(self, options: dict[str, Any]) -> Report:
        given = {
            "phone_number_id": options["phone_number_id"],
            "waba_id": options["waba_id"],
            "access_token": _token(options["token_file"]),
            "app_secret": _secret(options["app_secret_file"]),
            "name": options["name"],
            "callback_url": options["callback_url"],
            "subscribe": not options["no_subscribe"],
        }
        try:
            return connect(**given)
        except MissingSetting as error:
            if error.key != "ACCESS_TOKEN" or not sys.stdin.isatty():
                raise
        return connect(**{**given, "access_token": getpass.getpass("Access token: ").strip()})

    def show(self, report: Report) -> None:
        account = report.account
        self.stdout.write(f"{account.name}, {account.display_phone_number} (account {account.pk})")
        for finding in report.findings:
            self.stdout.write(f"  {self.mark(finding)} {finding.text}")
            if finding.next_step:
                self.stdout.write(f"          Next: {finding.next_step}")
        changed = "Connected." if report.created else f"Changed: {', '.join(report.changed) or 'nothing'}."
        self.stdout.write(changed)

    def mark(self, finding: Finding) -> str:
        style = {
            Level.OK: self.style.SUCCESS,
            Level.CHECK: self.style.WARNING,
            Level.MISSING: self.style.ERROR,
        }[finding.level]
        return style(f"{finding.level:<7}")


def _token(file: Path | str | None) -> str:
    """The token that was given, "" for none. An environment that only feeds the settings gives none."""
    if file:
        return _secret(file)
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return "" if token == whatsapp_settings.ACCESS_TOKEN else token


def _secret(file: Path | str | None) -> str:
    if not file:
        return ""
    try:
        secret = Path(file).read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: this is no text.") from error
    if not secret:
        raise CommandError(f"{file}: the file is empty.")
    return secret
