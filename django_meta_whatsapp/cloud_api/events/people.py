"""Who a message is from: Meta spreads names and ids over the message and the list of contacts beside it."""

from dataclasses import dataclass

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.reading import mapping, objects, text

_MOST = 1000
"""Contacts that are looked through for each part: Meta's bodies have no more updates than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A WhatsApp user as far as a webhook tells. Since 2026 `wa_id` may be missing."""

    wa_id: str = ""
    user_id: str = ""
    parent_user_id: str = ""
    name: str = ""
    username: str = ""


def person_for(contacts: object, known: Person) -> Person:
    """`known`, completed from the contact with the same wa_id or user id.

    Positions in the two lists need not agree. A single contact stands for a part without any id.
    """
    found = _contact_for(objects(contacts[:_MOST] if isinstance(contacts, list) else contacts), known)
    if not found:
        return known
    profile = mapping(found.get("profile"))
    return Person(
        wa_id=known.wa_id or text(found.get("wa_id")),
        user_id=known.user_id or text(found.get("user_id")),
        parent_user_id=known.parent_user_id or text(found.get("parent_user_id")),
        name=text(profile.get("name")),
        username=text(profile.get("username")),
    )


def _contact_for(contacts: list[JSON], known: Person) -> JSON:
    if not known.wa_id and not known.user_id:
        return contacts[0] if len(contacts) == 1 else {}
    for contact in contacts:
        same_phone = known.wa_id and text(contact.get("wa_id")) == known.wa_id
        same_user = known.user_id and text(contact.get("user_id")) == known.user_id
        if same_phone or same_user:
            return contact
    return {}
