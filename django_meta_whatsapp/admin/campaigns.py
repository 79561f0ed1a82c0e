"""Campaigns and their recipients."""

import time
from datetime import datetime
from itertools import chain
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.admin.base import AccountFilter, ReadOnly
from django_meta_whatsapp.admin.campaign_control import CampaignControl, UnknownDecisions
from django_meta_whatsapp.admin.plans import ReadyMadeFilters, with_ready_made
from django_meta_whatsapp.errors import CampaignNotRunnable, WhatsAppError
from django_meta_whatsapp.models import (
    WhatsAppCampaign,
    WhatsAppCampaignEvent,
    WhatsAppCampaignRecipient,
    WhatsAppCampaignRun,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import tally
from django_meta_whatsapp.services.campaigns.assignment import personalised
from django_meta_whatsapp.services.campaigns.export import csv_lines
from django_meta_whatsapp.services.campaigns.preflight import discard, preflight, told

COUNTS = (
    "total_count",
    "skipped_count",
    "sent_count",
    "delivered_count",
    "read_count",
    "failed_count",
    "unknown_count",
)
TIMES = ("preflighted_at", "frozen_at", "started_at", "wake_at", "completed_at", "created_at", "updated_at")
PLAN = [
    "account",
    "template",
    "audience_type",
    "segment",
    "audience_filters",
    "csv_file",
    "parameter_mappings",
    "header_file",
]
"""What the recipients' rows are made of: changing it after the audience is frozen would change nothing."""
POLICIES = ["priority", "expires_at", "send_window", "quiet_hours"]
"""What may change while a campaign runs."""

PREFLIGHT_SECONDS = 20.0
"""What a preflight takes of a request before it stops for now."""
FILLING = ("audience_type", "parameter_mappings", "header_file")
"""What decides whether the template's variables are filled."""


class CampaignForm(ReadyMadeFilters):
    filters_field = "audience_filters"

    class Meta:
        model = WhatsAppCampaign
        fields = ["name", *PLAN, *POLICIES, "scheduled_at"]

    def clean_expires_at(self) -> datetime | None:
        expires: datetime | None = self.cleaned_data["expires_at"]
        if expires and "expires_at" in self.changed_data and expires <= clock.now():
            raise ValidationError(_("That is past: nobody would be messaged."), code="invalid")
        return expires

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("template") and "parameter_mappings" in cleaned:
            filled = {name: cleaned[name] for name in FILLING if name in cleaned}
            try:
                personalised(WhatsAppCampaign(**filled), cleaned["template"])
            except CampaignNotRunnable as error:
                self.add_error("parameter_mappings", ValidationError(str(error), code="invalid"))
        return cleaned


@admin.register(WhatsAppCampaign)
class CampaignAdmin(CampaignControl):
    form = CampaignForm
    list_display = ["name", "account", "template", "status", "status_reason", *COUNTS, "started_at"]
    list_filter = ["status", "priority", "created_at", ("account", AccountFilter)]
    search_fields = ["name", "template__name"]
    autocomplete_fields = ["account", "template", "segment"]
    readonly_fields = ["status", "status_reason", "preflight_report", *COUNTS, *TIMES]
    fieldsets = [
        (None, {"fields": ["name", "status", "status_reason", *PLAN, "scheduled_at"]}),
        (_("When and how fast"), {"fields": [*POLICIES]}),
        (_("Before it is sent"), {"fields": ["preflight_report"]}),
        (_("Counts"), {"fields": COUNTS}),
        (_("Times"), {"fields": TIMES}),
    ]
    related = ("account", "template", "segment")
    actions = [
        "preflight",
        "discard_preflight",
        *CampaignControl.control_actions,
        "count_again",
        "export_recipients",
    ]

    @admin.display(description=_("preflight"))
    def preflight_report(self, campaign: WhatsAppCampaign) -> str:
        return format_html("<pre>{}</pre>", told(campaign.preflight)) if campaign.preflight else "—"

    @admin.action(description=_("Preflight"), permissions=["change"])
    def preflight(self, request: HttpRequest, queryset: QuerySet[WhatsAppCampaign]) -> None:
        """As far as the time of one request goes; choosing it again goes on."""
        until = time.monotonic() + PREFLIGHT_SECONDS
        for campaign in queryset:
            try:
                report = preflight(campaign.pk, stopped=lambda: time.monotonic() > until)
            except WhatsAppError as error:
                self.message_user(request, f"{campaign}: {error}", messages.ERROR)
                continue
            if report.can_run:
                text, level = _("%(name)s can be sent to %(people)s people."), messages.SUCCESS
            elif report.frozen or report.has_problem:
                text, level = _("%(name)s cannot run as it stands: see its report."), messages.WARNING
            else:
                text, level = (
                    _("%(name)s: %(people)s so far. Choose Preflight again to go on."),
                    messages.WARNING,
                )
            self.message_user(request, text % {"name": campaign, "people": report.to_send}, level)

    @admin.action(description=_("Discard the preflight"), permissions=["change"])
    def discard_preflight(self, request: HttpRequest, queryset: QuerySet[WhatsAppCampaign]) -> None:
        """Makes the plan changeable again, until the campaign has been started."""
        for campaign in queryset:
            try:
                discard(campaign.pk)
            except WhatsAppError as error:
                self.message_user(request, f"{campaign}: {error}", messages.ERROR)
            else:
                self.message_user(request, _("%(name)s is not frozen any more.") % {"name": campaign})

    @admin.action(description=_("Export the recipients as CSV"), permissions=["export"])
    def export_recipients(
        self, request: HttpRequest, queryset: QuerySet[WhatsAppCampaign]
    ) -> StreamingHttpResponse:
        """Streamed, and with a byte order mark, by which Excel knows UTF-8."""
        lines = chain(["\ufeff"], csv_lines(list(queryset.order_by("pk").values_list("pk", flat=True))))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="recipients.csv"'
        return response

    @admin.action(description=_("Count the recipients again"), permissions=["change"])
    def count_again(self, request: HttpRequest, queryset: QuerySet[WhatsAppCampaign]) -> None:
        """The counts follow the rows by themselves; this mends them after rows were changed by hand."""
        for campaign in queryset:
            tally.recount(campaign)
        self.message_user(request, _("Counted again."))

    def has_export_permission(self, request: HttpRequest) -> bool:
        """An export shows people, whom a campaign's own page does not."""
        return request.user.has_perm("django_meta_whatsapp.view_whatsappcampaignrecipient")

    def save_model(
        self, request: HttpRequest, obj: WhatsAppCampaign, form: CampaignForm, change: bool
    ) -> None:
        """What was typed and nothing else: a freezing or a run may have changed counts and state meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        typed = {*form.changed_data} & {*form.fields}
        if "ready_made" in typed:
            typed = {*typed, form.filters_field}
        obj.save(update_fields=[*(typed - {"ready_made"}), "updated_at"])

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first, *others = super().get_fieldsets(request, obj)
        return [with_ready_made(self, request, obj, first), *others]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        frozen = obj is not None and obj.frozen_at is not None
        return [*self.readonly_fields, *PLAN, "scheduled_at"] if frozen else list(self.readonly_fields)


@admin.register(WhatsAppCampaignRecipient)
class RecipientAdmin(UnknownDecisions):
    list_display = [
        "__str__",
        "campaign",
        "status",
        "skip_reason",
        "error_code",
        "error_message",
        "attempt_count",
        "accepted_at",
        "delivered_at",
        "read_at",
    ]
    list_filter = ["status", "skip_reason", "error_class"]
    search_fields = ["phone_number__exact", "message_id__exact", "identity__exact", "campaign__name"]
    related = ("campaign", "contact", "chat_message")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the row is what keeps this person from being messaged again


@admin.register(WhatsAppCampaignEvent)
class CampaignEventAdmin(ReadOnly):
    list_display = ["campaign", "kind", "by", "reason", "at"]
    list_filter = ["kind", "at"]
    search_fields = ["campaign__name", "by", "reason"]
    related = ("campaign",)


@admin.register(WhatsAppCampaignRun)
class RunAdmin(ReadOnly):
    list_display = ["campaign", "runner", "started_at", "expires_at"]
    search_fields = ["campaign__name", "runner__exact"]
    related = ("campaign",)
