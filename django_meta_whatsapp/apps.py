"""The Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoMetaWhatsappConfig(AppConfig):
    """WhatsApp for a Django project."""

    name = "django_meta_whatsapp"
    verbose_name = _("Meta WhatsApp")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Only now are the models there, which these need.
        from django_meta_whatsapp import checks, wiring

        checks.connect()
        wiring.connect()
