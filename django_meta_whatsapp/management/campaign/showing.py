"""How far a campaign is, for people: as a bar and as lines."""

from collections.abc import Iterable
from typing import Never

from django.core.management.base import BaseCommand
from tqdm import tqdm

from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services.campaigns import failures
from django_meta_whatsapp.services.campaigns.failures import Failures

IN_THE_BAR = 3
"""Reasons that a bar has room for."""


def bar(command: BaseCommand) -> "tqdm[Never]":
    """A bar of people with rate and remaining time; nothing where there is no terminal."""
    return tqdm(disable=None, unit=" messages", desc="Sending", file=command.stderr, dynamic_ncols=True)


def show(
    on: "tqdm[Never]", done: int, total: int, counts: dict[str, int], reasons: Iterable[Failures]
) -> None:
    """Brings a bar up to date. done, total: people; counts: what stands beside it, by its name."""
    on.total, on.n = total, done
    told = [f"{name}={count}" for name, count in counts.items()]
    commonest = sorted(reasons, key=lambda each: -each.people)[:IN_THE_BAR]
    told += [f"{each.reason}: {each.people}" for each in commonest]
    on.set_postfix_str(", ".join(told))


def write_failures(command: BaseCommand, campaign: WhatsAppCampaign) -> None:
    """Lines with the reasons for which people count as failed, the commonest first."""
    if not campaign.failed_count:
        return
    found = failures.by_reason(campaign.pk)
    command.stdout.write("Failed:")
    for each in found:
        command.stdout.write(f"{each.people:>9}  {each.reason}")
    rest = campaign.failed_count - sum(each.people for each in found)
    if rest > 0:
        command.stdout.write(f"{rest:>9}  for other reasons")
