"""`manage.py whatsapp_webhooks status`: how the journal stands."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from django_meta_whatsapp.management.journal.base import Subcommand
from django_meta_whatsapp.models import WebhookState
from django_meta_whatsapp.services import journal_state
from django_meta_whatsapp.services.journal_state import JournalState


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="One JSON object, for a monitor.")


def _status(command: BaseCommand, options: dict[str, Any]) -> None:
    state = journal_state.read()
    command.stdout.write(_as_json(state) if options["json"] else _as_text(state))


def _as_json(state: JournalState) -> str:
    error = state.last_error
    return json.dumps(
        {
            "counts": state.counts,
            "parked": state.parked,
            "oldest_waiting": state.oldest_waiting and state.oldest_waiting.isoformat(),
            "lag_seconds": round(state.lag.total_seconds(), 3),
            "receivers_failed": state.receivers_failed,
            "unrouted": dict(state.unrouted),
            "waiting_statuses": state.waiting_statuses,
            "last_error": error and {"id": error[0], "received_at": error[1].isoformat(), "error": error[2]},
        }
    )


def _as_text(state: JournalState) -> str:
    lines = [f"{WebhookState(name).label}: {count}" for name, count in state.counts.items()]
    lines.append(f"Parked, to be looked at: {state.parked}")
    lines.append(f"Applied, but a receiver of signals failed: {state.receivers_failed}")
    if state.oldest_waiting:
        came = timezone.localtime(state.oldest_waiting)
        lines.append(f"The oldest that waits came at {came:%Y-%m-%d %H:%M:%S}, {_seconds(state)} s ago")
    else:
        lines.append("Nothing waits to be applied.")
    lines += [f"{count} wait for an account with the ID {target}" for target, count in state.unrouted]
    lines.append(f"Statuses that wait for their message: {state.waiting_statuses}")
    if state.last_error:
        key, received_at, error = state.last_error
        first = error.partition("\n")[0]
        lines.append(f"Last error: #{key}, {timezone.localtime(received_at):%Y-%m-%d %H:%M:%S}: {first}")
    return "\n".join(lines)


def _seconds(state: JournalState) -> int:
    return round(state.lag.total_seconds())


STATUS = Subcommand(
    "status", "Say how many webhooks wait, failed or are for unknown accounts.", _status, _arguments
)
