"""`manage.py whatsapp_campaign preflight 7`: everything that can be known before anything is sent."""

import json
import threading
from argparse import ArgumentParser
from typing import Any, Never

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from django_meta_whatsapp.management.campaign.base import Subcommand
from django_meta_whatsapp.services.campaigns.freeze import Frozen
from django_meta_whatsapp.services.campaigns.interrupts import stopped_by_signals
from django_meta_whatsapp.services.campaigns.preflight import Extent, discard, preflight, send_trial


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--again", action="store_true", help="Resolve the audience anew.")
    parser.add_argument("--discard", action="store_true", help="Only take back what was frozen.")
    parser.add_argument("--json", action="store_true", help="Write the report as JSON.")
    parser.add_argument("--samples", type=int, default=3, help="Messages to show (default: 3).")
    parser.add_argument(
        "--examples", type=int, default=20, help="People without a value to show (default: 20)."
    )
    parser.add_argument(
        "--test", nargs="+", metavar="NUMBER", default=[], help="Send the first message to these numbers."
    )


def _preflight(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    if options["again"] or options["discard"]:
        discard(campaign_id)
    if options["discard"]:
        command.stdout.write("Discarded.")
        return
    stop = threading.Event()
    with (
        stopped_by_signals(stop),
        tqdm(disable=None, unit=" people", desc="Freezing", file=command.stderr) as bar,
    ):
        report = preflight(
            campaign_id,
            extent=Extent(options["samples"], options["examples"]),
            stopped=stop.is_set,
            on_progress=lambda at: _show(bar, at),
        )
    command.stdout.write(json.dumps(report.as_json(), indent=2) if options["json"] else str(report))
    if report.frozen and options["test"]:
        for trial in send_trial(campaign_id, options["test"]):
            command.stderr.write(f"Test to {trial.phone}: {trial.why or trial.status}")
    if not report.can_run:
        raise CommandError("The campaign cannot run as it stands.")


def _show(bar: "tqdm[Never]", at: Frozen) -> None:
    bar.update(at.total - bar.n)
    bar.set_postfix(skipped=at.skipped)


PREFLIGHT = Subcommand(
    "preflight",
    "Freeze the audience and tell who gets what, what it costs and what is in the way. Sends nothing but a test.",
    _preflight,
    _arguments,
)
