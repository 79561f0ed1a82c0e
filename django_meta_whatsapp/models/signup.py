"""In-app signups: links by which people subscribe to a business's marketing inside WhatsApp."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.contact import WhatsAppLabel
from django_meta_whatsapp.models.fields import OpaqueIdField
from django_meta_whatsapp.phones import to_digits


class SignupStatus(models.TextChoices):
    ACTIVE = "ACTIVE", _("Active")
    DISABLED = "DISABLED", _("Disabled")


class WhatsAppSignup(models.Model):
    """An in-app signup at Meta. `signup_id` is NULL until Meta has created it."""

    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="signups"
    )
    signup_id = OpaqueIdField(_("Meta's ID"), max_length=100, null=True, blank=True, unique=True)
    display_name = models.CharField(_("name"), max_length=255)
    signup_message = models.TextField(_("text before consent"))
    confirmation_message = models.TextField(_("confirmation"), help_text=_("May hold {{promo_code}}."))
    privacy_policy_url = models.URLField(_("privacy policy"), max_length=2000)
    website_url = models.URLField(_("website"), max_length=2000, blank=True)
    promo_code = models.CharField(_("promo code"), max_length=50, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=SignupStatus, default=SignupStatus.ACTIVE)
    auto_add_to_label = models.ForeignKey(
        WhatsAppLabel,
        verbose_name=_("label for subscribers"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="signups",
    )
    subscriber_count = models.PositiveIntegerField(_("subscribers"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("signup")
        verbose_name_plural = _("signups")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.display_name

    def get_deep_link(self, phone_number: str = "") -> str:
        """The link that opens this signup with `phone_number`, by default the account's own; "" before Meta knows it."""
        digits = to_digits(phone_number or self.account.display_phone_number)
        if not (digits and self.signup_id):
            return ""
        return f"https://wa.me/{digits}/signup/{self.signup_id}"
