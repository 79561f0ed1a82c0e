"""Whom a caller means: a phone number as people type it, or a business-scoped user id."""

import re

from django_meta_whatsapp import phones
from django_meta_whatsapp.services.contacts import Person

_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]+")


def address_of(typed: str, *, field: str = "phone_number") -> str:
    """`typed` as Meta takes it: a user id unchanged, else the number in E.164. The 10-digit rule applies here, once.

    Raises InvalidPhoneNumber, naming `field`.
    """
    return typed if _USER_ID.fullmatch(typed) else phones.from_typed(typed, field=field)


def person_at(address: str) -> Person:
    """Who is reached at an address that `address_of` made."""
    return Person(phone=address) if address.startswith("+") else Person(user_id=address)
