"""Statuses that came before the row of their message."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.fields import OpaqueIdField
from django_meta_whatsapp.models.ladder import MessageStatus


class WhatsAppWaitingStatus(models.Model):
    """What Meta told of a message that has no row yet: one written in the phone app, or older than our history of the number.

    It is applied when the row appears, and expires when none does. One with a `receiver_error` has been applied, and is kept
    because a receiver of its signals failed: the journal's row was done by then.
    key: a digest of all that it says, so that a status that is delivered again is kept once. pricing: as `bulk.ladder.Rung`
    has it.
    """

    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        related_name="waiting_statuses",
        db_index=False,  # the index below starts with it
    )
    message_id = OpaqueIdField(_("Meta's message ID"))
    event_id = OpaqueIdField(_("event ID"))
    key = OpaqueIdField(_("digest"), max_length=64, unique=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=MessageStatus)
    happened_at = models.DateTimeField(_("happened"))
    error_code = models.IntegerField(_("error code"), null=True, blank=True)
    error_message = models.TextField(_("error"), blank=True)
    pricing = models.JSONField(_("pricing"), null=True, blank=True)
    receiver_error = models.TextField(_("failed receivers"), blank=True)
    created_at = models.DateTimeField(_("received"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("waiting status")
        verbose_name_plural = _("waiting statuses")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["account", "message_id"], name="wa_waiting_status_message")]

    def __str__(self) -> str:
        return f"{self.message_id} · {self.status}"
