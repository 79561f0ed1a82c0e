"""Contacts of a large audience: who they are, and rows for those whom we do not know, without reading a contact whole.

The common cases, somebody whom we know with number and name and somebody with a number whom nobody knows, are a few
statements for each batch. All that needs a closer look goes to `contacts.ensure`, whose rules these are.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple

from django_meta_whatsapp.models import WhatsAppContact, WhatsAppContactIdentity
from django_meta_whatsapp.models.bulk.inserts import insert, insert_named
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.models.contact import phone_identity, phones_among
from django_meta_whatsapp.services import contacts
from django_meta_whatsapp.services.batches import batches, most
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.transactions import in_transaction

_NAME_LENGTH = 255


class Acquaintance(NamedTuple):
    """A contact, by one of its identities. phone: digits, empty without a number; is_marked: opted out or blocked."""

    pk: int
    phone: str
    name: str
    is_marked: bool


def find(identities: Sequence[str]) -> dict[str, Acquaintance]:
    """The contact behind each identity that we know. A query for each batch, two when some are not known."""
    found: dict[str, Acquaintance] = {}
    for batch in batches(identities, most()):
        found |= _known(batch)
        if missing := phones_among(identity for identity in batch if identity not in found):
            found |= _numbered(missing)
    return found


def ensure(people: Iterable[Person], portfolio_id: str) -> dict[str, Acquaintance]:
    """The contact of each person, by each of their identities. Like `contacts.ensure`, a few statements for each batch."""
    by_identity: dict[str, Person] = {}
    special: list[Person] = []
    for person in people:
        identities = person.identities(portfolio_id)
        if len(identities) != 1 or not person.phone:
            special.append(person)
        elif identities and (identities[0] not in by_identity or not by_identity[identities[0]].name):
            by_identity[identities[0]] = person
    found: dict[str, Acquaintance] = {}
    for batch in batches(sorted(by_identity), most()):
        found |= _ensure(batch, by_identity)
    # Names and numbers that ours lack are filled in by the rules of `contacts`.
    special += [
        by_identity[identity]
        for identity, known in found.items()
        if not known.phone or (not known.name and by_identity[identity].name)
    ]
    for identity, contact in contacts.ensure(special, portfolio_id=portfolio_id).items():
        is_marked = contact.opted_out or contact.is_blocked
        found[identity] = Acquaintance(contact.pk, contact.normalized_phone, contact.name, is_marked)
    return found


def _ensure(identities: Sequence[str], people: dict[str, Person]) -> dict[str, Acquaintance]:
    known = _known(identities)
    strangers = [identity for identity in identities if identity not in known]
    if strangers:
        tries = count()
        introduced = in_transaction(lambda: (_meet_again if next(tries) else _introduce)(strangers, people))
        known |= _known(strangers) if introduced is None else introduced
    return known


def _known(identities: Sequence[str]) -> dict[str, Acquaintance]:
    rows = WhatsAppContactIdentity.objects.filter(among("identity", identities)).order_by()
    columns = rows.values_list("identity", *(f"contact__{name}" for name in _COLUMNS))
    return {identity: _acquaintance(*values) for identity, *values in columns}


def _numbered(phones: Sequence[str]) -> dict[str, Acquaintance]:
    """Contacts by the identity of their own number, whoever has that."""
    columns = WhatsAppContact.objects.filter(among("phone", phones)).order_by().values_list(*_COLUMNS)
    return {phone_identity(values[1]): _acquaintance(*values) for values in columns}


_COLUMNS = ("pk", "phone", "name", "opted_out", "is_blocked")


def _acquaintance(pk: int, phone: str | None, name: str, opted_out: bool, is_blocked: bool) -> Acquaintance:
    return Acquaintance(pk, phone or "", name, opted_out or is_blocked)


def _introduce(strangers: Sequence[str], people: dict[str, Person]) -> dict[str, Acquaintance]:
    """Rows for people with a number, in its order: every process takes its locks in the same one. The first statement writes.

    Raises IntegrityError when anybody else has made one of them: databases ask much less for rows whose conflicts they need
    not get around.
    """
    columns = _columns(strangers, people)
    ids = insert_named(WhatsAppContact, columns, by="phone")
    keys = [ids[digits] for digits in columns["phone"]]
    insert(WhatsAppContactIdentity, {"contact_id": keys, "identity": strangers})
    made = zip(strangers, keys, columns["phone"], columns["name"], strict=True)
    return {identity: Acquaintance(pk, digits, name, False) for identity, pk, digits, name in made}


def _meet_again(strangers: Sequence[str], people: dict[str, Person]) -> dict[str, Acquaintance] | None:
    """The same where some have rows. None when some of the identities have turned out to be somebody's."""
    columns = _columns(strangers, people)
    insert(WhatsAppContact, columns, ignore_conflicts=True)
    owners = _numbered(columns["phone"])
    there = [identity for identity in strangers if identity in owners]
    ids = [owners[identity].pk for identity in there]
    written = insert(WhatsAppContactIdentity, {"contact_id": ids, "identity": there}, ignore_conflicts=True)
    return owners if written == len(strangers) else None


def _columns(strangers: Sequence[str], people: dict[str, Person]) -> dict[str, list[str]]:
    digits = [identity.removeprefix(phone_identity("")) for identity in strangers]
    names = [people[identity].name.strip()[:_NAME_LENGTH] for identity in strangers]
    return {"phone": digits, "name": names}
