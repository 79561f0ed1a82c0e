"""The fields of our contacts that a message may show. No others: a mapping is no way to read the database."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db.models import QuerySet

from django_meta_whatsapp import phones
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppContact
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.services.campaigns.personalise import Personaliser

PREFIX = "contact."
"""Before a contact's field, in an audience that has fields of its own: `contact.email`."""
PLAIN = ("phone", "name", "email", "notes")
LABELS = ("label", "labels")
FIELDS = (*PLAIN, *LABELS)


class Known(NamedTuple):
    """What is read of a contact: whole ones cost several times as much. phone: E.164, empty without a number."""

    pk: int
    phone: str
    name: str
    email: str
    notes: str


def read(contacts: QuerySet[WhatsAppContact]) -> list[Known]:
    """`contacts`, in their order."""
    return [
        Known(pk, phones.from_digits(phone) if phone else "", *others)
        for pk, phone, *others in contacts.values_list(*Known._fields)
    ]


def check(campaign: WhatsAppCampaign, personaliser: Personaliser) -> None:
    """Raises CampaignNotRunnable, naming the variable, for a field that contacts do not have."""
    only_contacts = (
        campaign.audience_type == "contacts"
        and "contacts" not in whatsapp_settings.AUDIENCES
        and not whatsapp_settings.CAMPAIGN_RESOLVER
    )
    for slot in personaliser.slots:
        field = slot.value.field
        if not (field.startswith(PREFIX) or (field and only_contacts)):
            continue
        if field.removeprefix(PREFIX) not in FIELDS:
            raise CampaignNotRunnable(
                f"The template's {slot.told}: contacts have no field {field!r}; there are {', '.join(FIELDS)}."
            )


def of(contacts: Collection[Known], wanted: Iterable[str]) -> dict[int, dict[str, Any]]:
    """By the contacts' ids, the fields among `wanted`. One query when labels are wanted, else none.

    `label` is the first label by name, `labels` are all, with commas.
    """
    fields = set(wanted)
    plain = [name for name in PLAIN if name in fields]
    found = {contact.pk: {name: getattr(contact, name) for name in plain} for contact in contacts}
    if labelled := [name for name in LABELS if name in fields]:
        labels = _labels(contacts)
        for pk, values in found.items():
            own = labels.get(pk, [])
            values |= {name: ", ".join(own[:1] if name == "label" else own) for name in labelled}
    return found


def prefixed(contact_ids: Iterable[int], wanted: Iterable[str]) -> dict[int, dict[str, Any]]:
    """The same for fields with PREFIX, under their whole names. No query when there are none."""
    plain = {name.removeprefix(PREFIX) for name in wanted if name.startswith(PREFIX)}
    if not plain:
        return {}
    contacts = WhatsAppContact.objects.filter(among("pk", list(contact_ids)))
    found = of(read(contacts), plain)
    return {pk: {PREFIX + name: value for name, value in fields.items()} for pk, fields in found.items()}


def _labels(contacts: Collection[Known]) -> dict[int, list[str]]:
    links = WhatsAppContact.labels.through.objects.filter(
        among("whatsappcontact_id", [contact.pk for contact in contacts])
    ).order_by("whatsapplabel__name")
    found: dict[int, list[str]] = {}
    for pk, name in links.values_list("whatsappcontact_id", "whatsapplabel__name"):
        found.setdefault(pk, []).append(name)
    return found
