"""What workers share: who has a number, and whom a portfolio has reached today."""

from django.contrib import admin

from django_meta_whatsapp.admin.base import ReadOnly
from django_meta_whatsapp.models import WhatsAppNumberHold, WhatsAppReach, WhatsAppReachedPerson


@admin.register(WhatsAppNumberHold)
class HoldAdmin(ReadOnly):
    list_display = ["account", "holder", "expires_at"]
    search_fields = ["account__name", "holder__exact"]
    related = ("account",)


@admin.register(WhatsAppReach)
class ReachAdmin(ReadOnly):
    list_display = ["portfolio"]
    search_fields = ["portfolio__exact"]


@admin.register(WhatsAppReachedPerson)
class ReachedPersonAdmin(ReadOnly):
    list_display = ["contact_key", "reach", "reached_at"]
    search_fields = ["reach__portfolio__exact"]
    related = ("reach",)
