"""Whom a webhook means: Meta's `wa_id` and business-scoped user id, as our contacts know them."""

import re

from django_meta_whatsapp import phones
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.contacts import Person

_WA_ID = re.compile(r"[0-9]{5,20}")
_USER_ID = re.compile(r"[A-Za-z0-9._-]{1,150}")


def person_named(wa_id: str, user_id: str, name: str) -> Person:
    """The person that a webhook names. A wa_id is a whole number without `+`: nothing is guessed.

    Raises InvalidInput when it gives neither a usable number nor a usable user id.
    """
    person = person_as_named(wa_id, user_id, name)
    if not (person.phone or person.user_id):
        raise InvalidInput("from", f"neither {wa_id[:50]!r} nor {user_id[:50]!r} names a person")
    return person


def person_as_named(wa_id: str, user_id: str, name: str = "") -> Person:
    """The same without what is not usable; that may be everything."""
    phone = phones.from_digits(wa_id) if _WA_ID.fullmatch(wa_id) else ""
    return Person(phone=phone, user_id=user_id if _USER_ID.fullmatch(user_id) else "", name=name)


def key_of(person: Person, account: WhatsAppAccount) -> str:
    """The identity by which `contacts.ensure` returns this person."""
    return person.identities(account.portfolio_id)[0]
