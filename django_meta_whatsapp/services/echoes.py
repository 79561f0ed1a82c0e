"""What the business writes in its own WhatsApp Business app: outbound messages of the same threads."""

from collections.abc import Sequence
from functools import partial

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import EchoEvent
from django_meta_whatsapp.models import MessageStatus, WhatsAppAccount, WhatsAppMessage
from django_meta_whatsapp.services import app_messages
from django_meta_whatsapp.services.app_parts import AppMessage
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.people import person_named


def receive(account: WhatsAppAccount, events: Sequence[EchoEvent], delivery: Delivery) -> None:
    """Stores what was written in the app. What is known already changes nothing.

    Raises InvalidInput for a message that is for nobody or has an impossible id.
    """
    messages = [
        AppMessage(event, person_named(event.recipient, event.recipient_user_id, ""), MessageStatus.SENT)
        for event in events
    ]
    app_messages.store(account, messages, delivery, partial(_announce, delivery))


def _announce(delivery: Delivery, row: WhatsAppMessage) -> None:
    delivery.announce(signals.whatsapp_message_sent, WhatsAppMessage, f"echo:{row.message_id}", message=row)
