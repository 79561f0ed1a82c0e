"""The journal of webhooks, and statuses that wait for their message."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_meta_whatsapp.admin.base import AccountFilter, ReadOnly, ReadOnlyInline
from django_meta_whatsapp.models import (
    WebhookState,
    WhatsAppUnroutedTarget,
    WhatsAppWaitingStatus,
    WhatsAppWebhookGap,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import journal_state, replay, replay_threads
from django_meta_whatsapp.services.batches import batches

SHOWN = 20_000
"""Characters of a body that a page shows; Meta's largest is 3 MB."""
COLUMNS = (
    "received_at",
    "state",
    "event_count",
    "unrouted_count",
    "unmatched_count",
    "foreign_count",
    "unknown_count",
    "attempts",
    "not_before",
    "processed_at",
)


class ParkedFilter(admin.SimpleListFilter):
    """Failed webhooks by whether they are tried again."""

    title = _("after a failure")
    parameter_name = "parked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Parked")), ("no", _("Tried again"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(replay.PARKED)
        failed = queryset.filter(state=WebhookState.FAILED, not_before__isnull=False)
        return failed if self.value() == "no" else queryset


class ReceiversFilter(admin.SimpleListFilter):
    """What was applied, by whether a receiver of its signals failed."""

    title = _("receivers of signals")
    parameter_name = "receivers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("failed", _("Failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        of_webhooks = queryset.model is WhatsAppWebhookLog
        failed = journal_state.RECEIVERS_FAILED if of_webhooks else ~Q(receiver_error="")
        return queryset.filter(failed) if self.value() == "failed" else queryset


class UnroutedTargetInline(ReadOnlyInline):
    model = WhatsAppUnroutedTarget
    fields = ["target"]


@admin.register(WhatsAppWebhookLog)
class WebhookLogAdmin(ReadOnly):
    list_display = ["id", *COLUMNS, "excerpt"]
    list_filter = ["state", ParkedFilter, ReceiversFilter, "received_at"]
    search_fields = ["=id", "=unrouted_targets__target", "error"]
    fields = [*COLUMNS, "error", "readable_body"]
    readonly_fields = ["readable_body"]
    inlines = [UnroutedTargetInline]
    actions = ["replay", "replay_with_signals"]

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Who may change webhooks may apply them again: nothing else of them can be changed."""
        return request.user.has_perm("django_meta_whatsapp.change_whatsappwebhooklog")

    @admin.action(description=_("Apply again"), permissions=["replay"])
    def replay(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._replay(request, rows, signals_again=False)

    @admin.action(description=_("Apply again, and send all signals again"), permissions=["replay"])
    def replay_with_signals(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._replay(request, rows, signals_again=True)

    def _replay(self, request: HttpRequest, rows: QuerySet[Any], *, signals_again: bool) -> None:
        # Keys, because MySQL and MariaDB do not change a table that the same statement searches.
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        count = sum(
            replay.make_due(WhatsAppWebhookLog.objects.filter(pk__in=batch), signals_again=signals_again)
            for batch in batches(keys)
        )
        replay_threads.hint()
        text = ngettext("%d webhook is applied again.", "%d webhooks are applied again.", count) % count
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")

    @admin.display(description=_("last error"))
    def excerpt(self, row: WhatsAppWebhookLog) -> str:
        return row.error[:100]

    @admin.display(description=_("raw body"))
    def readable_body(self, row: WhatsAppWebhookLog) -> SafeString:
        body = bytes(row.body)
        text = _readable(body) if len(body) <= SHOWN else body[:SHOWN].decode(errors="replace")
        rest = _("… %(count)s bytes in all") % {"count": len(body)} if len(body) > SHOWN else ""
        return format_html("<pre>{}</pre>{}", text[:SHOWN], rest)


@admin.register(WhatsAppUnroutedTarget)
class UnroutedTargetAdmin(ReadOnly):
    list_display = ["target", "webhook", "received_at"]
    list_filter = ["webhook__received_at"]
    search_fields = ["=target"]
    fields = ["target", "webhook"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("webhook").defer("webhook__body")

    @admin.display(description=_("received"), ordering="webhook__received_at")
    def received_at(self, row: WhatsAppUnroutedTarget) -> Any:
        return row.webhook.received_at


@admin.register(WhatsAppWebhookGap)
class WebhookGapAdmin(ReadOnly):
    list_display = ["account", "began_at", "ended_at"]
    list_filter = [("account", AccountFilter), "ended_at"]
    search_fields = ["account__name"]
    related = ("account",)


@admin.register(WhatsAppWaitingStatus)
class WaitingStatusAdmin(ReadOnly):
    list_display = [
        "message_id",
        "account",
        "status",
        "happened_at",
        "error_code",
        "failed_receivers",
        "created_at",
    ]
    list_filter = ["status", ReceiversFilter, ("account", AccountFilter), "created_at"]
    search_fields = ["message_id__startswith"]
    exclude = ["key"]
    related = ("account",)

    @admin.display(description=_("failed receivers"))
    def failed_receivers(self, row: WhatsAppWaitingStatus) -> str:
        return row.receiver_error[:100]


def _readable(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
