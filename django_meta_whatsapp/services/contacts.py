"""People: who an identity belongs to, and rows for those whom we meet for the first time.

A contact is one person; its identities (phone, `wa_id` variants, business-scoped user ids) each belong to one contact.
Rows made elsewhere (the admin, a host's own import) may lack their identity row: they are found by their number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from django.db.models import Case, Value, When

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.models import WhatsAppContact, WhatsAppContactIdentity
from django_meta_whatsapp.models.contact import phone_identity, phones_among, user_identity
from django_meta_whatsapp.phones import to_digits
from django_meta_whatsapp.services.batches import batches, insert_missing
from django_meta_whatsapp.services.transactions import in_transaction

_PHONE_PREFIX = phone_identity("")
_NAME_LENGTH = 255


class Person(NamedTuple):
    """Somebody as a caller or Meta names them. phone: E.164; user_id: business-scoped. One of the two at least."""

    phone: str = ""
    user_id: str = ""
    name: str = ""

    def identities(self, portfolio_id: str = "") -> tuple[str, ...]:
        """How identity columns write this person, the phone first."""
        by_phone = (phone_identity(to_digits(self.phone)),) if self.phone else ()
        return by_phone + ((user_identity(portfolio_id, self.user_id),) if self.user_id else ())


@dataclass(slots=True)
class _Met:
    """One person, with all that the callers' entries say of them."""

    identities: tuple[str, ...]
    name: str = ""

    @property
    def digits(self) -> str:
        first = self.identities[0]
        return first.removeprefix(_PHONE_PREFIX) if first.startswith(_PHONE_PREFIX) else ""

    def owner(self, known: Mapping[str, WhatsAppContact]) -> WhatsAppContact | None:
        """Whose the first identity is that somebody has."""
        return next((known[identity] for identity in self.identities if identity in known), None)


def ensure(people: Sequence[Person], *, portfolio_id: str = "") -> dict[str, WhatsAppContact]:
    """The contact of each person, by each of their identities; rows are made for those whom we do not know.

    A constant number of queries for each few hundred people, and safe when other processes do the same. A name is
    set only where ours is empty. Two contacts that turn out to be one person stay two here, see
    `identity_changes.meet`.
    """
    found: dict[str, WhatsAppContact] = {}
    for batch in batches(_met(people, portfolio_id)):
        known = _known([identity for met in batch for identity in met.identities])
        if any(identity not in known for met in batch for identity in met.identities):
            known = in_transaction(partial(_introduce, batch, known))
        _fill_names(batch, known)
        found |= known
    return found


def find(identities: Iterable[str]) -> dict[str, int]:
    """The id of the contact behind each identity that we know. Two queries for each few hundred."""
    return {identity: contact.pk for identity, contact in find_contacts(identities).items()}


def find_contacts(identities: Iterable[str]) -> dict[str, WhatsAppContact]:
    """The contact behind each identity that we know."""
    found: dict[str, WhatsAppContact] = {}
    for batch in batches(list(dict.fromkeys(identities))):
        known = _known(batch)
        missing = [identity for identity in batch if identity not in known]
        found |= known | _known_by_number(missing)
    return found


def identities_of(contact_ids: Iterable[int]) -> dict[int, list[str]]:
    """All identities of each contact."""
    found: dict[int, list[str]] = {}
    for batch in batches(list(contact_ids)):
        rows = WhatsAppContactIdentity.objects.filter(contact_id__in=batch).order_by("pk")
        for contact_id, identity in rows.values_list("contact_id", "identity"):
            found.setdefault(contact_id, []).append(identity)
        with_number = WhatsAppContact.objects.filter(pk__in=batch).exclude(phone=None)
        for contact_id, digits in with_number.values_list("pk", "phone"):
            known = found.setdefault(contact_id, [])
            if digits and phone_identity(digits) not in known:
                known.insert(0, phone_identity(digits))
    return found


def link(contact: WhatsAppContact, identities: Sequence[str]) -> None:
    """Writes down further identities of a person. One that belongs to somebody else stays with them."""
    rows = [WhatsAppContactIdentity(contact=contact, identity=identity) for identity in sorted(identities)]
    in_transaction(partial(insert_missing, WhatsAppContactIdentity, rows))


def identities_in_answer(answer: JSON, portfolio_id: str) -> tuple[str, ...]:
    """How Meta's answer to a send names the person: it may know them under another number (Brazil, Mexico) or a user id."""
    found: list[str] = []
    for entry in answer.get("contacts") or ():
        match entry:
            case {"wa_id": str(digits)} if digits:
                found.append(phone_identity(digits))
        match entry:
            case {"user_id": str(user_id)} if user_id:
                found.append(user_identity(portfolio_id, user_id))
    return tuple(found)


def _met(people: Sequence[Person], portfolio_id: str) -> list[_Met]:
    """Each person once, in the order of their identities: every process takes its locks in the same order."""
    met: dict[tuple[str, ...], _Met] = {}
    for person in people:
        identities = person.identities(portfolio_id)
        if identities:
            entry = met.setdefault(identities, _Met(identities))
            entry.name = entry.name or person.name.strip()[:_NAME_LENGTH]
    return [met[identities] for identities in sorted(met)]


def _known(identities: Sequence[str]) -> dict[str, WhatsAppContact]:
    rows = WhatsAppContactIdentity.objects.filter(identity__in=identities).select_related("contact")
    contacts: dict[int, WhatsAppContact] = {}
    return {row.identity: contacts.setdefault(row.contact_id, row.contact) for row in rows}


def _known_by_number(identities: Sequence[str]) -> dict[str, WhatsAppContact]:
    digits = phones_among(identities)
    rows = WhatsAppContact.objects.filter(phone__in=digits) if digits else []
    return {phone_identity(contact.normalized_phone): contact for contact in rows}


def _introduce(batch: Sequence[_Met], known: Mapping[str, WhatsAppContact]) -> dict[str, WhatsAppContact]:
    """Rows for those of `batch` who have none, and for their identities. The first statement writes.

    `known` was read before the transaction: who has appeared since keeps their identities, and we take their contact.
    """
    strangers = [met for met in batch if met.owner(known) is None]
    by_number = _insert_by_number([met for met in strangers if met.digits])
    unnumbered = [met for met in strangers if not met.digits]
    made = WhatsAppContact.objects.bulk_create([WhatsAppContact(name=met.name) for met in unnumbered])
    owners = {met.identities: contact for met, contact in zip(unnumbered, made, strict=True)}
    for met in batch:
        owner = met.owner(known) or by_number.get(met.digits)
        if owner is not None:
            owners[met.identities] = owner
    _insert_identities(batch, owners, known)
    settled = _known([identity for met in batch for identity in met.identities])
    _delete_unclaimed(made, settled)
    _adopt_numbers(batch, settled)
    return settled


def _insert_by_number(strangers: Sequence[_Met]) -> dict[str, WhatsAppContact]:
    if not strangers:
        return {}
    insert_missing(WhatsAppContact, [WhatsAppContact(phone=met.digits, name=met.name) for met in strangers])
    rows = WhatsAppContact.objects.filter(phone__in=[met.digits for met in strangers])
    return {contact.normalized_phone: contact for contact in rows}


def _insert_identities(
    batch: Sequence[_Met],
    owners: Mapping[tuple[str, ...], WhatsAppContact],
    known: Mapping[str, WhatsAppContact],
) -> None:
    missing = {
        identity: owners[met.identities]
        for met in batch
        for identity in met.identities
        if identity not in known
    }
    rows = [WhatsAppContactIdentity(contact=missing[each], identity=each) for each in sorted(missing)]
    insert_missing(WhatsAppContactIdentity, rows)


def _delete_unclaimed(made: Sequence[WhatsAppContact], settled: Mapping[str, WhatsAppContact]) -> None:
    """Takes back contacts made for people whom another process introduced at the same moment."""
    claimed = {contact.pk for contact in settled.values()}
    unclaimed = [contact.pk for contact in made if contact.pk not in claimed]
    if unclaimed:
        WhatsAppContact.objects.filter(pk__in=unclaimed).delete()


def _adopt_numbers(batch: Sequence[_Met], settled: Mapping[str, WhatsAppContact]) -> None:
    """Gives people whom we knew without a number the one that they now come with, unless somebody has it."""
    numbers = {met.digits: settled[met.identities[0]] for met in batch if met.digits}
    adopting = {digits: contact for digits, contact in numbers.items() if not contact.phone}
    if not adopting:
        return
    taken = set(WhatsAppContact.objects.filter(phone__in=adopting).values_list("phone", flat=True))
    free = {digits: contact for digits, contact in adopting.items() if digits not in taken}
    for digits, contact in free.items():
        contact.phone = contact.phone or digits
    WhatsAppContact.objects.bulk_update(free.values(), ["phone"])


def _fill_names(batch: Sequence[_Met], known: Mapping[str, WhatsAppContact]) -> None:
    names: dict[int, str] = {}
    for met in batch:
        contact = known[met.identities[0]]
        if met.name and not contact.name:
            contact.name = names[contact.pk] = met.name
    if names:
        cases = [When(pk=contact_id, then=Value(name)) for contact_id, name in names.items()]
        WhatsAppContact.objects.filter(pk__in=names, name="").update(name=Case(*cases))
