"""`manage.py whatsapp_campaign run 7`: runs a campaign here, with a live bar."""

from typing import Any

from django.core.management.base import BaseCommand

from django_meta_whatsapp.management.campaign.base import Subcommand
from django_meta_whatsapp.management.campaign.showing import bar, show, write_failures
from django_meta_whatsapp.management.garbage import collecting_seldom
from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services.campaigns import runner, states
from django_meta_whatsapp.services.campaigns.failures import Failures
from django_meta_whatsapp.services.campaigns.states import Progress


def _run(command: BaseCommand, campaign_id: int, options: dict[str, Any]) -> None:
    before = WhatsAppCampaign.objects.get(pk=campaign_id)
    with collecting_seldom(), bar(command) as on:

        def tell(progress: Progress) -> None:
            total = progress.total - progress.skipped
            counts = {"sent": progress.sent, "failed": progress.failed, "unknown": progress.unknown}
            reasons = [Failures(*each) for each in progress.refused.items()]
            show(on, total - progress.left, total, counts, reasons)

        if before.frozen_at:
            tell(states.progress(campaign_id, states.to_send(campaign_id)))
            on.initial = on.n  # what was done before belongs in the bar, and not in the rate
        runner.run(campaign_id, on_progress=tell)
    campaign = WhatsAppCampaign.objects.get(pk=campaign_id)
    command.stdout.write(
        f"{campaign.get_status_display()}: {campaign.sent_count} sent, {campaign.failed_count} failed, "
        f"{campaign.unknown_count} of unknown outcome, {campaign.skipped_count} skipped. {campaign.status_reason}".strip()
    )
    write_failures(command, campaign)


RUN = Subcommand(
    "run", "Run a campaign until it ends or pauses. Interrupt it at any time: running it again goes on.", _run
)
