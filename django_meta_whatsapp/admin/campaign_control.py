"""What people do with campaigns in the admin: actions, and decisions about unknown outcomes."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_meta_whatsapp.admin.base import Base, ReadOnly
from django_meta_whatsapp.cloud_api.errors import ErrorClass
from django_meta_whatsapp.errors import WhatsAppError
from django_meta_whatsapp.models import RecipientStatus, WhatsAppCampaign, WhatsAppCampaignRecipient
from django_meta_whatsapp.services.campaigns import control, retrying, unknowns

Campaigns = QuerySet[WhatsAppCampaign]
Recipients = QuerySet[WhatsAppCampaignRecipient]


class RetryForm(ActionForm):
    """The bar of actions, with the class of errors that "Try the failed again" goes by."""

    failed_with = forms.ChoiceField(
        label=_("Failed with"),
        required=False,
        choices=[
            ("", _("what Meta says may pass")),
            *((each.value, each.value.replace("_", " ")) for each in ErrorClass),
        ],
    )


def who(request: HttpRequest) -> str:
    """Who asks, for the campaign's history."""
    return request.user.get_username()


class CampaignControl(Base):
    """Actions of the list of campaigns. Each is safe to click twice."""

    action_form = RetryForm
    control_actions = ("schedule", "start", "pause", "resume", "cancel", "retry_failed", "clone")

    def _each(
        self,
        request: HttpRequest,
        campaigns: Iterable[WhatsAppCampaign],
        ask: Callable[[WhatsAppCampaign], bool],
        done: "str | Promise",
        already: "str | Promise",
    ) -> None:
        """Asks it of each, and says what came of it. done, already: with `%(name)s`."""
        for campaign in campaigns:
            try:
                text, level = (done, messages.SUCCESS) if ask(campaign) else (already, messages.INFO)
            except WhatsAppError as error:
                self.message_user(request, f"{campaign}: {error}", messages.ERROR)
            else:
                self.message_user(request, text % {"name": campaign}, level)

    @admin.action(description=_("Schedule for its time"), permissions=["change"])
    def schedule(self, request: HttpRequest, queryset: Campaigns) -> None:
        """What is typed into `scheduled_at` is a wish; this makes it hold."""
        timed = queryset.exclude(scheduled_at=None)
        self._each(
            request,
            timed,
            # The time was just read, so it is there.
            lambda campaign: control.schedule(campaign.pk, campaign.scheduled_at, by=who(request)),  # type: ignore[arg-type]
            _("%(name)s starts at its time."),
            _("%(name)s was scheduled for that time already."),
        )
        for campaign in queryset.filter(scheduled_at=None):
            text = _("%(name)s: write first for when it is scheduled.") % {"name": campaign}
            self.message_user(request, text, messages.ERROR)

    @admin.action(description=_("Start now"), permissions=["change"])
    def start(self, request: HttpRequest, queryset: Campaigns) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: control.start(campaign.pk, by=who(request)),
            _("%(name)s starts as soon as a worker takes it."),
            _("%(name)s was started already."),
        )

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: Campaigns) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: control.pause(campaign.pk, by=who(request)),
            _("%(name)s is paused; what is under way still goes."),
            _("%(name)s was paused already."),
        )

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: Campaigns) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: control.resume(campaign.pk, by=who(request)),
            _("%(name)s goes on as soon as a worker takes it."),
            _("%(name)s was not paused."),
        )

    @admin.action(description=_("Cancel for good"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: Campaigns) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: control.cancel(campaign.pk, by=who(request)),
            _("%(name)s is cancelled. Whoever has not been sent to stays so."),
            _("%(name)s was cancelled already."),
        )

    @admin.action(description=_("Try the failed again"), permissions=["change"])
    def retry_failed(self, request: HttpRequest, queryset: Campaigns) -> None:
        """Of the class of errors chosen beside the action."""
        chosen = request.POST.get("failed_with")
        classes = [chosen] if chosen else retrying.DEFAULT_CLASSES
        for campaign in queryset:
            try:
                count = control.retry_failed(campaign.pk, classes, by=who(request))
            except WhatsAppError as error:
                self.message_user(request, f"{campaign}: {error}", messages.ERROR)
                continue
            text = ngettext(
                "%(name)s: %(count)s person is tried again.",
                "%(name)s: %(count)s people are tried again.",
                count,
            )
            level = messages.SUCCESS if count else messages.INFO
            self.message_user(request, text % {"name": campaign, "count": count}, level)

    @admin.action(description=_("Copy as a draft"), permissions=["add"])
    def clone(self, request: HttpRequest, queryset: Campaigns) -> None:
        for campaign in queryset:
            copied = control.clone(campaign.pk, by=who(request))
            text = _("%(copy)s (#%(key)s) is a draft with the plan of %(name)s.")
            told = text % {"copy": copied, "key": copied.pk, "name": campaign}
            self.message_user(request, told, messages.SUCCESS)


class UnknownDecisions(ReadOnly):
    """Actions of the list of recipients. Of the chosen rows only those of unknown outcome are meant."""

    actions = ["count_as_sent", "resend", "give_up"]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a recipient's row by hand; who may change campaigns may decide about their people."""
        return request.user.has_perm("django_meta_whatsapp.change_whatsappcampaign")

    @admin.action(description=_("Unknown outcome: count as sent"), permissions=["decide"])
    def count_as_sent(self, request: HttpRequest, queryset: Recipients) -> None:
        self._decide(request, queryset, unknowns.count_as_sent, _("%(count)s counted as sent."))

    @admin.action(
        description=_("Unknown outcome: send again (whoever got the first message gets two)"),
        permissions=["decide"],
    )
    def resend(self, request: HttpRequest, queryset: Recipients) -> None:
        self._decide(request, queryset, unknowns.resend, _("%(count)s to be sent again."))

    @admin.action(description=_("Unknown outcome: give up"), permissions=["decide"])
    def give_up(self, request: HttpRequest, queryset: Recipients) -> None:
        self._decide(request, queryset, unknowns.give_up, _("%(count)s given up."))

    def _decide(
        self, request: HttpRequest, queryset: Recipients, decide: Callable[..., int], done: "str | Promise"
    ) -> None:
        chosen = queryset.filter(status=RecipientStatus.UNKNOWN)
        try:
            count = decide(list(chosen.values_list("pk", flat=True)), by=who(request))
        except WhatsAppError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        if count:
            told: Any = done % {"count": count}
        else:
            told = _("None of them is of unknown outcome.")
        self.message_user(request, told, messages.SUCCESS if count else messages.WARNING)
