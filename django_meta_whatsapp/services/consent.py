"""Who wants to hear from us: choices are applied by their time, not by their arrival, and each change leaves its evidence.

Opt-out and opt-in words are about all that we send; so is a resume, which takes back whatever was said before. Meta's "Stop"
and its refusals are about the marketing of one number.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import uuid4

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    ConsentKind,
    ConsentSource,
    WhatsAppAccount,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppContactAccount,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.batches import insert_missing
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.transactions import in_transaction

MARKETING_STOPPED = 131050
"""Meta's code for a marketing message to somebody who has stopped the marketing of this number."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a contact (by key) chose, and when.

    text: in which words. message_key: of the message that said it.
    """

    contact_id: int
    opted_out: bool
    at: datetime
    event_id: str
    source: ConsentSource
    text: str = ""
    message_key: int | None = None

    @property
    def marketing_only(self) -> bool:
        return self.opted_out and self.source in (ConsentSource.META, ConsentSource.ERROR)

    def is_newer(self, known_at: datetime | None, known: bool) -> bool:
        """Whether it comes after what is known. Of two choices at the same moment the stop holds."""
        return known_at is None or (self.at, self.opted_out) > (known_at, known)


@dataclass(slots=True)
class _State:
    """What is known of the people concerned, locked, by the contact's key; and which rows have been written on."""

    standings: dict[int, WhatsAppContactAccount]
    people: dict[int, WhatsAppContact]
    written_standings: dict[int, WhatsAppContactAccount] = field(default_factory=dict)
    written_people: dict[int, WhatsAppContact] = field(default_factory=dict)

    def apply(self, choice: Choice) -> bool:
        """Whether anything is different now. An older choice than the known one changes nothing."""
        changed = False
        standing = self.standings[choice.contact_id]
        if choice.is_newer(standing.marketing_changed_at, standing.marketing_opted_out):
            changed = standing.marketing_opted_out != choice.opted_out
            standing.marketing_opted_out, standing.marketing_changed_at = choice.opted_out, choice.at
            self.written_standings[choice.contact_id] = standing
        if choice.marketing_only:
            return changed
        person = self.people[choice.contact_id]
        if choice.is_newer(person.opted_out_changed_at, person.opted_out):
            changed = changed or person.opted_out != choice.opted_out
            person.opted_out, person.opted_out_changed_at = choice.opted_out, choice.at
            self.written_people[choice.contact_id] = person
        return changed

    def store(self) -> None:
        overwrite(
            WhatsAppContactAccount,
            list(self.written_standings.values()),
            ["marketing_opted_out", "marketing_changed_at", "updated_at"],
        )
        overwrite(
            WhatsAppContact,
            list(self.written_people.values()),
            ["opted_out", "opted_out_changed_at", "updated_at"],
        )


def note(account: WhatsAppAccount, choices: Collection[Choice], delivery: Delivery) -> None:
    """Applies what people chose about the messages of `account`. A constant number of statements, in the caller's transaction.

    Each change leaves a consent event and is announced after the commit.
    """
    if not choices:
        return
    state = _lock(account, choices)
    ordered = sorted(choices, key=lambda choice: (choice.at, choice.opted_out, choice.event_id))
    changes = [choice for choice in ordered if state.apply(choice)]
    state.store()
    WhatsAppConsentEvent.objects.bulk_create([_event(choice, account) for choice in changes])
    _announce(_applied(ordered) if delivery.again else changes, delivery)


def _lock(account: WhatsAppAccount, choices: Iterable[Choice]) -> _State:
    concerned = sorted({choice.contact_id for choice in choices})
    insert_missing(
        WhatsAppContactAccount, [WhatsAppContactAccount(account=account, contact_id=pk) for pk in concerned]
    )
    standings = WhatsAppContactAccount.objects.filter(account=account, contact_id__in=concerned)
    wholly = sorted({choice.contact_id for choice in choices if not choice.marketing_only})
    people = WhatsAppContact.objects.filter(pk__in=wholly).order_by("pk")
    return _State(
        {row.contact_id: row for row in locked(standings.order_by("pk"))},
        {row.pk: row for row in locked(people)} if wholly else {},
    )


def _event(choice: Choice, account: WhatsAppAccount | None) -> WhatsAppConsentEvent:
    return WhatsAppConsentEvent(
        contact_id=choice.contact_id,
        account=account,
        kind=ConsentKind.OPTED_OUT if choice.opted_out else ConsentKind.OPTED_IN,
        marketing_only=choice.marketing_only,
        source=choice.source,
        text=choice.text,
        message_id=choice.message_key,
        event_id=choice.event_id,
        happened_at=choice.at,
    )


def _applied(choices: Sequence[Choice]) -> list[Choice]:
    """Those that changed something, now or in an earlier try."""
    known = WhatsAppConsentEvent.objects.filter(
        contact_id__in={choice.contact_id for choice in choices},
        event_id__in={choice.event_id for choice in choices},
    )
    applied = set(known.values_list("contact_id", "event_id"))
    return [choice for choice in choices if (choice.contact_id, choice.event_id) in applied]


def _announce(choices: Sequence[Choice], delivery: Delivery) -> None:
    if not choices or not signals.whatsapp_preference_changed.has_listeners(WhatsAppContact):
        return
    people = WhatsAppContact.objects.in_bulk({choice.contact_id for choice in choices})
    for choice in choices:
        delivery.announce(
            signals.whatsapp_preference_changed,
            WhatsAppContact,
            choice.event_id,
            contact=people[choice.contact_id],
            opted_out=choice.opted_out,
        )


def note_refusals(account: WhatsAppAccount, refused: Mapping[int, str], at: datetime) -> None:
    """Meta has refused marketing to these contacts because they have stopped it (MARKETING_STOPPED): key to attempt's token.

    In the caller's transaction.
    """
    choices = [
        Choice(pk, True, at, f"refused:{token}", ConsentSource.ERROR, str(MARKETING_STOPPED))
        for pk, token in refused.items()
    ]
    note(account, choices, Delivery(received_at=at))


def note_by_person(
    contact_id: int, opted_out: bool, who: str, account: WhatsAppAccount | None = None
) -> None:
    """Somebody of ours, named `who`, writes down what a person said elsewhere: about the marketing of `account`, or about
    all that we send. It is written down also when it is what we knew.
    """
    choice = Choice(
        contact_id, opted_out, clock.now(), f"person:{uuid4().hex}", ConsentSource.PERSON, text=who
    )
    in_transaction(partial(_write_down, choice, account))


def _write_down(choice: Choice, account: WhatsAppAccount | None) -> None:
    if account is None:
        WhatsAppContact.objects.filter(pk=choice.contact_id).update(
            opted_out=choice.opted_out, opted_out_changed_at=choice.at
        )
    else:
        WhatsAppContactAccount.objects.filter(account=account, contact_id=choice.contact_id).update(
            marketing_opted_out=choice.opted_out, marketing_changed_at=choice.at
        )
    event = _event(choice, account)
    event.marketing_only = account is not None
    event.save(force_insert=True)
    _announce([choice], Delivery(received_at=choice.at))
