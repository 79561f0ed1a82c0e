"""Who opted out or in, when, and by which words: the evidence."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.contact import WhatsAppContact
from django_meta_whatsapp.models.fields import OpaqueIdField
from django_meta_whatsapp.models.message import WhatsAppMessage


class ConsentKind(models.TextChoices):
    OPTED_OUT = "opted_out", _("Opted out")
    OPTED_IN = "opted_in", _("Opted in")


class ConsentSource(models.TextChoices):
    """From where we know."""

    WORD = "word", _("They wrote an opt-out or opt-in word")
    META = "meta", _("They chose it in WhatsApp")
    ERROR = "error", _("Meta refused a message")
    PERSON = "person", _("Somebody of ours wrote it down")


class WhatsAppConsentEvent(models.Model):
    """One change of what a person wants to get. It is written once and goes only with its contact.

    marketing_only: the choice is about the marketing of `account`; otherwise about all that we send.
    text: the person's words, Meta's, or who of ours wrote it down. happened_at: when the choice was made.
    """

    contact = models.ForeignKey(
        WhatsAppContact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="consent_events"
    )
    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="consent_events",
    )
    kind = models.CharField(_("change"), max_length=10, choices=ConsentKind)
    marketing_only = models.BooleanField(_("marketing only"))
    source = models.CharField(_("source"), max_length=10, choices=ConsentSource)
    text = models.TextField(_("words"), blank=True)
    message = models.ForeignKey(
        WhatsAppMessage,
        verbose_name=_("message"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    event_id = OpaqueIdField(_("event ID"), max_length=300, db_index=True)
    happened_at = models.DateTimeField(_("chosen"))
    created_at = models.DateTimeField(_("written down"), auto_now_add=True)

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.happened_at:%Y-%m-%d %H:%M}"

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        if not self._state.adding:
            raise TypeError("A consent event is not changed: write down another.")
        super().save(
            force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields
        )

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        raise TypeError("A consent event goes only with its contact.")
