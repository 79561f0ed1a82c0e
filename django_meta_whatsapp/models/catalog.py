"""Products of Meta's commerce catalogs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.fields import OpaqueIdField


class WhatsAppCatalogProduct(models.Model):
    """A product as Meta lists it. Messages name it by `retailer_id`, the business's own article number.

    price: Meta's formatted text, such as `"$1,234.50"`; it is no number.
    """

    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="catalog_products"
    )
    catalog_id = models.CharField(_("catalog ID"), max_length=100)
    retailer_id = OpaqueIdField(_("retailer ID"))
    meta_product_id = models.CharField(_("Meta's product ID"), max_length=100, blank=True)
    name = models.CharField(_("name"), max_length=500, blank=True)
    description = models.TextField(_("description"), blank=True)
    price = models.CharField(_("price"), max_length=100, blank=True)
    currency = models.CharField(_("currency"), max_length=10, blank=True)
    availability = models.CharField(_("availability"), max_length=50, blank=True)
    image_url = models.URLField(_("image"), max_length=2000, blank=True)
    is_active = models.BooleanField(_("listed by Meta"), default=True)
    synced_at = models.DateTimeField(_("synced"), null=True, blank=True)

    class Meta:
        verbose_name = _("catalog product")
        verbose_name_plural = _("catalog products")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "catalog_id", "retailer_id"], name="wa_catalog_product_once"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.retailer_id
