"""Messages of a number that is also used in the WhatsApp Business app: what was written there, and older history.

They become rows like ours, but nobody is told that somebody wrote: nothing counts as unread and no window opens.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import REVISIONS
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import (
    MessageDirection,
    MessageStatus,
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.services import (
    app_parts,
    conversations,
    identity_changes,
    inbound_media,
    known_messages,
    message_columns,
    revisions,
)
from django_meta_whatsapp.services.app_parts import TIMES, AppMessage
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.people import key_of
from django_meta_whatsapp.services.transactions import database, in_transaction

_ID_LENGTH = 255
_TYPE_LENGTH = 30


def store(
    account: WhatsAppAccount,
    messages: Sequence[AppMessage],
    delivery: Delivery,
    announce: Callable[[WhatsAppMessage], None] = lambda row: None,
) -> None:
    """Makes rows of the messages that are not known yet, and completes placeholders. A constant number of queries.

    Those that belong to another account are counted as unmatched.
    announce: called in the transaction for each row that is new, and on a second try for each that is not.
    Raises InvalidInput for an impossible id.
    """
    known = known_messages.find([message.event.message_id for message in messages])
    fresh = [message for message in messages if message.event.message_id not in known]
    people = [message.person for message in fresh]
    found = identity_changes.meet(account, people)
    owners = [found[key_of(person, account)] for person in people]
    threads = conversations.ensure(account, owners)
    addressed = list(zip(fresh, owners, strict=True))
    told = app_parts.by_id(messages)
    earlier = known_messages.own(account, known)
    others = in_transaction(partial(_store, account, addressed, told, earlier, threads, delivery, announce))
    delivery.unmatched += others + known_messages.others(
        account, known, (message.event.message_id for message in messages)
    )


def _store(
    account: WhatsAppAccount,
    messages: Sequence[tuple[AppMessage, WhatsAppContact]],
    told: Mapping[str, AppMessage],
    earlier: Mapping[str, WhatsAppMessage],
    threads: dict[int, WhatsAppConversation],
    delivery: Delivery,
    announce: Callable[[WhatsAppMessage], None],
) -> int:
    """Returns how many of the messages have become another account's meanwhile."""
    # Whoever stores messages of a thread holds it, as the inbox does.
    held = WhatsAppConversation.objects.filter(pk__in={thread.pk for thread in threads.values()})
    by_contact = {thread.contact_id: thread for thread in locked(held.order_by("pk"))}
    by_id = {message.event.message_id: contact for message, contact in messages}
    known = known_messages.find(by_id)
    fresh = [
        _row(account, told[message_id], contact, by_contact[contact.pk], delivery)
        for message_id, contact in by_id.items()
        if message_id not in known
    ]
    WhatsAppMessage.objects.bulk_create(fresh)
    _touch(fresh, list(by_contact.values()))
    there = [*earlier.values(), *known_messages.own(account, known).values()]
    completed = app_parts.complete(there, told, delivery)
    revisions.apply(account, [*fresh, *completed])
    inbound_media.announce([*fresh, *completed])
    concerned = [*fresh, *there] if delivery.again else fresh
    _let_statuses_follow(account, concerned)
    for row in concerned:
        announce(row)
    return known_messages.others(account, known, by_id)


def _let_statuses_follow(account: WhatsAppAccount, rows: Sequence[WhatsAppMessage]) -> None:
    """What Meta told of our messages before they had these rows is applied after the commit."""
    known = [row.message_id for row in rows if row.direction == MessageDirection.OUTBOUND]
    if known:
        send = partial(signals.messages_known.send_robust, sender=WhatsAppMessage)
        transaction.on_commit(partial(send, account_id=account.pk, message_ids=known), using=database())


def _row(
    account: WhatsAppAccount,
    message: AppMessage,
    contact: WhatsAppContact,
    thread: WhatsAppConversation,
    delivery: Delivery,
) -> WhatsAppMessage:
    event, at = message.event, delivery.time_of(message.event)
    if len(event.message_id) > _ID_LENGTH:
        raise InvalidInput("id", f"a message id of {len(event.message_id)} characters")
    inbound = message.status == MessageStatus.RECEIVED
    times: dict[str, Any] = {TIMES[message.status]: at} if message.status in TIMES else {}
    file = inbound_media.columns_of(event.type, event.content, delivery.received_at) if inbound else {}
    return WhatsAppMessage(
        account=account,
        conversation=thread,
        phone_number=contact.normalized_phone,
        message_id=event.message_id,
        direction=MessageDirection.INBOUND if inbound else MessageDirection.OUTBOUND,
        status=message.status,
        message_type=event.type[:_TYPE_LENGTH],
        message_body=event.text,
        content=event.content,
        raw_payload=event.raw,
        timestamp=at,
        context_message_id=event.context_id[:_ID_LENGTH],
        **times,
        **message_columns.columns_of(event.type, event.content),
        **file,
    )


def _touch(stored: Sequence[WhatsAppMessage], threads: Sequence[WhatsAppConversation]) -> None:
    """Notes the newest message of each thread."""
    by_key = {thread.pk: thread for thread in threads}
    for row in stored:
        if row.message_type not in REVISIONS:
            thread = by_key[row.conversation_id]
            thread.last_message_at = max(thread.last_message_at or row.timestamp, row.timestamp)
    overwrite(WhatsAppConversation, threads, ["last_message_at"])
