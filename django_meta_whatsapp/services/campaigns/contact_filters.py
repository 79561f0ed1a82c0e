"""Contacts narrowed by filters, as things stand now; the language is that of `models.filters`."""

from django.db.models import QuerySet

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContact
from django_meta_whatsapp.models.filters import Situation, condition
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.suppression import MARGIN, WINDOW


def filtered(
    contacts: QuerySet[WhatsAppContact], filters: object, account: WhatsAppAccount | None = None
) -> QuerySet[WhatsAppContact]:
    """`contacts` to whom the filters apply, nobody twice. Raises InvalidAudience, naming the filter that cannot be used.

    account: whose consent, window and messages are meant; without it those of any of our numbers.
    """
    now = clock.now()
    since = now - (WINDOW - MARGIN)
    return contacts.filter(condition(filters, Situation(now, since, account.pk if account else None)))
