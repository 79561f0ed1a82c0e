"""Preflights a campaign. What was preflighted is what runs: the audience becomes the recipients' rows that a run goes by."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from django_meta_whatsapp.errors import (
    AuthError,
    CampaignNotRunnable,
    ConfigurationError,
    InvalidInput,
    WrongCampaignState,
)
from django_meta_whatsapp.models import (
    CampaignStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
)
from django_meta_whatsapp.services import accounts, clock
from django_meta_whatsapp.services.budget import remaining_budget
from django_meta_whatsapp.services.campaigns import cost, freeze, freezing
from django_meta_whatsapp.services.campaigns.assignment import Assignment, draw_up
from django_meta_whatsapp.services.campaigns.freeze import Frozen
from django_meta_whatsapp.services.campaigns.preflight import findings, media, outlook, people
from django_meta_whatsapp.services.campaigns.preflight.report import Finding, Level, Preflight

MOST_SHOWN = 1000
_UNSTARTED = Q(started_at=None) & (
    Q(status__in=(CampaignStatus.DRAFT, CampaignStatus.SCHEDULED))
    | Q(status=CampaignStatus.FAILED, frozen_at=None)
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is shown, MOST_SHOWN at most. samples: people whose message is rendered; examples: people who lack a value."""

    samples: int = 3
    examples: int = 20

    def __post_init__(self) -> None:
        for name in ("samples", "examples"):
            if not 0 <= getattr(self, name) <= MOST_SHOWN:
                raise InvalidInput(name, f"0 to {MOST_SHOWN} are expected.")


def preflight(
    campaign_id: int,
    account: WhatsAppAccount | None = None,
    *,
    extent: Extent = Extent(),
    stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Frozen], None] = lambda at: None,
) -> Preflight:
    """Freezes the audience and tells all that can be known before anything is sent. The report is kept on the campaign.

    account: who will send, instead of the campaign's own. stopped: asked between batches; a preflight that is stopped reports
    what it has, and the next one goes on (with a provider or resolver: from the beginning). Doing it again tells anew of the same
    people; `discard` first to resolve the audience again. Nothing is sent, and nothing is changed at Meta.
    Raises WrongCampaignState for a campaign that has been started, and WhatsAppCampaign.DoesNotExist.
    """
    related = WhatsAppCampaign.objects.select_related("account", "template__account", "segment")
    campaign = related.get(pk=campaign_id)
    if not WhatsAppCampaign.objects.filter(_UNSTARTED, pk=campaign_id).exists():
        raise _started(campaign)
    try:
        assignment = draw_up(campaign, account)
    except (CampaignNotRunnable, ConfigurationError) as error:
        area = "account" if isinstance(error, ConfigurationError) else "template"
        problem = Finding(area, Level.PROBLEM, str(error))
        return _kept(
            Preflight(campaign_id, clock.now(), False, 0, 0, {}, (), (), (problem,), None, None, None, ())
        )
    problems: list[Finding] = []
    try:
        freezing.frozen_here(assignment, stopped, on_progress)
    except (InvalidInput, ConfigurationError) as error:
        problems.append(Finding("audience", Level.PROBLEM, str(error)))
    return _kept(_report(assignment, extent, problems))


def discard(campaign_id: int) -> None:
    """Takes back what a preflight has frozen, so that the plan can be changed and the audience resolved anew.

    Raises WrongCampaignState for a campaign that has been started: its rows say who was messaged.
    """
    free = WhatsAppCampaign.objects.filter(_UNSTARTED, pk=campaign_id)
    if not free.update(frozen_at=None, preflight={}, preflighted_at=None, updated_at=timezone.now()):
        raise _started(WhatsAppCampaign.objects.get(pk=campaign_id))
    freeze.discard(campaign_id, freeze.progress(campaign_id))


def _started(campaign: WhatsAppCampaign) -> WrongCampaignState:
    state = campaign.get_status_display().lower()
    return WrongCampaignState(f"The campaign is {state} and has been started: a preflight comes before.")


def _report(assignment: Assignment, extent: Extent, problems: list[Finding]) -> Preflight:
    campaign_id = assignment.campaign_id
    at = freeze.progress(campaign_id)
    to_send, skipped = people.counts(campaign_id)
    rows = people.first(campaign_id, extent.samples)
    start = max(clock.now(), assignment.campaign.scheduled_at or clock.now())
    costs = tuple(cost.estimate(assignment, timezone.localdate(start)))
    rate, left = outlook.rate(assignment), remaining_budget(assignment.account)
    return Preflight(
        campaign_id=campaign_id,
        at=clock.now(),
        frozen=at.done,
        total=at.total,
        to_send=to_send,
        skipped=skipped,
        incomplete=people.incomplete(campaign_id, extent.examples),
        samples=tuple(people.sample(assignment, row) for row in rows),
        findings=(
            *problems,
            *_audience(at, to_send),
            *findings.of_rows(assignment),
            *findings.of_quality(assignment.account),
            *_at_meta(assignment, rows),
            *outlook.neighbours(assignment),
            outlook.budget(assignment.account, left, to_send),
            *_costs(assignment, costs),
        ),
        rate=rate,
        seconds=to_send / rate if at.done else None,
        budget=left,
        costs=costs,
    )


def _audience(at: Frozen, to_send: int) -> Iterator[Finding]:
    if at.done and not to_send:
        yield Finding("audience", Level.CHECK, "Nobody is to be sent to.")


def _at_meta(assignment: Assignment, rows: list[WhatsAppCampaignRecipient]) -> Iterator[Finding]:
    account, template = assignment.account, assignment.campaign.template
    try:
        client = accounts.client_for(account)
    except (AuthError, ConfigurationError) as error:
        yield Finding("account", Level.PROBLEM, str(error))
        return
    if template is not None:
        yield from findings.of_template_at_meta(client, accounts.credentials(account).waba_id, template)
    yield from findings.of_number_at_meta(client, account)
    yield from media.of_messages(assignment, rows, client)


def _costs(assignment: Assignment, costs: tuple[cost.Cost, ...]) -> Iterator[Finding]:
    if not costs:
        text = f"The rate card has no prices of {assignment.category}: the cost is not known."
        yield Finding("cost", Level.CHECK, text)
    for each in costs:
        if without := sum(each.without_rate.values()):
            yield Finding("cost", Level.CHECK, f"{without} people have no price in {each.currency}.")


def _kept(report: Preflight) -> Preflight:
    rows = WhatsAppCampaign.objects.filter(pk=report.campaign_id)
    rows.update(preflight=report.as_json(), preflighted_at=timezone.now(), updated_at=timezone.now())
    return report
