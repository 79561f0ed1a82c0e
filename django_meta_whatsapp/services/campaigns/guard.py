"""What stops running campaigns from outside, and lets them go on: their template, their account, their quality.

The rows are the truth. Whoever changes one (a webhook, mostly) calls `template_changed` or `account_changed` in the same
transaction; a worker sees the pause at its next mark. A run looks at the rows itself as well, every LOOK_EVERY seconds, and the
tick resumes whatever was paused for a cause that is gone. The other causes wait for a person.
"""

import time
from datetime import timedelta
from functools import partial

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    AccountState,
    CampaignStatus,
    PauseCause,
    QualityRating,
    TemplateStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import states
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.budget import Budget, Sample
from django_meta_whatsapp.services.campaigns.stops import Stop
from django_meta_whatsapp.services.transactions import in_transaction

LOOK_EVERY = 1.0
"""Seconds between two looks of a run."""
_COUNTS = ("sent_count", "rejected_count", "failed_count", "budget_from_tried", "budget_from_failed")
_LOW: dict[str, tuple[str, ...]] = {
    "RED": (QualityRating.RED,),
    "YELLOW": (QualityRating.RED, QualityRating.YELLOW),
    "": (),
}
_RANK: dict[str, int] = {QualityRating.RED: 0, QualityRating.YELLOW: 1}

WHY_AGAIN = {
    PauseCause.TEMPLATE: "The template is approved again.",
    PauseCause.ACCOUNT: "The account may send again.",
    PauseCause.QUALITY: "The quality is better again.",
    PauseCause.UNREACHABLE: "Meta may be reachable again.",
}
"""The causes that end by themselves."""


class Guard:
    """Watches over one run."""

    def __init__(self, assignment: Assignment) -> None:
        template = assignment.campaign.template
        self._campaign_id = assignment.campaign_id
        self._account_id = assignment.account.pk
        ratings = [assignment.account.quality_rating, template.quality_rating if template else ""]
        self._quality = min(map(_rank, ratings))
        self._budget = Budget()
        self._next_look = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to look; asking does not look."""
        return time.monotonic() >= self._next_look

    def look(self) -> Stop | None:
        """Why the campaign should pause, if it should. Three queries by key."""
        self._next_look = time.monotonic() + LOOK_EVERY
        return self._look_at_template() or self._look_at_account() or self._look_at_counts()

    def _look_at_template(self) -> Stop | None:
        fields = ("name", "language", "status", "quality_rating")
        template = WhatsAppTemplate.objects.only(*fields).get(campaigns=self._campaign_id)
        return _template_stop(template) or self._quality_stop(template.quality_rating)

    def _look_at_account(self) -> Stop | None:
        fields = ("name", "is_active", "state", "state_reason", "quality_rating")
        account = WhatsAppAccount.objects.only(*fields).get(pk=self._account_id)
        return _account_stop(account) or self._quality_stop(account.quality_rating)

    def _quality_stop(self, rating: str) -> Stop | None:
        """A rating that has dropped since the run began; one that was low already is a person's decision."""
        dropped = _rank(rating) < self._quality
        return Stop(PauseCause.QUALITY, _told(rating)) if dropped and _is_low(rating) else None

    def _look_at_counts(self) -> Stop | None:
        campaign = WhatsAppCampaign.objects.only(*_COUNTS).get(pk=self._campaign_id)
        tried = campaign.sent_count + campaign.rejected_count
        begin = Sample(campaign.budget_from_tried, campaign.budget_from_failed)
        return self._budget.judge(begin, Sample(tried, campaign.failed_count))


def stop(assignment: Assignment, why: Stop) -> None:
    """Pauses the campaign of a run. What Meta's refusal tells of the template is written on it, for other campaigns to see."""

    def work() -> None:
        states.pause(assignment.campaign_id, why.reason, why.cause)
        template = assignment.campaign.template
        if template and why.template_status:
            rows = WhatsAppTemplate.objects.filter(pk=template.pk, status=TemplateStatus.APPROVED)
            if rows.update(status=why.template_status, updated_at=timezone.now()):
                template_changed(WhatsAppTemplate.objects.get(pk=template.pk))

    in_transaction(work)


def template_changed(template: WhatsAppTemplate) -> None:
    """The row has changed: running campaigns with it pause, if they must. In the caller's transaction."""
    concerned = WhatsAppCampaign.objects.filter(template=template)
    _stop_all(concerned, _template_stop(template), PauseCause.TEMPLATE_REFUSED)


def account_changed(account: WhatsAppAccount) -> None:
    """The row has changed: running campaigns of it pause, if they must. In the caller's transaction."""
    concerned = WhatsAppCampaign.objects.filter(_spoken_for_by(account))
    _stop_all(concerned, _account_stop(account), PauseCause.ACCOUNT_REFUSED)


def quality_dropped(account: WhatsAppAccount | None, template: WhatsAppTemplate | None, rating: str) -> None:
    """The rating of one of them has just become worse. In the caller's transaction."""
    if _is_low(rating):
        concerned = _spoken_for_by(account) if account else Q(template=template)
        _stop_all(WhatsAppCampaign.objects.filter(concerned), Stop(PauseCause.QUALITY, _told(rating)), None)


def is_worse(rating: str, before: str) -> bool:
    """Whether a quality rating has dropped."""
    return _rank(rating) < _rank(before)


def _spoken_for_by(account: WhatsAppAccount) -> Q:
    concerned = Q(account=account) | Q(account=None, template__account=account)
    if account.phone_number_id == whatsapp_settings.PHONE_NUMBER_ID:
        concerned |= Q(account=None, template__account=None)
    return concerned


def _template_stop(template: WhatsAppTemplate) -> Stop | None:
    if template.status == TemplateStatus.APPROVED:
        return None
    return Stop(PauseCause.TEMPLATE, f"The template {template} is {template.get_status_display()}.")


def _account_stop(account: WhatsAppAccount) -> Stop | None:
    if account.can_send:
        return None
    why = account.state_reason or (account.state if account.is_active else "switched off")
    return Stop(PauseCause.ACCOUNT, f"The account {account} may not send: {why}")


def _rank(rating: str) -> int:
    return _RANK.get(rating, 2)


def _is_low(rating: str) -> bool:
    return rating in _LOW[whatsapp_settings.PAUSE_ON_QUALITY]


def _told(rating: str) -> str:
    return f"The quality rating has dropped to {rating}."


def _stop_all(campaigns: QuerySet[WhatsAppCampaign], why: Stop | None, vaguer: PauseCause | None) -> None:
    """vaguer: a cause of which `why` now tells the truth, so that the end of it is noticed."""
    if why is None:
        return
    for key in list(
        campaigns.filter(status=CampaignStatus.RUNNING).order_by("pk").values_list("pk", flat=True)
    ):
        states.pause(key, why.reason, why.cause)
    if vaguer:
        campaigns.filter(status=CampaignStatus.PAUSED, pause_cause=vaguer).update(pause_cause=why.cause)


def resume_recovered() -> int:
    """Campaigns whose cause to pause is gone are due again; how many."""
    found = list(_recovered().values_list("pk", "pause_cause"))
    return sum(_resume(key, PauseCause(cause)) for key, cause in found)


def _resume(campaign_id: int, cause: PauseCause) -> bool:
    # Only while it stands still for that cause: a person may have paused it for good meanwhile.
    return in_transaction(
        partial(states.make_due, campaign_id, reason=WHY_AGAIN[cause], paused=Q(pause_cause=cause))
    )


def _recovered() -> QuerySet[WhatsAppCampaign]:
    low = _LOW[whatsapp_settings.PAUSE_ON_QUALITY]
    approved = Q(template__status=TemplateStatus.APPROVED)
    connected = Q(speaker_state=AccountState.CONNECTED, speaker_active=True)
    good = ~Q(speaker_quality__in=low) & ~Q(template__quality_rating__in=low)
    outage = clock.now() - timedelta(seconds=whatsapp_settings.RESUME_AFTER_OUTAGE_SECONDS)
    paused = WhatsAppCampaign.objects.filter(status=CampaignStatus.PAUSED).annotate(
        speaker_state=_of_speaker("state"),
        speaker_quality=_of_speaker("quality_rating"),
        speaker_active=_of_speaker("is_active"),
    )
    return paused.filter(
        Q(pause_cause=PauseCause.TEMPLATE) & approved
        | Q(pause_cause=PauseCause.ACCOUNT) & connected
        | Q(pause_cause=PauseCause.QUALITY) & good
        | Q(pause_cause=PauseCause.UNREACHABLE, status_changed_at__lte=outage)
    ).order_by("pk")


def _of_speaker(field: str) -> Coalesce:
    """A field of the account that speaks for a campaign."""
    own = WhatsAppAccount.objects.filter(phone_number_id=whatsapp_settings.PHONE_NUMBER_ID)
    return Coalesce(f"account__{field}", f"template__account__{field}", Subquery(own.values(field)[:1]))
