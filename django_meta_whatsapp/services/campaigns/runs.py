"""Who is at work on a campaign. A runner says that it lives; the tick gives a campaign that nobody works on to somebody."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    CampaignStatus,
    WhatsAppCampaign,
    WhatsAppCampaignRun,
)
from django_meta_whatsapp.models.bulk.claims import ends_in, held, pending, ready
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.pacing.holding import own_name
from django_meta_whatsapp.services.transactions import in_transaction

RENEWALS = 3
"""How often a runner says that it lives before it would be taken for dead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run may take. seconds: in all; idle: waiting for rows that may go later, RUN_MAX_WAIT at most."""

    seconds: float = math.inf
    idle: float = math.inf


def begin(campaign_id: int, most: int | None) -> int | None:
    """The key of a new run; None when there are already `most` of this campaign."""

    def work() -> int | None:
        # The update comes first: it locks the campaign, so that two tasks do not both take the last place.
        if not WhatsAppCampaign.objects.filter(pk=campaign_id).update(updated_at=timezone.now()):
            raise WhatsAppCampaign.DoesNotExist(f"There is no campaign #{campaign_id}.")
        alive = WhatsAppCampaignRun.objects.filter(campaign_id=campaign_id, expires_at__gt=Now())
        if most is not None and alive.count() >= most:
            return None
        lease = ends_in(whatsapp_settings.RUN_LEASE_SECONDS)
        run = WhatsAppCampaignRun(campaign_id=campaign_id, runner=own_name(), expires_at=lease)
        run.save(force_insert=True)
        return int(run.pk)

    return in_transaction(work)


def renew(run_id: int) -> None:
    """The runner lives. One that was taken for dead meanwhile lives again."""
    lease = ends_in(whatsapp_settings.RUN_LEASE_SECONDS)
    WhatsAppCampaignRun.objects.filter(pk=run_id).update(expires_at=lease)


def end(run_id: int) -> None:
    """The runner has stopped."""
    WhatsAppCampaignRun.objects.filter(pk=run_id).delete()


def forget_dead() -> None:
    """Deletes the runs of runners that died."""
    WhatsAppCampaignRun.objects.filter(expires_at__lt=Now() - timedelta(hours=1)).delete()


def wait_until(campaign_id: int, until: datetime, reason: str) -> None:
    """The campaign stays running and goes on at that policy time. reason: what it waits for, for people to read."""
    rows = WhatsAppCampaign.objects.filter(pk=campaign_id, status=CampaignStatus.RUNNING)
    rows.update(wake_at=until, status_reason=reason)


def says(campaign_id: int, reason: str) -> None:
    """What a running campaign waits for, for people to read; any tick may find that it is there."""
    rows = WhatsAppCampaign.objects.filter(pk=campaign_id, status=CampaignStatus.RUNNING)
    rows.update(status_reason=reason)


def goes_on(campaign_id: int) -> None:
    """What the campaign waited for is there."""
    rows = WhatsAppCampaign.objects.filter(pk=campaign_id, status=CampaignStatus.RUNNING)
    rows.exclude(wake_at=None, status_reason="").update(wake_at=None, status_reason="")


def keep(campaign_id: int, *seen: datetime | None) -> bool:
    """Keeps the campaign for the runners that are told of it now, who may take RUN_LEASE_SECONDS to begin.

    seen: the `wake_at` by which it was found; of several ticks at the same moment, one gets it.
    """
    rows = WhatsAppCampaign.objects.filter(pk=campaign_id)
    if seen:
        rows = rows.filter(wake_at=seen[0])
    return bool(rows.update(wake_at=clock.after(whatsapp_settings.RUN_LEASE_SECONDS)))


class Alone(NamedTuple):
    """A campaign with fewer runners than it gets. wake_at: for `keep`."""

    campaign_id: int
    wake_at: datetime | None
    alive: int


def left_alone(**which: Any) -> list[Alone]:
    """Running campaigns with fewer runners than they get, and work that may be done now or nothing left but to end.

    A campaign whose audience is not frozen yet has work, too. which: lookups that narrow the campaigns.
    """
    campaign = OuterRef("pk")
    running = WhatsAppCampaign.objects.filter(
        Q(wake_at=None) | Q(wake_at__lte=clock.now()), status=CampaignStatus.RUNNING, **which
    )
    counted = running.annotate(alive=Count("runs", filter=Q(runs__expires_at__gt=Now())))
    nothing_goes = (~Exists(pending(campaign)) & ~Exists(held(campaign))) | Q(expires_at__lte=clock.now())
    alone = Q(alive=0) & (Q(frozen_at=None) | nothing_goes)
    short = Q(alive__lt=whatsapp_settings.RUNNERS_PER_CAMPAIGN, frozen_at__isnull=False) & ready(
        campaign, clock.now()
    )
    found = counted.filter(alone | short).order_by("pk").values_list("pk", "wake_at", "alive")
    return [Alone(*row) for row in found]


def has_more(campaign_id: int) -> bool:
    """Whether a campaign whose runner has stopped could go on at once."""
    return bool(left_alone(pk=campaign_id))
