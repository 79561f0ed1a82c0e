"""Contacts, what identifies them, what holds between them and our numbers, labels and blocks."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_meta_whatsapp.admin.base import AccountFilter, Base, ReadOnly, ReadOnlyInline
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import (
    WhatsAppBlockedUser,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppLabel,
)
from django_meta_whatsapp.services import consent, contact_merge

MERGED_AT_ONCE = 10
"""Contacts that one action makes one of: more than that are hardly one person."""


@admin.register(WhatsAppLabel)
class LabelAdmin(Base):
    list_display = ["name", "color", "created_at"]
    search_fields = ["name"]


class IdentityInline(ReadOnlyInline):
    model = WhatsAppContactIdentity
    fields = ["identity", "created_at"]
    readonly_fields = ["created_at"]


class AccountStateInline(ReadOnlyInline):
    model = WhatsAppContactAccount
    fields = ["account", "is_blocked", "marketing_opted_out", "last_inbound_at"]
    related = ("account", "contact")


@admin.register(WhatsAppContact)
class ContactAdmin(Base):
    list_display = ["display_name", "number", "email", "opted_out", "is_blocked", "created_at"]
    list_filter = ["opted_out", "is_blocked", "labels", "created_at"]
    search_fields = ["name", "phone", "email", "identities__identity__exact"]
    autocomplete_fields = ["labels"]
    readonly_fields = [
        "opted_out_changed_at",
        "is_blocked",
        "subscribed_via_signup",
        "subscribed_at",
        "created_at",
        "updated_at",
    ]
    fieldsets = [
        (None, {"fields": ["phone", "name", "email", "labels", "notes"]}),
        (
            _("Consent"),
            {
                "fields": [
                    "opted_out",
                    "opted_out_changed_at",
                    "is_blocked",
                    "subscribed_via_signup",
                    "subscribed_at",
                ]
            },
        ),
        (None, {"fields": ["created_at", "updated_at"]}),
    ]
    inlines = [IdentityInline, AccountStateInline]
    related = ("subscribed_via_signup",)
    actions = ["merge"]

    def save_model(self, request: HttpRequest, obj: WhatsAppContact, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "opted_out" in form.changed_data:
            consent.note_by_person(obj.pk, obj.opted_out, request.user.get_username())

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_delete_permission(request)

    @admin.action(description=_("Merge into one contact"), permissions=["merge"])
    def merge(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        people = {row.pk: row for row in rows.order_by("created_at", "pk")[: MERGED_AT_ONCE + 1]}
        if not 2 <= len(people) <= MERGED_AT_ONCE:
            text = _("Choose two contacts or more, and no more than %(most)s.") % {"most": MERGED_AT_ONCE}
            self.message_user(request, text, messages.WARNING)
            return None
        kept = request.POST.get("kept", "")
        if request.POST.get("confirmed") != "yes" or kept not in map(str, people):
            context = {
                **self.admin_site.each_context(request),
                "title": _("Merge contacts"),
                "contacts": people.values(),
            }
            template = "admin/django_meta_whatsapp/whatsappcontact/merge.html"
            return TemplateResponse(request, template, context)
        self._merge(request, people.pop(int(kept)), list(people.values()))
        return None

    def _merge(self, request: HttpRequest, kept: WhatsAppContact, others: list[WhatsAppContact]) -> None:
        for other in others:
            try:
                contact_merge.merge(kept.pk, other.pk)
            except InvalidInput as error:
                self.message_user(request, f"{other}: {error}", messages.ERROR)
                return
            self.log_change(request, kept, f"Merged with #{other.pk} ({other}).")
        text = ngettext(
            "%d contact became part of another.", "%d contacts became part of another.", len(others)
        )
        self.message_user(request, text % len(others), messages.SUCCESS)

    @admin.display(description=_("phone"), ordering="phone")
    def number(self, contact: WhatsAppContact) -> str | None:
        return f"+{contact.phone}" if contact.phone else None


@admin.register(WhatsAppContactIdentity)
class IdentityAdmin(ReadOnly):
    list_display = ["identity", "contact", "created_at"]
    search_fields = ["identity__exact"]
    related = ("contact",)


@admin.register(WhatsAppContactAccount)
class ContactAccountAdmin(Base):
    """Consent may be written by hand; the rest comes from Meta."""

    list_display = ["contact", "account", "is_blocked", "marketing_opted_out", "last_inbound_at"]
    list_filter = ["is_blocked", "marketing_opted_out", ("account", AccountFilter)]
    search_fields = ["contact__phone__exact", "contact__name"]
    fields = [
        "contact",
        "account",
        "marketing_opted_out",
        "marketing_changed_at",
        "is_blocked",
        "last_inbound_at",
    ]
    readonly_fields = ["is_blocked", "last_inbound_at", "marketing_changed_at"]
    autocomplete_fields = ["contact", "account"]
    related = ("contact", "account")

    def save_model(self, request: HttpRequest, obj: WhatsAppContactAccount, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "marketing_opted_out" in form.changed_data:
            who = request.user.get_username()
            consent.note_by_person(obj.contact_id, obj.marketing_opted_out, who, obj.account)


@admin.register(WhatsAppConsentEvent)
class ConsentEventAdmin(ReadOnly):
    """Evidence: it is there to be read."""

    list_display = [
        "happened_at",
        "contact",
        "kind",
        "marketing_only",
        "source",
        "text",
        "account",
        "created_at",
    ]
    list_filter = ["kind", "source", "marketing_only", ("account", AccountFilter)]
    search_fields = ["contact__phone__exact", "contact__name", "text", "event_id__exact"]
    related = ("contact", "account", "message")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(WhatsAppBlockedUser)
class BlockedUserAdmin(ReadOnly):
    list_display = ["__str__", "account", "is_active", "blocked_at", "unblocked_at", "meta_error"]
    list_filter = ["is_active", ("account", AccountFilter)]
    search_fields = ["phone_number__exact", "wa_id__exact", "identity__exact"]
    related = ("account",)
