"""People who change their number, or whom Meta gives another user id: they stay the contact that they were.

Whoever has the new number or id here already is the same person, met before we were told: the two contacts become one. So do two
of whom one was known by number only and the other by user id only, as soon as Meta shows both together.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial

from django_meta_whatsapp.cloud_api.events import MessageEvent
from django_meta_whatsapp.cloud_api.events.reading import mapping, text
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContact, WhatsAppConversation
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.contact import phone_identity, user_identity
from django_meta_whatsapp.phones import to_digits
from django_meta_whatsapp.services import contact_merge, contacts
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.people import person_as_named
from django_meta_whatsapp.services.transactions import in_transaction

logger = logging.getLogger(__name__)

_CHANGES = ("user_changed_number", "user_changed_user_id")


def apply(
    account: WhatsAppAccount, told: Iterable[tuple[MessageEvent, WhatsAppContact]]
) -> dict[int, WhatsAppConversation]:
    """Gives each contact the number and the user id that a system message tells, in the caller's transaction.

    Returns the threads that went with a contact that another took in, by their keys, to those that stay.
    """
    kept_in: dict[int, int] = {}
    threads: dict[int, int] = {}
    for event, contact in told:
        system = mapping(event.content)
        if event.type == "system" and text(system.get("type")) in _CHANGES:
            # Meta's older payloads say new_wa_id.
            wa_id = text(system.get("wa_id")) or text(system.get("new_wa_id"))
            person = person_as_named(wa_id, text(system.get("user_id")))
            key = contact.pk
            while key in kept_in:
                key = kept_in[key]
            _change(locked(WhatsAppContact.objects.filter(pk=key)).get(), person, account, kept_in, threads)
    return _read(threads)


def meet(account: WhatsAppAccount, people: Sequence[Person]) -> dict[str, WhatsAppContact]:
    """`contacts.ensure` for people whom Meta has just named. Two contacts that it shows to be one person become one.

    Not joined is who has another number, or another user id of this portfolio: then the number has passed from one person to
    the next.
    """
    found = contacts.ensure(people, portfolio_id=account.portfolio_id)
    pairs: set[tuple[int, int]] = set()
    for person in people:
        identities = person.identities(account.portfolio_id)
        if len(identities) == 2 and found[identities[0]].pk != found[identities[1]].pk:
            pairs.add((found[identities[0]].pk, found[identities[1]].pk))
    joined = [_joined(account, *pair) for pair in sorted(pairs)]
    return contacts.ensure(people, portfolio_id=account.portfolio_id) if any(joined) else found


def _joined(account: WhatsAppAccount, by_number: int, by_user_id: int) -> bool:
    try:
        return in_transaction(partial(_join, account, by_number, by_user_id))
    except InvalidInput:
        logger.warning("The contacts #%s and #%s stay two", by_number, by_user_id, exc_info=True)
        return False


def _join(account: WhatsAppAccount, by_number: int, by_user_id: int) -> bool:
    """Whether the two are one now, or one of them is gone."""
    keys = (by_number, by_user_id)
    if len(locked(WhatsAppContact.objects.filter(pk__in=keys).order_by("pk"))) < len(keys):
        return True
    # Read behind the lock: another message may just have shown the number with another user id.
    of_each = contacts.identities_of(keys)
    user_ids = user_identity(account.portfolio_id, "")
    has_user_id = any(each.startswith(user_ids) for each in of_each.get(by_number, ()))
    has_number = any(each.startswith(phone_identity("")) for each in of_each.get(by_user_id, ()))
    if has_user_id or has_number:
        return False
    contact_merge.merge(by_number, by_user_id)
    return True


def _read(threads: dict[int, int]) -> dict[int, WhatsAppConversation]:
    """Whoever took in a thread may have been taken in later."""
    rows = WhatsAppConversation.objects.in_bulk(threads.values()) if threads else {}
    found = {}
    for gone, stays in threads.items():
        while stays in threads:
            stays = threads[stays]
        found[gone] = rows[stays]
    return found


def _change(
    contact: WhatsAppContact,
    person: Person,
    account: WhatsAppAccount,
    kept_in: dict[int, int],
    threads: dict[int, int],
) -> None:
    identities = person.identities(account.portfolio_id)
    contacts.link(contact, identities)
    for other in sorted(set(contacts.find(identities).values()) - {contact.pk}):
        try:
            threads |= contact_merge.merge(contact.pk, other)
        except InvalidInput:
            logger.warning("The contacts #%s and #%s stay two", contact.pk, other, exc_info=True)
        else:
            kept_in[other] = contact.pk
    _change_number(WhatsAppContact.objects.get(pk=contact.pk), to_digits(person.phone))


def _change_number(contact: WhatsAppContact, digits: str) -> None:
    if not digits or contact.normalized_phone == digits:
        return
    if WhatsAppContact.objects.filter(phone=digits).exists():
        return
    # Saving lets go of the former number, which may be somebody else's tomorrow.
    contact.phone = digits
    contact.save(update_fields=["phone", "updated_at"])
    WhatsAppConversation.objects.filter(contact=contact).update(phone_number=digits)
