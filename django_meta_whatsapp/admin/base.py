"""What all our admin pages share: bounded queries, and accounts whose secrets are never read."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet, URLField
from django.forms import ModelChoiceField
from django.http import HttpRequest

from django_meta_whatsapp.models import WhatsAppAccount

if TYPE_CHECKING:
    # Django's classes take type parameters in the stubs only.
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _RelatedFilter = admin.RelatedFieldListFilter
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _RelatedFilter = admin.RelatedFieldListFilter

SECRETS = ("access_token", "app_secret", "verify_token")
"""The fields of an account that no page shows. One that no key opens must not take down a page either."""


def without_secrets(rows: QuerySet[Any], account: str = "") -> QuerySet[Any]:
    """`rows` whose account, found at the path `account`, is read without its secrets."""
    return rows.defer(*(f"{account}__{name}" if account else name for name in SECRETS))


class AccountFilter(_RelatedFilter):
    """The accounts by name. Django's own filter would read whole rows."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return list(WhatsAppAccount.objects.order_by("name", "pk").values_list("pk", "name"))


class _Common:
    """For model admins and inlines. related: the foreign keys that a row shows, as paths from it."""

    related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        if self.related:
            rows = rows.select_related(*self.related)
        for path in self.related:
            if path.split("__")[-1] == "account":
                rows = without_secrets(rows, path)
        return rows

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        if db_field.remote_field.model is WhatsAppAccount:
            kwargs["queryset"] = without_secrets(WhatsAppAccount._default_manager.all())
        found: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        return found


class Base(_Common, _ModelAdmin):
    """A model's pages. Large tables are not counted twice, and foreign keys are searched, not listed."""

    formfield_overrides = {URLField: {"assume_scheme": "https"}}  # the default from Django 6.0 on
    show_full_result_count = False
    list_per_page = 50


class ReadOnly(Base):
    """What only the product writes. It can be looked at, and deleted where the permission is given."""

    actions: list[str] | None = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(_Common, _TabularInline):
    """Rows that belong to the one on the page and are written by the product."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
