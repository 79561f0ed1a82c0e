"""What happened to a campaign: its history, and why it stands still."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.campaign import WhatsAppCampaign


class CampaignEventKind(models.TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    STARTED = "started", _("Started")
    PAUSED = "paused", _("Paused")
    RESUMED = "resumed", _("Resumed")
    CANCELLED = "cancelled", _("Cancelled")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    REOPENED = "reopened", _("Has somebody left to send to")
    RETRIED = "retried", _("Failed ones are tried again")
    RESOLVED = "resolved", _("Unknown outcomes decided")
    CLONED = "cloned", _("Made as a copy")


class WhatsAppCampaignEvent(models.Model):
    """One change of a campaign. by: who asked for it, empty for the product itself; announced_at: when its signals had run."""

    campaign = models.ForeignKey(
        WhatsAppCampaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="events"
    )
    kind = models.CharField(_("what"), max_length=10, choices=CampaignEventKind)
    by = models.CharField(_("by"), max_length=255, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)
    announced_at = models.DateTimeField(_("announced"), null=True, blank=True)

    class Meta:
        verbose_name = _("campaign event")
        verbose_name_plural = _("campaign events")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["announced_at", "at"], name="wa_campaign_event_untold")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.at:%Y-%m-%d %H:%M})"
