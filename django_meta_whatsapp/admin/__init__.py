"""The Django admin: every table can be searched, no secret is shown, no page asks more the more rows it has."""

from django_meta_whatsapp.admin import (
    accounts,
    campaigns,
    catalogs,
    conversations,
    journal,
    limits,
    people,
    plans,
)

__all__ = ["accounts", "campaigns", "catalogs", "conversations", "journal", "limits", "people", "plans"]
