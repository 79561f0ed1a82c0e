"""Who is at work, and what Meta's limits leave: rows that workers share."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.campaign import WhatsAppCampaign
from django_meta_whatsapp.models.fields import OpaqueIdField


class WhatsAppNumberHold(models.Model):
    """Who paces a number, until when by the database's clock: `redis` for all who share it there, else one process."""

    account = models.OneToOneField(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="hold",
    )
    holder = models.CharField(_("held by"), max_length=80, blank=True)
    expires_at = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("hold of a number")
        verbose_name_plural = _("holds of numbers")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.account} · {self.holder}"


class WhatsAppCampaignRun(models.Model):
    """A runner at work on a campaign, alive until `expires_at` by the database's clock."""

    campaign = models.ForeignKey(
        WhatsAppCampaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="runs"
    )
    runner = models.CharField(_("process"), max_length=80)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    expires_at = models.DateTimeField(_("alive until"), db_index=True)

    class Meta:
        verbose_name = _("run of a campaign")
        verbose_name_plural = _("runs of campaigns")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.campaign} · {self.runner}"


class WhatsAppReach(models.Model):
    """How many people a business portfolio has reached; its row is what two claims at once wait for.

    portfolio: Meta's id, or what stands for one that we do not know (see `services.budget`).
    """

    portfolio = OpaqueIdField(_("business portfolio"), unique=True)

    class Meta:
        verbose_name = _("reach of a portfolio")
        verbose_name_plural = _("reach of portfolios")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.portfolio)


class WhatsAppReachedPerson(models.Model):
    """A person to whom a portfolio wrote outside an open window; counts against its messaging limit for 24 hours.

    contact_key: of the contact, which may be erased meanwhile: Meta counts on.
    reached_at: policy time of the newest such message.
    """

    reach = models.ForeignKey(
        WhatsAppReach,
        verbose_name=_("reach"),
        on_delete=models.CASCADE,
        related_name="people",
        db_index=False,  # the constraint and the index below start with it
    )
    contact_key = models.BigIntegerField(_("contact"))
    reached_at = models.DateTimeField(_("reached"))

    class Meta:
        verbose_name = _("person reached")
        verbose_name_plural = _("people reached")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["reach", "contact_key"], name="wa_reached_once")]
        indexes = [models.Index(fields=["reach", "reached_at"], name="wa_reached_when")]

    def __str__(self) -> str:
        return f"{self.reach} · {self.contact_key}"
