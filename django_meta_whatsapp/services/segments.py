"""Segments of contacts: how many people filters find, and the ready-made filters of the settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidAudience, InvalidSetting
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContact, filters
from django_meta_whatsapp.services.campaigns.contact_filters import filtered


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """contacts: whom the filters find; reachable: those of them who are neither blocked nor opted out of everything."""

    contacts: int
    reachable: int


def count(given_filters: object, account: WhatsAppAccount | None = None) -> SegmentCount:
    """How many contacts the filters find now. One query. account: see `contact_filters.filtered`.

    Raises InvalidAudience, naming the key, for filters that cannot be used.
    """
    free = Q(opted_out=False, is_blocked=False)
    found = filtered(WhatsAppContact.objects.all(), given_filters, account)
    counted = found.aggregate(contacts=Count("pk"), reachable=Count("pk", filter=free))
    return SegmentCount(**counted)


def ready_made(label: str) -> dict[str, Any]:
    """The filters that WHATSAPP["CONTACT_FILTERS"] has under a label: an object, or the same as JSON text.

    Raises InvalidSetting, naming the label, for filters that cannot be used.
    """
    given = whatsapp_settings.CONTACT_FILTERS.get(label)
    try:
        read = json.loads(given) if isinstance(given, str) else given
        filters.check(read)
    except ValueError as error:
        why = error.why if isinstance(error, InvalidAudience) else f"no JSON: {error}"
        raise InvalidSetting("CONTACT_FILTERS", f"{label!r}: {why}") from error
    return dict(read) if isinstance(read, Mapping) else {}
