"""What campaigns are planned with: segments of contacts, and the rate card."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.admin.base import Base
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidAudience, InvalidSetting
from django_meta_whatsapp.models import WhatsAppRate, WhatsAppSegment
from django_meta_whatsapp.services import segments


class ReadyMadeFilters(forms.ModelForm):  # type: ignore[type-arg]
    """A form that offers the settings' ready-made filters for one of its fields."""

    filters_field = "filters"
    ready_made = forms.ChoiceField(
        label=_("ready-made filters"), required=False, help_text=_("In place of filters of your own.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = [(label, label) for label in whatsapp_settings.CONTACT_FILTERS]
        if "ready_made" in self.fields:
            self.fields["ready_made"].choices = [("", "—"), *labels]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        label, name = cleaned.get("ready_made"), self.filters_field
        if name in self.fields and name in cleaned:
            cleaned[name] = cleaned[name] or {}
        if not label:
            return cleaned
        if cleaned.get(name):
            raise ValidationError({"ready_made": _("Choose these or write filters, not both.")})
        try:
            cleaned[name] = segments.ready_made(label)
        except InvalidSetting as error:
            raise ValidationError({"ready_made": str(error)}) from error
        return cleaned


def with_ready_made(page: Base, request: HttpRequest, obj: Any, fieldset: Any) -> Any:
    """`fieldset` with the choice of ready-made filters, for whoever may still write filters."""
    label, parts = fieldset
    if obj is not None and not page.has_change_permission(request, obj):
        return fieldset
    if getattr(obj, "frozen_at", None) is not None:
        return fieldset
    return label, {**parts, "fields": [*parts["fields"], "ready_made"]}


@admin.register(WhatsAppSegment)
class SegmentAdmin(Base):
    form = ReadyMadeFilters
    list_display = ["name", "description", "updated_at"]
    search_fields = ["name", "description"]
    fieldsets = [
        (None, {"fields": ["name", "description", "filters"]}),
        (None, {"fields": ["people", "created_at", "updated_at"]}),
    ]
    readonly_fields = ["people", "created_at", "updated_at"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first, *others = self.fieldsets
        return [with_ready_made(self, request, obj, first), *others]

    @admin.display(description=_("people"))
    def people(self, segment: WhatsAppSegment) -> str:
        """How many there are now; only on a segment's own page, where it is one query."""
        if segment._state.adding:
            return "—"
        try:
            found = segments.count(segment.filters)
        except InvalidAudience as error:
            return str(error)
        return _("%(contacts)s, of whom %(reachable)s can be reached") % {
            "contacts": found.contacts,
            "reachable": found.reachable,
        }


@admin.register(WhatsAppRate)
class RateAdmin(Base):
    list_display = ["country_prefix", "category", "currency", "price", "valid_from"]
    list_filter = ["category", "currency", "valid_from"]
    search_fields = ["country_prefix"]
    readonly_fields = ["created_at", "updated_at"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The next line is often of the same card."""
        newest = WhatsAppRate.objects.order_by("-pk").values("currency", "valid_from").first()
        return {**(newest or {}), **super().get_changeform_initial_data(request)}
