"""Messages from before a number came to the API, which its business shares (coexistence)."""

from collections.abc import Sequence
from dataclasses import replace

from django_meta_whatsapp.cloud_api.events import HistoryMessageEvent
from django_meta_whatsapp.models import MessageStatus, WhatsAppAccount
from django_meta_whatsapp.services import app_messages
from django_meta_whatsapp.services.app_parts import AppMessage
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.people import person_named

_STATUSES = {
    "PENDING": MessageStatus.ACCEPTED,
    "SENT": MessageStatus.SENT,
    "DELIVERED": MessageStatus.DELIVERED,
    "READ": MessageStatus.READ,
    "PLAYED": MessageStatus.PLAYED,
    "ERROR": MessageStatus.FAILED,
}


def receive(account: WhatsAppAccount, events: Sequence[HistoryMessageEvent], delivery: Delivery) -> None:
    """Stores older messages, without a signal for each. One that is known already changes nothing, but
    a placeholder gets the file that it stood for.

    Raises InvalidInput for a message of nobody's thread or with an impossible id.
    """
    app_messages.store(account, [_message(event) for event in events], delivery)


def _message(event: HistoryMessageEvent) -> AppMessage:
    # A file that comes by itself does not say that it is one of history; whoever fetches it has to know.
    event = replace(event, raw={"history_context": {}, **event.raw})
    person = person_named(event.sender, event.sender_user_id, event.sender_name)
    ours = _STATUSES.get(event.status, MessageStatus.SENT)
    return AppMessage(event, person, ours if event.is_ours else MessageStatus.RECEIVED)
