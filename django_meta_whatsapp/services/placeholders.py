"""Files of shared history: Meta tells of the messages first, each a placeholder, and of their files afterwards, or before."""

from collections.abc import Iterable, Mapping

from django_meta_whatsapp.cloud_api.events import MessageEvent
from django_meta_whatsapp.cloud_api.events.reading import mapping
from django_meta_whatsapp.models import MessageDirection, WhatsAppMessage
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.services import inbound_media, message_columns
from django_meta_whatsapp.services.delivery import Delivery

PLACEHOLDER = "media_placeholder"
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
]


def fuller(one: MessageEvent, other: MessageEvent) -> MessageEvent:
    """Of two parts about one message the one that is no placeholder; else the first."""
    return other if one.type == PLACEHOLDER else one


def replace(
    rows: Iterable[WhatsAppMessage], told: Mapping[str, MessageEvent], delivery: Delivery
) -> list[WhatsAppMessage]:
    """Puts the files that are told of into those of `rows` that are placeholders; which these were. Of other parts about
    messages that are known nothing is taken. Two statements if there are any, in the caller's transaction.
    """
    keys = [
        row.pk
        for row in rows
        if row.message_type == PLACEHOLDER and told[str(row.message_id)].type in message_columns.MEDIA
    ]
    if not keys:
        return []
    held = locked(WhatsAppMessage.objects.filter(pk__in=keys, message_type=PLACEHOLDER).order_by("pk"))
    replaced = list(held)
    for row in replaced:
        _fill(row, told[str(row.message_id)], delivery)
    overwrite(WhatsAppMessage, replaced, _FIELDS)
    return replaced


def _fill(row: WhatsAppMessage, event: MessageEvent, delivery: Delivery) -> None:
    # What the first part alone says, such as that this is history, stays.
    raw = {**mapping(row.raw_payload), **event.raw}
    values = {
        "message_type": event.type,
        "message_body": event.text,
        "content": event.content,
        "raw_payload": raw,
        **message_columns.columns_of(event.type, event.content),
    }
    if row.direction == MessageDirection.INBOUND:
        values |= inbound_media.columns_of(event.type, event.content, delivery.received_at)
    for name, value in values.items():
        setattr(row, name, value)
