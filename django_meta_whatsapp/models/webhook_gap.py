"""When a number's status webhooks came late."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount


class WhatsAppWebhookGap(models.Model):
    """A time in which status webhooks of a number were held up for longer than WEBHOOK_GAP_SECONDS, by anybody's outage.

    began_at: Meta's time of the earliest event that came late; ended_at: when the last one of them was applied.
    """

    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        related_name="webhook_gaps",
        db_index=False,  # the index below starts with it
    )
    began_at = models.DateTimeField(_("earliest late event"))
    ended_at = models.DateTimeField(_("applied"))

    class Meta:
        verbose_name = _("webhook gap")
        verbose_name_plural = _("webhook gaps")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["account", "ended_at"], name="wa_gap_account_ended")]

    def __str__(self) -> str:
        return f"{self.account}: {self.ended_at - self.began_at}"
