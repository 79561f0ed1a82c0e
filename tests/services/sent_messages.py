"""A message that we sent, with the rows around it, and what Meta tells about it, applied."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Text
from django_meta_whatsapp.cloud_api.events import StatusEvent, parse
from django_meta_whatsapp.cloud_api.operations.messages import send_message
from django_meta_whatsapp.models import (
    RecipientStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services import contacts, outbox_rows, statuses, tokens
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.outbox_rows import Committed
from tests.webhooks import posting

START = 1767000000
_numbers = itertools.count(1)


def at(second: int) -> datetime:
    return datetime.fromtimestamp(START + second, UTC)


class Sent:
    """A message that we sent, with its attempt and, for one of a campaign, its recipient."""

    def __init__(self, account: WhatsAppAccount, campaign: WhatsAppCampaign | None = None) -> None:
        number = next(_numbers)
        self.account = account
        self.wamid = f"wamid.OUT-{number}"
        contact = contacts.ensure([Person(phone=f"+4520{number:06}")])[f"p:4520{number:06}"]
        thread = WhatsAppConversation.objects.create(account=account, contact=contact)
        self.contact: WhatsAppContact = contact
        self.message = WhatsAppMessage.objects.create(
            account=account, conversation=thread, direction="outbound", message_type="text"
        )
        self.recipient = campaign and WhatsAppCampaignRecipient.objects.create(
            campaign=campaign,
            contact=contact,
            identity=f"p:4520{number:06}",
            status=RecipientStatus.SENDING,
            lease="mine",
            lease_expires_at=timezone.now() + timedelta(minutes=5),
            chat_message=self.message,
        )
        self.attempt = WhatsAppSendAttempt.objects.create(
            account=account, token=tokens.new_token(), chat_message=self.message, recipient=self.recipient
        )

    def event(self, status: str, second: int = 0, *, code: int | None = None, **parts: Any) -> StatusEvent:
        return one_event(
            {
                "id": self.wamid,
                "status": status,
                "timestamp": str(START + second),
                "recipient_id": "4512345678",
                "biz_opaque_callback_data": self.attempt.token,
                **({"errors": [{"code": code, "title": f"Error {code}"}]} if code else {}),
                **parts,
            }
        )

    def answered(self) -> None:
        """The answer to the send comes in."""
        call = send_message(posting.NUMBER, "+4512345678", Text("hi"), callback_data=self.attempt.token)
        outbox_rows.settle_accepted(
            Committed(self.message, self.attempt, call), {"messages": [{"id": self.wamid}]}
        )

    def row(self) -> WhatsAppMessage:
        self.message.refresh_from_db()
        return self.message

    def recipient_row(self) -> WhatsAppCampaignRecipient:
        assert self.recipient is not None
        self.recipient.refresh_from_db()
        return self.recipient

    def attempt_row(self) -> WhatsAppSendAttempt:
        self.attempt.refresh_from_db()
        return self.attempt


def one_event(status: dict[str, Any]) -> StatusEvent:
    [event] = parse(posting.statuses(status))
    assert isinstance(event, StatusEvent)
    return event


def apply(account: WhatsAppAccount, *events: StatusEvent, again: bool = False) -> Delivery:
    delivery = Delivery(received_at=at(999), again=again)
    statuses.apply(account, [(event, delivery) for event in events])
    return delivery
