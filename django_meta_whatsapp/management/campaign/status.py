"""`manage.py whatsapp_campaign status 7`: how far a campaign is; with `--watch` as it goes on."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from django_meta_whatsapp.management.campaign.base import Subcommand
from django_meta_whatsapp.management.campaign.showing import bar, show, write_failures
from django_meta_whatsapp.models import CampaignStatus, WhatsAppCampaign
from django_meta_whatsapp.services.campaigns import failures
from django_meta_whatsapp.services.campaigns.failures import Failures

EVERY = 2.0
_ENDED = (CampaignStatus.COMPLETED, CampaignStatus.FAILED, CampaignStatus.CANCELLED)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help="Go on until it has ended, or Ctrl-C.")
    parser.add_argument(
        "--every", type=float, default=EVERY, help=f"Seconds between two looks (default: {EVERY:g})."
    )


def _status(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    if options["watch"]:
        try:
            _watch(command, campaign_id, max(options["every"], 0.1))
        except KeyboardInterrupt:
            command.stderr.write("Not watched any more; the campaign itself goes on.")
    campaign = WhatsAppCampaign.objects.get(pk=campaign_id)
    command.stdout.write(f"{campaign.name}: {_state(campaign)}")
    command.stdout.write(_counts(campaign))
    write_failures(command, campaign)


def _watch(command: BaseCommand, campaign_id: int, every: float) -> None:
    """A bar on a terminal; elsewhere a line whenever something has changed."""
    told, failed, reasons = "", 0, list[Failures]()
    with bar(command) as on:
        while True:
            campaign = WhatsAppCampaign.objects.get(pk=campaign_id)
            if campaign.failed_count != failed:
                failed, reasons = campaign.failed_count, failures.by_reason(campaign_id)
            if not on.disable:
                if on.total is None:
                    on.initial = _done(campaign)  # the rate is that of the time in which somebody watches
                on.set_description(_state(campaign), refresh=False)
                people = campaign.total_count - campaign.skipped_count
                show(on, _done(campaign), people, _beside(campaign), reasons)
            elif (line := f"{_state(campaign)}: {_counts(campaign)}") != told:
                command.stdout.write(line)
                command.stdout.flush()
                told = line
            if campaign.status in _ENDED:
                return
            time.sleep(every)


def _state(campaign: WhatsAppCampaign) -> str:
    reason = f": {campaign.status_reason}" if campaign.status_reason else ""
    return f"{campaign.get_status_display()}{reason}"


def _done(campaign: WhatsAppCampaign) -> int:
    """How many have been tried."""
    return campaign.sent_count + campaign.rejected_count + campaign.unknown_count


def _beside(campaign: WhatsAppCampaign) -> dict[str, int]:
    return {
        "sent": campaign.sent_count,
        "delivered": campaign.delivered_count,
        "read": campaign.read_count,
        "failed": campaign.failed_count,
        "unknown": campaign.unknown_count,
    }


def _counts(campaign: WhatsAppCampaign) -> str:
    return (
        f"{campaign.total_count} recipients, {campaign.skipped_count} skipped, {campaign.sent_count} sent, "
        f"{campaign.delivered_count} delivered, {campaign.read_count} read, {campaign.failed_count} failed, "
        f"{campaign.unknown_count} of unknown outcome"
    )


STATUS = Subcommand(
    "status", "Say how far a campaign is, and why it stands still if it does.", _status, _arguments
)
