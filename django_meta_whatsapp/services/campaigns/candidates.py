"""Somebody whom an audience names, before anything is known of them."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from django_meta_whatsapp import phones
from django_meta_whatsapp.errors import InvalidPhoneNumber
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.services.contacts import Person


class Candidate(NamedTuple):
    """One entry of an audience.

    phone: as it was typed, or digits with + where `is_typed` is False; params: the fields that template variables can take.
    user_id: the business-scoped user id of somebody whose number we do not know.
    position: place in a source that comes in the same order each time (line, key), else 0; where: the place in words.
    """

    phone: str
    name: str = ""
    params: Mapping[str, Any] = MappingProxyType({})
    is_typed: bool = True
    user_id: str = ""
    position: int = 0
    where: str = ""

    def person(self) -> Person | None:
        """Who is meant, the number in E.164; None for what is no phone number."""
        name = self.name.strip()
        if self.user_id and not self.phone:
            return Person(user_id=self.user_id, name=name)
        try:
            phone = phones.from_typed(self.phone) if self.is_typed else self.phone
        except InvalidPhoneNumber:
            return None
        return Person(phone, "", name) if phone else None

    def fields(self, person: Person) -> dict[str, Any]:
        """What a template variable can be filled with: the parameters, and `phone` and `name` in their final form."""
        own = dict(self.params)
        for name in _of_the_person(tuple(own)):
            del own[name]
        own["phone"], own["name"] = person.phone, person.name
        return own


@lru_cache(maxsize=100)
def _of_the_person(names: tuple[Any, ...]) -> list[Any]:
    """Those of a candidate's parameters that the person has in their final form."""
    return [name for name in names if str(name).lower() in ("phone", "name")]


def address_of(identity: str) -> str:
    """How Meta is told to whom a message goes: `+` and digits, or a business-scoped user id."""
    if identity.startswith(phone_identity("")):
        return f"+{identity.removeprefix(phone_identity(''))}"
    return identity.split(":", 2)[2]
