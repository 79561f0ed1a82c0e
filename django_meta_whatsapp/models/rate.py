"""What Meta charges for a delivered template message."""

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.template import TemplateCategory


class WhatsAppRate(models.Model):
    """One line of a rate card: the price of one message of a category to numbers that begin with `country_prefix`.

    The longest prefix wins, and of those the newest `valid_from` that has come. Source: Meta's page "Pricing".
    """

    country_prefix = models.CharField(
        _("first digits"),
        max_length=7,
        validators=[RegexValidator(r"^[1-9][0-9]{0,6}\Z", _("Digits of a country code are expected."))],
        help_text=_("Country code without +, with an area code where that has a price of its own."),
    )
    category = models.CharField(_("category"), max_length=20, choices=TemplateCategory)
    currency = models.CharField(
        _("currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}\Z", _("Three capital letters are expected."))],
    )
    price = models.DecimalField(
        _("price of one message"), max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    valid_from = models.DateField(_("valid from"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("rate")
        verbose_name_plural = _("rates")
        ordering = ["country_prefix", "category", "currency", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["country_prefix", "category", "currency", "valid_from"], name="wa_rate_once"
            ),
            models.CheckConstraint(condition=models.Q(price__gte=0), name="wa_rate_not_negative"),
        ]

    def __str__(self) -> str:
        return f"+{self.country_prefix} {self.category}: {self.price} {self.currency}"
