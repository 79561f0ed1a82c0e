"""What the phone app tells of a message, in one part or in two: a placeholder that says how far it got, and its file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django_meta_whatsapp.cloud_api.events import MessageEvent
from django_meta_whatsapp.cloud_api.events.reading import mapping
from django_meta_whatsapp.models import MessageDirection, MessageStatus, WhatsAppMessage
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.models.ladder import higher
from django_meta_whatsapp.services import inbound_media, message_columns
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.delivery import Delivery

PLACEHOLDER = "media_placeholder"
TIMES = {
    MessageStatus.SENT: "sent_at",
    MessageStatus.DELIVERED: "delivered_at",
    MessageStatus.READ: "read_at",
    MessageStatus.PLAYED: "played_at",
    MessageStatus.FAILED: "failed_at",
}
_FIELDS = [
    "message_type",
    "message_body",
    "content",
    "raw_payload",
    "media_id",
    "media_mime_type",
    "media_filename",
    "media_state",
    "media_due_at",
    "status",
    *TIMES.values(),
]


@dataclass(frozen=True, slots=True)
class AppMessage:
    """A message and the person whom it is from or for. status: RECEIVED for an inbound one."""

    event: MessageEvent
    person: Person
    status: MessageStatus


def by_id(messages: Iterable[AppMessage]) -> dict[str, AppMessage]:
    """All that is told of each message at once, by Meta's ids."""
    told: dict[str, AppMessage] = {}
    for message in messages:
        known = told.setdefault(message.event.message_id, message)
        fuller = message if known.event.type == PLACEHOLDER else known
        status = known.status
        if status != MessageStatus.RECEIVED and message.status != MessageStatus.RECEIVED:
            status = MessageStatus(higher(status, message.status))
        told[message.event.message_id] = replace(fuller, status=status)
    return told


def complete(
    rows: Iterable[WhatsAppMessage], told: Mapping[str, AppMessage], delivery: Delivery
) -> list[WhatsAppMessage]:
    """Adds to messages that are known what the other part says, in whichever order the two come; which these were. Nothing
    else changes a message that is known. Two statements if there are any, in the caller's transaction.
    """
    keys = [row.pk for row in rows if _is_other_part(row, told[str(row.message_id)])]
    if not keys:
        return []
    held = list(locked(WhatsAppMessage.objects.filter(pk__in=keys).order_by("pk")))
    completed = [row for row in held if _is_other_part(row, told[str(row.message_id)])]
    for row in completed:
        message = told[str(row.message_id)]
        if row.message_type == PLACEHOLDER:
            _fill(row, message.event, delivery)
        _climb(row, message, delivery)
    overwrite(WhatsAppMessage, completed, _FIELDS)
    return completed


def _is_other_part(row: WhatsAppMessage, message: AppMessage) -> bool:
    one, other = row.message_type, message.event.type
    if one == PLACEHOLDER:
        return other in message_columns.MEDIA
    ours = row.direction == MessageDirection.OUTBOUND
    return ours and other == PLACEHOLDER and one in message_columns.MEDIA


def _fill(row: WhatsAppMessage, event: MessageEvent, delivery: Delivery) -> None:
    values = {
        "message_type": event.type,
        "message_body": event.text,
        "content": event.content,
        "raw_payload": {**mapping(row.raw_payload), **event.raw},
        **message_columns.columns_of(event.type, event.content),
    }
    if row.direction == MessageDirection.INBOUND:
        values |= inbound_media.columns_of(event.type, event.content, delivery.received_at)
    for name, value in values.items():
        setattr(row, name, value)


def _climb(row: WhatsAppMessage, message: AppMessage, delivery: Delivery) -> None:
    """The part with the file does not say how far a message of ours got."""
    told = message.status
    if (
        row.direction == MessageDirection.OUTBOUND
        and told in TIMES
        and higher(row.status, told) != row.status
    ):
        row.status = told
        setattr(row, TIMES[told], getattr(row, TIMES[told]) or delivery.time_of(message.event))
