"""Saved segments: filters under a name."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.errors import InvalidAudience
from django_meta_whatsapp.models import filters


class WhatsAppSegment(models.Model):
    """Contacts that filters find, whenever they are asked for. filters: see `models.filters`."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    filters = models.JSONField(_("filters"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        try:
            filters.check(self.filters)
        except InvalidAudience as error:
            raise ValidationError({"filters": error.why}, code="invalid") from error
