"""Messages that people send us: rows in their thread, a contact, an open 24-hour window, and the signals that follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import REVISIONS, MessageEvent
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import (
    MessageDirection,
    MessageStatus,
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppFlowResponse,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.services import (
    conversations,
    flow_replies,
    identity_changes,
    inbound_media,
    known_messages,
    message_columns,
    opt_words,
    revisions,
    windows,
)
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.people import key_of, person_named
from django_meta_whatsapp.services.transactions import in_transaction

_ID_LENGTH = 255
_TYPE_LENGTH = 30
_ABOUT_OTHERS = ("system", *REVISIONS)
"""Types that tell something instead of saying something: they open no window and are not unread."""


@dataclass(frozen=True, slots=True)
class _Received:
    """One message and its thread."""

    event: MessageEvent
    contact: WhatsAppContact
    thread: WhatsAppConversation

    @property
    def is_said(self) -> bool:
        return self.event.type not in _ABOUT_OTHERS

    @property
    def counts_as_unread(self) -> bool:
        return self.is_said and self.event.type != "reaction"

    @property
    def opens_window(self) -> bool:
        """What somebody writes in a group allows no answer to the person alone."""
        return self.is_said and not self.event.group_id


def receive(account: WhatsAppAccount, events: Sequence[MessageEvent], delivery: Delivery) -> None:
    """Stores the messages that `account` got. One that is known already changes nothing; one of another account is unmatched.

    A constant number of queries. Raises InvalidInput for a message that names nobody or has an impossible id.
    """
    _check_ids(events)
    known = known_messages.find([event.message_id for event in events])
    fresh = [event for event in events if event.message_id not in known]
    # Whom a known message was from is settled: their number may be somebody else's by now.
    people = [person_named(event.sender, event.sender_user_id, event.sender_name) for event in fresh]
    found = identity_changes.meet(account, people)
    owners = [found[key_of(person, account)] for person in people]
    threads = conversations.ensure(account, owners)
    received = [
        _Received(event, owner, threads[owner.pk]) for event, owner in zip(fresh, owners, strict=True)
    ]
    if delivery.again:
        _announce_again(account, known_messages.own(account, known).values(), delivery)
    others = in_transaction(partial(_store, account, received, delivery))
    delivery.unmatched += others + known_messages.others(
        account, known, (event.message_id for event in events)
    )


def _check_ids(events: Sequence[MessageEvent]) -> None:
    for event in events:
        if len(event.message_id) > _ID_LENGTH:
            raise InvalidInput("id", f"a message id of {len(event.message_id)} characters")


def _store(account: WhatsAppAccount, received: Sequence[_Received], delivery: Delivery) -> int:
    """Returns how many of the messages have become another account's meanwhile."""
    # Whoever stores messages of a thread holds it, so of two deliveries of one message the second finds it.
    ids = {each.thread.pk for each in received}
    threads = {row.pk: row for row in locked(WhatsAppConversation.objects.filter(pk__in=ids).order_by("pk"))}
    by_id = {each.event.message_id: each for each in received}
    known = known_messages.find(by_id)
    fresh = {key: each for key, each in by_id.items() if key not in known}
    quoted = known_messages.own(
        account, known_messages.find({each.event.context_id for each in fresh.values()} - {""})
    )
    rows = [_row(account, each, quoted, delivery) for each in fresh.values()]
    WhatsAppMessage.objects.bulk_create(rows)
    _touch(threads, list(fresh.values()), delivery)
    _open_windows(account, list(fresh.values()), delivery)
    revisions.apply(account, rows)
    _follow_merges(
        rows, identity_changes.apply(account, [(each.event, each.contact) for each in fresh.values()])
    )
    inbound_media.announce(rows)
    responses = flow_replies.store(account, rows, quoted)
    if delivery.again:
        _announce_again(account, known_messages.own(account, known).values(), delivery)
    opt_words.heed(account, rows, delivery)
    _announce(rows, responses, delivery)
    return known_messages.others(account, known, by_id)


def _follow_merges(rows: Sequence[WhatsAppMessage], moved: Mapping[int, WhatsAppConversation]) -> None:
    """Rows whose thread has gone into another are in that, in the database and here."""
    for row in rows:
        row.conversation = moved.get(row.conversation_id, row.conversation)


def _row(
    account: WhatsAppAccount,
    received: _Received,
    quoted: Mapping[str, WhatsAppMessage],
    delivery: Delivery,
) -> WhatsAppMessage:
    event = received.event
    return WhatsAppMessage(
        account=account,
        conversation=received.thread,
        phone_number=received.contact.normalized_phone,
        message_id=event.message_id,
        direction=MessageDirection.INBOUND,
        status=MessageStatus.RECEIVED,
        message_type=event.type[:_TYPE_LENGTH],
        message_body=event.text,
        content=event.content,
        raw_payload=event.raw,
        timestamp=delivery.time_of(event),
        context_message_id=event.context_id[:_ID_LENGTH],
        reply_to=quoted.get(event.context_id),
        **message_columns.columns_of(event.type, event.content),
        **inbound_media.columns_of(event.type, event.content, delivery.received_at),
    )


def _touch(
    threads: Mapping[int, WhatsAppConversation], received: Sequence[_Received], delivery: Delivery
) -> None:
    """Notes the newest message and how many are unread; the threads are locked."""
    touched: dict[int, WhatsAppConversation] = {}
    for each in received:
        thread = threads[each.thread.pk]
        at = delivery.time_of(each.event)
        if each.is_said:
            thread.last_message_at = max(thread.last_message_at or at, at)
            thread.unread_count += each.counts_as_unread
            touched[thread.pk] = thread
    overwrite(WhatsAppConversation, list(touched.values()), ["last_message_at", "unread_count"])


def _open_windows(account: WhatsAppAccount, received: Sequence[_Received], delivery: Delivery) -> None:
    newest: dict[int, datetime] = {}
    for each in received:
        if each.opens_window:
            at = delivery.time_of(each.event)
            newest[each.contact.pk] = max(newest.get(each.contact.pk, at), at)
    windows.extend(account, newest)


def _announce_again(account: WhatsAppAccount, rows: Iterable[WhatsAppMessage], delivery: Delivery) -> None:
    known = list(rows)
    in_transaction(partial(opt_words.heed, account, known, delivery))
    _announce(known, flow_replies.stored(known), delivery)


def _announce(
    messages: Sequence[WhatsAppMessage], responses: Sequence[WhatsAppFlowResponse], delivery: Delivery
) -> None:
    for message in messages:
        delivery.announce(
            signals.whatsapp_message_received,
            WhatsAppMessage,
            f"message:{message.message_id}",
            message=message,
        )
    for response in responses:
        delivery.announce(
            signals.whatsapp_flow_completed,
            WhatsAppFlowResponse,
            f"flow:{response.message.message_id}",
            response=response,
        )
