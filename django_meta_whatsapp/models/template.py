"""Message templates."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import QualityRating, WhatsAppAccount


class TemplateCategory(models.TextChoices):
    """Meta's categories, which decide price and rules."""

    MARKETING = "MARKETING", _("Marketing")
    UTILITY = "UTILITY", _("Utility")
    AUTHENTICATION = "AUTHENTICATION", _("Authentication")


class TemplateStatus(models.TextChoices):
    """Meta's states of a template, and DRAFT for one that Meta has not seen. Only APPROVED can be sent."""

    DRAFT = "DRAFT", _("Draft")
    PENDING = "PENDING", _("In review")
    APPROVED = "APPROVED", _("Approved")
    REJECTED = "REJECTED", _("Rejected")
    PAUSED = "PAUSED", _("Paused")
    DISABLED = "DISABLED", _("Disabled")
    IN_APPEAL = "IN_APPEAL", _("In appeal")
    PENDING_DELETION = "PENDING_DELETION", _("Being deleted")
    DELETED = "DELETED", _("Deleted")
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED", _("Limit exceeded")
    ARCHIVED = "ARCHIVED", _("Archived")


class WhatsAppTemplate(models.Model):
    """A template as we wrote it and as Meta knows it.

    header: `{"type": "TEXT", "text": …}` or `{"type": "IMAGE"|"VIDEO"|"DOCUMENT"|"LOCATION", "handle"?: …}`, or None.
    buttons: a list of Meta's button objects. components: all of Meta's components, for what the fields above cannot hold.
    """

    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="templates",
    )
    name = models.CharField(_("name"), max_length=512)
    meta_template_id = models.CharField(_("Meta's ID"), max_length=100, blank=True, db_index=True)
    language = models.CharField(_("language"), max_length=20, default="en")
    category = models.CharField(_("category"), max_length=20, choices=TemplateCategory, default="UTILITY")
    status = models.CharField(
        _("status"), max_length=30, choices=TemplateStatus, default=TemplateStatus.DRAFT
    )
    header = models.JSONField(_("header"), null=True, blank=True)
    body_text = models.TextField(_("body"), blank=True)
    footer_text = models.CharField(_("footer"), max_length=255, blank=True)
    buttons = models.JSONField(_("buttons"), default=list, blank=True)
    components = models.JSONField(_("Meta's components"), default=list, blank=True)
    quality_rating = models.CharField(
        _("quality rating"), max_length=10, choices=QualityRating, default=QualityRating.UNKNOWN
    )
    rejected_reason = models.CharField(_("reason of the rejection"), max_length=255, blank=True)
    heard_at = models.JSONField(
        _("newest news"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Kind of news to Meta's time of it, its weight and its id."),
    )
    synced_at = models.DateTimeField(_("last heard of from Meta"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["name", "language", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name", "language"], name="wa_template_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"
