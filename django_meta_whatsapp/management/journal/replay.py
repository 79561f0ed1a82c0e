"""`manage.py whatsapp_webhooks replay --parked`: webhooks applied again, here and now."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from django_meta_whatsapp.management.journal.base import Subcommand
from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.services import replay
from django_meta_whatsapp.services.replay import Selection


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: {error}") from error
    if moment is None:
        raise ArgumentTypeError(f"{text!r} is no time. Write it like 2026-11-26T20:00.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--id", type=int, help="This one.")
    parser.add_argument("--from-id", type=int, help="From this one on.")
    parser.add_argument("--to-id", type=int, help="Up to this one.")
    parser.add_argument(
        "--since", type=_moment, help="Those that came then or later, such as 2026-11-26T20:00."
    )
    parser.add_argument("--until", type=_moment, help="Those that came before.")
    parser.add_argument("--parked", action="store_true", help="Those that are not tried again by themselves.")
    parser.add_argument("--unrouted", action="store_true", help="Those that wait for an account.")
    parser.add_argument("--all", action="store_true", help="All whose body is still there.")
    parser.add_argument(
        "--signals", action="store_true", help="Send the signals of what has been applied before, too."
    )


def _replay(command: BaseCommand, options: dict[str, Any]) -> None:
    selection = _selection(options)
    last: list[int] = []

    def show(count: int, key: int) -> None:
        bar.update(count)
        last[:] = [key]

    with tqdm(
        total=selection.rows().count(), disable=None, unit=" webhooks", desc="Applying", file=command.stderr
    ) as bar:
        try:
            done = replay.replay(selection, signals_again=options["signals"], on_progress=show)
        except KeyboardInterrupt as error:
            rest = f" Go on with --from-id {last[0] + 1}." if last else ""
            raise CommandError(f"Stopped.{rest}") from error
    if options["id"] is not None and not done:
        raise CommandError(_why_not(options["id"]))
    command.stdout.write(f"Webhooks applied again: {done}")


def _selection(options: dict[str, Any]) -> Selection:
    named = ("id", "from_id", "to_id", "since", "until")
    if not any(options[name] is not None for name in named) and not any(
        options[name] for name in ("parked", "unrouted", "all")
    ):
        raise CommandError(
            "Say which: --id, --from-id, --to-id, --since, --until, --parked, --unrouted or --all."
        )
    only = options["id"]
    return Selection(
        first=only if only is not None else options["from_id"],
        last=only if only is not None else options["to_id"],
        since=options["since"],
        until=options["until"],
        parked=options["parked"],
        unrouted=options["unrouted"],
    )


def _why_not(key: int) -> str:
    row = WhatsAppWebhookLog.objects.filter(pk=key).defer("body").first()
    if row is None:
        return f"There is no webhook {key}."
    return f"The webhook {key} cannot be applied again as chosen: {row.get_state_display()}."


REPLAY = Subcommand(
    "replay",
    "Apply webhooks again. What has been applied stays as it is; interrupt it at any time.",
    _replay,
    _arguments,
)
