"""Accounts, whose secrets can be written and not read, and API keys, which are shown once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.admin.base import SECRETS, AccountFilter, Base, without_secrets
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppAPIKey


class SecretField(forms.CharField):
    """A secret that can be typed and is never shown. Empty keeps what is stored."""

    def __init__(self, **options: Any) -> None:
        # No browser shall fill a stored password in.
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"})
        super().__init__(required=False, widget=widget, **options)


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """The secrets stand apart from the model's fields: they are not read to draw the form."""

    access_token = SecretField(label=_("access token"))
    app_secret = SecretField(label=_("app secret"))
    verify_token = SecretField(label=_("verify token"))
    forget = forms.MultipleChoiceField(
        label=_("forget"),
        required=False,
        choices=[("access_token", _("access token")), ("app_secret", _("app secret"))],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Without its own the account uses those of the settings."),
    )

    class Meta:
        model = WhatsAppAccount
        fields = ["name", "is_active"]  # AccountAdmin adds the others

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SECRETS:
            is_set = getattr(self.instance, f"has_{name}", False)
            state = _("Set. Leave empty to keep it.") if is_set else _("Not set.")
            if name in self.fields:  # not for people who may only look
                self.fields[name].help_text = state

    def secrets(self) -> dict[str, str]:
        """The secrets that this form changes."""
        typed = {name: self.cleaned_data[name] for name in SECRETS if self.cleaned_data.get(name)}
        return {**dict.fromkeys(self.cleaned_data.get("forget") or (), ""), **typed}


@admin.register(WhatsAppAccount)
class AccountAdmin(Base):
    form = AccountForm
    exclude = SECRETS
    list_display = [
        "name",
        "display_phone_number",
        "phone_number_id",
        "waba_id",
        "state",
        "quality_rating",
        "throughput",
        "has_token",
        "is_active",
    ]
    list_filter = ["is_active", "state", "quality_rating"]
    search_fields = ["name", "phone_number_id", "waba_id", "display_phone_number"]
    readonly_fields = [
        "has_token",
        "has_secret",
        "has_verify",
        "quality_rating",
        "messaging_limit",
        "state",
        "state_reason",
        "restricted_until",
        "created_at",
        "updated_at",
    ]
    fieldsets = [
        (None, {"fields": ["name", "is_active"]}),
        (_("At Meta"), {"fields": ["phone_number_id", "waba_id", "portfolio_id", "app_id"]}),
        (_("Secrets"), {"fields": [*SECRETS, "forget"]}),
        (_("Profile"), {"fields": ["display_phone_number", "profile_name", "profile_picture_url"]}),
        (_("Sending"), {"fields": ["throughput", "default_catalog_id"]}),
        (
            _("As Meta sees it"),
            {"fields": ["state", "state_reason", "restricted_until", "quality_rating", "messaging_limit"]},
        ),
        (None, {"fields": ["created_at", "updated_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        stored = {
            f"has_{name}": ExpressionWrapper(~Q(**{name: ""}), output_field=BooleanField())
            for name in SECRETS
        }
        rows: QuerySet[Any] = without_secrets(super().get_queryset(request)).annotate(**stored)
        return rows

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        told = {"fields": ["has_token", "has_secret", "has_verify"]}
        return [(label, told if SECRETS[0] in parts["fields"] else parts) for label, parts in self.fieldsets]

    @admin.display(description=_("access token"), boolean=True)
    def has_token(self, account: Any) -> bool:
        return bool(account.has_access_token)

    @admin.display(description=_("app secret"), boolean=True)
    def has_secret(self, account: Any) -> bool:
        return bool(account.has_app_secret)

    @admin.display(description=_("verify token"), boolean=True)
    def has_verify(self, account: Any) -> bool:
        return bool(account.has_verify_token)

    def save_model(self, request: HttpRequest, obj: WhatsAppAccount, form: Any, change: bool) -> None:
        for name, value in form.secrets().items():
            setattr(obj, name, value)
        super().save_model(request, obj, form, change)


@admin.register(WhatsAppAPIKey)
class APIKeyAdmin(Base):
    list_display = ["name", "prefix", "account", "is_active", "created_at"]
    list_filter = ["is_active", ("account", AccountFilter)]
    search_fields = ["name", "prefix"]
    autocomplete_fields = ["account"]
    readonly_fields = ["prefix", "created_at"]
    fields = ["name", "account", "is_active", "prefix", "created_at"]
    related = ("account",)

    def save_model(self, request: HttpRequest, obj: WhatsAppAPIKey, form: Any, change: bool) -> None:
        plain = "" if change else obj.renew()
        super().save_model(request, obj, form, change)
        if plain:
            text = _("Copy the key now, it is not shown again: %(key)s") % {"key": plain}
            self.message_user(request, text, messages.WARNING)
