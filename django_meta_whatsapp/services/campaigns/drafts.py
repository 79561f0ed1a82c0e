"""From an entry of an audience to the row that its person gets: who they are, what their message holds, why they are skipped."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django_meta_whatsapp import phones
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import SkipReason, TemplateCategory
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.services import acquaintance, suppression
from django_meta_whatsapp.services.acquaintance import Acquaintance
from django_meta_whatsapp.services.campaigns import contact_fields
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.candidates import Candidate
from django_meta_whatsapp.services.contacts import Person

_TEXT_LIMIT = 100
_NAME_LIMIT = 255


class Draft(NamedTuple):
    """A recipient to be stored. skip_reason: why they are not sent to; then they have no identity."""

    name: str
    phone_number: str
    contact_id: int | None = None
    identity: str | None = None
    parameters: Mapping[str, Any] = {}
    skip_reason: str = ""
    error_message: str = ""

    def skipped(self, reason: SkipReason) -> "Draft":
        return self._replace(identity=None, skip_reason=reason.value, error_message="")


class Met(NamedTuple):
    """A batch of candidates and what the database says of them.

    people, identities: one for each candidate, None and "" for who has no usable address; known, refused: by identity;
    about: contacts' fields that the template shows, by id.
    """

    batch: Sequence[Candidate]
    people: Sequence[Person | None]
    identities: Sequence[str]
    known: Mapping[str, Acquaintance]
    refused: Mapping[str, suppression.Verdict]
    about: Mapping[int, Mapping[str, Any]]


def met(assignment: Assignment, batch: Sequence[Candidate]) -> Met:
    """Who the candidates are, contacts made for those whom we do not know, and what forbids to message them."""
    account = assignment.account
    people = [candidate.person() for candidate in batch]
    known = acquaintance.ensure((person for person in people if person), account.portfolio_id)
    identities = [person.identities(account.portfolio_id)[0] if person else "" for person in people]
    refused = suppression.refusals(
        account, [each for each in identities if each], category=assignment.category, known=known
    )
    about = contact_fields.prefixed((one.pk for one in known.values()), assignment.personaliser.fields)
    return Met(batch, people, identities, known, refused, about)


def drafts(assignment: Assignment, met: Met) -> list[Draft]:
    """A row for each candidate, in their order. Those who must not be messaged are skipped, with the reason."""
    is_marketing = assignment.category == TemplateCategory.MARKETING
    keeps_from_us = is_marketing and not whatsapp_settings.SEND_MARKETING_TO_US
    rows = []
    for candidate, person, identity in zip(met.batch, met.people, met.identities, strict=True):
        if person is None:
            rows.append(_unreadable(candidate))
            continue
        contact = met.known[identity]
        row = _draft(assignment, candidate, person, contact, met.about.get(contact.pk))
        if identity in met.refused:
            row = row.skipped(SkipReason(met.refused[identity].reason))
        # Meta takes marketing to the US and never delivers it.
        elif keeps_from_us and phones.is_us(person.phone):
            row = row.skipped(SkipReason.US_MARKETING)
        rows.append(row)
    return rows


def _unreadable(candidate: Candidate) -> Draft:
    typed = phones.to_digits(candidate.phone[:_TEXT_LIMIT])
    return Draft(candidate.name.strip()[:_NAME_LIMIT], typed, skip_reason=SkipReason.INVALID_PHONE.value)


def _draft(
    assignment: Assignment,
    candidate: Candidate,
    person: Person,
    contact: Acquaintance,
    about: Mapping[str, Any] | None,
) -> Draft:
    values = candidate.fields(person)
    if about:
        values.update(about)
    filled = assignment.personaliser.fill(values)
    name, phone = person.name[:_NAME_LIMIT], phones.to_digits(person.phone)[:_TEXT_LIMIT]
    if filled.missing or filled.faults:
        place = [candidate.where] if candidate.where else []
        reason, why = SkipReason.INVALID_VARIABLE, "; ".join([*filled.faults, *place])
        if filled.missing:
            reason, why = SkipReason.MISSING_VARIABLE, ", ".join([*filled.missing, *place])
        return Draft(name, phone, contact.pk, skip_reason=reason.value, error_message=why)
    # Another number of the same person is the same person.
    identity = (
        phone_identity(contact.phone)
        if contact.phone
        else person.identities(assignment.account.portfolio_id)[0]
    )
    return Draft(name, phone, contact.pk, identity, filled.values)
