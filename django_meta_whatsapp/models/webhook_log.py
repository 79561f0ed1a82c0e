"""The journal of webhooks: what Meta posted, kept before it was answered."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.fields import OpaqueIdField
from django_meta_whatsapp.models.indexes import PartialIndex


class WebhookState(models.TextChoices):
    PENDING = "pending", _("Waiting")
    DONE = "done", _("Applied")
    UNROUTED = "unrouted", _("Waits for an account")
    FAILED = "failed", _("Failed")
    REPEATED = "repeated", _("Delivered before")
    PRUNED = "pruned", _("Applied, body removed")


APPLIED = (WebhookState.DONE, WebhookState.UNROUTED, WebhookState.PRUNED)
"""States of a webhook of which an identical one need not be applied."""


class WhatsAppWebhookLog(models.Model):
    """One POST of Meta. It belongs to no account, because one POST may carry events of several.

    signature: as received. signed_for: for whom the door found it to speak (`services.signatures`), so that it counts for them
    also when their secret is another by the time it is applied.
    digest: of body and signature, by which an identical delivery is recognised; None: not taken.
    A `pending` webhook with `unrouted_count` has been applied before: only what was unrouted is still to be done.
    """

    received_at = models.DateTimeField(_("received"), default=timezone.now)
    body = models.BinaryField(_("raw body"))
    signature = models.CharField(
        _("signature"), max_length=100, blank=True, help_text=_("Empty when unsigned webhooks are allowed.")
    )
    signed_for = models.TextField(blank=True, editable=False)
    digest = models.UUIDField(null=True, editable=False, db_index=True)
    state = models.CharField(_("state"), max_length=10, choices=WebhookState, default=WebhookState.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(
        _("due"),
        null=True,
        blank=True,
        help_text=_("When it is tried (again). A failed webhook without it is parked."),
    )
    event_count = models.PositiveIntegerField(_("events"), default=0)
    unrouted_count = models.PositiveIntegerField(_("events of unknown accounts"), default=0)
    unmatched_count = models.PositiveIntegerField(_("news of things that are not ours"), default=0)
    foreign_count = models.PositiveIntegerField(_("of these, with another system's token"), default=0)
    unknown_count = models.PositiveIntegerField(_("events of unknown kinds"), default=0)
    processed_at = models.DateTimeField(_("applied"), null=True, blank=True)
    error = models.TextField(_("last error"), blank=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state", "id"], name="wa_webhook_state"),
            # PostgreSQL, told to take the oldest few that wait, would else walk through all that was ever done, as soon as it
            # believes that many wait.
            PartialIndex(fields=["id"], where=models.Q(state=WebhookState.PENDING), name="wa_webhook_new"),
            # Of those that were tried before; the many others need no place in it.
            PartialIndex(
                fields=["not_before"], where=models.Q(not_before__isnull=False), name="wa_webhook_again"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} · {self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def continues(self) -> bool:
        """Whether only its unrouted events are still to be applied."""
        return self.state == WebhookState.PENDING and self.unrouted_count > 0


class WhatsAppUnroutedTarget(models.Model):
    """Whom events of a webhook are for that nobody here could take: an unknown number or business account, or one whose app
    secret did not sign them.

    target: Meta's id. known: a digest of the accounts and secrets that there were for it; the webhook is tried again when
    they are others.
    """

    webhook = models.ForeignKey(
        WhatsAppWebhookLog,
        verbose_name=_("webhook"),
        on_delete=models.CASCADE,
        related_name="unrouted_targets",
        db_index=False,  # the constraint below starts with it
    )
    target = OpaqueIdField(_("phone number ID or WhatsApp Business Account ID"), max_length=100)
    known = OpaqueIdField(max_length=32, editable=False)

    class Meta:
        verbose_name = _("unrouted webhook")
        verbose_name_plural = _("unrouted webhooks")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["webhook", "target"], name="wa_unrouted_once")]
        indexes = [models.Index(fields=["target", "known", "id"], name="wa_unrouted_target")]

    def __str__(self) -> str:
        return f"{self.target} · #{self.webhook_id}"
