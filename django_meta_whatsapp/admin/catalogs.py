"""What is kept in step with Meta: templates, catalog products, signups and flows."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.admin.base import AccountFilter, Base, ReadOnly
from django_meta_whatsapp.models import (
    WhatsAppCatalogProduct,
    WhatsAppFlow,
    WhatsAppFlowResponse,
    WhatsAppSignup,
    WhatsAppTemplate,
)


@admin.register(WhatsAppTemplate)
class TemplateAdmin(Base):
    """Texts are written here and sent to Meta by the template functions; what Meta says of them is not ours to write."""

    list_display = ["name", "language", "category", "status", "quality_rating", "account", "synced_at"]
    list_filter = ["status", "category", "language", ("account", AccountFilter)]
    search_fields = ["name", "meta_template_id"]
    autocomplete_fields = ["account"]
    readonly_fields = [
        "meta_template_id",
        "status",
        "quality_rating",
        "rejected_reason",
        "components",
        "synced_at",
        "created_at",
        "updated_at",
    ]
    related = ("account",)


@admin.register(WhatsAppCatalogProduct)
class CatalogProductAdmin(ReadOnly):
    list_display = [
        "name",
        "retailer_id",
        "price",
        "availability",
        "catalog_id",
        "account",
        "is_active",
        "synced_at",
    ]
    list_filter = ["is_active", "availability", ("account", AccountFilter)]
    search_fields = ["name", "retailer_id", "catalog_id"]
    related = ("account",)


@admin.register(WhatsAppSignup)
class SignupAdmin(Base):
    """A signup is made and changed at Meta; only the label for its subscribers is ours."""

    list_display = ["display_name", "account", "status", "subscriber_count", "link", "created_at"]
    list_filter = ["status", ("account", AccountFilter)]
    search_fields = ["display_name", "signup_id__exact", "promo_code"]
    autocomplete_fields = ["auto_add_to_label"]
    readonly_fields = [
        "account",
        "signup_id",
        "display_name",
        "signup_message",
        "confirmation_message",
        "privacy_policy_url",
        "website_url",
        "promo_code",
        "status",
        "subscriber_count",
        "link",
        "created_at",
        "updated_at",
    ]
    related = ("account", "auto_add_to_label")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=_("link"))
    def link(self, signup: WhatsAppSignup) -> str | None:
        return signup.get_deep_link() or None


@admin.register(WhatsAppFlow)
class FlowAdmin(Base):
    list_display = ["name", "account", "status", "is_dynamic", "sent_count", "completion_count", "updated_at"]
    list_filter = ["status", "is_dynamic", ("account", AccountFilter)]
    search_fields = ["name", "meta_flow_id"]
    autocomplete_fields = ["account"]
    readonly_fields = [
        "meta_flow_id",
        "status",
        "validation_errors",
        "sent_count",
        "completion_count",
        "created_at",
        "updated_at",
    ]
    related = ("account",)


@admin.register(WhatsAppFlowResponse)
class FlowResponseAdmin(ReadOnly):
    list_display = ["completed_at", "flow", "phone_number", "account", "processed"]
    list_filter = ["processed", "flow", ("account", AccountFilter)]
    search_fields = ["phone_number__exact", "flow_token__exact"]
    related = ("account", "flow", "conversation__account", "conversation__contact", "message")
