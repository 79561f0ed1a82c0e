"""What people want to get: they stop the marketing of a number, resume it, or sign up for it."""

from collections.abc import Mapping, Sequence
from functools import partial

from django.db.models import F, Q

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import UserPreferenceEvent
from django_meta_whatsapp.models import (
    ConsentSource,
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppSignup,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services import consent, contacts, identity_changes, news
from django_meta_whatsapp.services.consent import Choice
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.people import key_of, person_named
from django_meta_whatsapp.services.transactions import in_transaction

STOP, RESUME, SIGNUP = "stop", "resume", "signup"
_MARKETING = ("", "marketing_messages")


def apply(account: WhatsAppAccount, events: Sequence[UserPreferenceEvent], delivery: Delivery) -> None:
    """Applies the choices that people made at Meta. Choices that are older than what we know change nothing.

    Those that Meta has added since, and those about other things than marketing, are only told of.
    """
    known = [event for event in events if _is_known(event)]
    people = {event.event_id: _person(event) for event in known}
    found = identity_changes.meet(account, list(people.values()))
    owners = {event.event_id: found[key_of(people[event.event_id], account)] for event in known}
    delivery.unmatched += in_transaction(partial(_apply, account, known, owners, delivery))
    unknown = [event for event in events if not _is_known(event)]
    delivery.unknown += len(unknown)
    news.tell(account, unknown, delivery)


def _is_known(event: UserPreferenceEvent) -> bool:
    return event.value in (STOP, RESUME, SIGNUP) and event.category in _MARKETING


def _person(event: UserPreferenceEvent) -> contacts.Person:
    return person_named(event.wa_id, event.user_id, event.profile_name)


def _apply(
    account: WhatsAppAccount,
    events: Sequence[UserPreferenceEvent],
    owners: Mapping[str, WhatsAppContact],
    delivery: Delivery,
) -> int:
    choices = [
        Choice(
            owners[event.event_id].pk,
            event.value == STOP,
            delivery.time_of(event),
            event.event_id,
            ConsentSource.META,
            text=event.detail or event.value,
        )
        for event in events
    ]
    consent.note(account, choices, delivery)
    return sum(
        not _subscribe(account, owners[event.event_id], event, delivery)
        for event in events
        if event.value == SIGNUP
    )


def _subscribe(
    account: WhatsAppAccount, contact: WhatsAppContact, event: UserPreferenceEvent, delivery: Delivery
) -> bool:
    """False when the signup is none of ours."""
    signup = _signup(account, event.signup_id)
    if signup is None:
        return False
    row = locked(WhatsAppContact.objects.filter(pk=contact.pk)).get()
    at = delivery.time_of(event)
    if row.subscribed_at is None or row.subscribed_at < at:
        if row.subscribed_via_signup_id != signup.pk:
            former = WhatsAppSignup.objects.filter(subscribers=row, subscriber_count__gt=0)
            former.update(subscriber_count=F("subscriber_count") - 1)
            WhatsAppSignup.objects.filter(pk=signup.pk).update(subscriber_count=F("subscriber_count") + 1)
        row.subscribed_via_signup, row.subscribed_at = signup, at
        row.save(update_fields=["subscribed_via_signup", "subscribed_at", "updated_at"])
        if signup.auto_add_to_label is not None:
            row.labels.add(signup.auto_add_to_label)
    elif not delivery.again:
        return True
    delivery.announce(
        signals.whatsapp_user_subscribed, WhatsAppContact, event.event_id, contact=row, signup=signup
    )
    return True


def _signup(account: WhatsAppAccount, signup_id: str) -> WhatsAppSignup | None:
    ours = Q(account=account)
    if account.waba_id:
        ours |= Q(account__waba_id=account.waba_id)
    rows = WhatsAppSignup.objects.select_related("auto_add_to_label").filter(ours, signup_id=signup_id)
    return rows.first() if signup_id else None
