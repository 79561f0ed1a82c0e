"""Conversations, messages, the attempts to send them, and media."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.admin.base import AccountFilter, Base, ReadOnly
from django_meta_whatsapp.models import (
    WhatsAppConversation,
    WhatsAppMedia,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)

EXCERPT = 80


@admin.register(WhatsAppConversation)
class ConversationAdmin(Base):
    list_display = [
        "contact",
        "account",
        "label",
        "is_resolved",
        "assigned_to",
        "unread_count",
        "last_message_at",
    ]
    list_filter = ["is_resolved", "label", ("account", AccountFilter)]
    search_fields = ["phone_number__startswith", "contact__name", "assigned_to"]
    autocomplete_fields = ["label"]
    readonly_fields = ["account", "contact", "phone_number", "last_message_at", "unread_count", "created_at"]
    related = ("account", "contact", "label")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # threads begin with a message


@admin.register(WhatsAppMessage)
class MessageAdmin(ReadOnly):
    list_display = [
        "timestamp",
        "direction",
        "contact",
        "account",
        "message_type",
        "excerpt",
        "status",
        "error_code",
        "media_state",
    ]
    list_filter = ["direction", "status", "message_type", "media_state", ("account", AccountFilter)]
    search_fields = ["message_id__exact", "dedupe_key__exact", "phone_number__exact"]
    ordering = ["-pk"]
    related = (
        "account",
        "conversation__account",
        "conversation__contact",
        "campaign",
        "reply_to",
    )

    @admin.display(description=_("contact"))
    def contact(self, message: WhatsAppMessage) -> str:
        return str(message.conversation.contact)

    @admin.display(description=_("text"))
    def excerpt(self, message: WhatsAppMessage) -> str:
        text = message.message_body
        return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


@admin.register(WhatsAppSendAttempt)
class SendAttemptAdmin(ReadOnly):
    list_display = [
        "created_at",
        "state",
        "account",
        "message_id",
        "error_code",
        "error_class",
        "answered_at",
    ]
    list_filter = ["state", "error_class", ("account", AccountFilter)]
    search_fields = ["token__exact", "chat_message__message_id__exact"]
    related = ("account", "chat_message", "recipient")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By token, or by Meta's id of the message, which only messages have an index for: joined with OR, none would be used."""
        term = search_term.strip()
        if not term:
            return queryset, False
        known = WhatsAppMessage.objects.filter(message_id=term).values_list("pk", flat=True)
        return queryset.filter(Q(token=term) | Q(chat_message__in=list(known))), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The only memory of what may have been sent; it goes when its message or recipient goes.
        return obj is None and super().has_delete_permission(request, obj)


@admin.register(WhatsAppMedia)
class MediaAdmin(ReadOnly):
    list_display = ["__str__", "media_type", "mime_type", "account", "uploaded_at"]
    list_filter = ["media_type", ("account", AccountFilter)]
    search_fields = ["media_id__exact", "original_filename"]
    related = ("account",)
