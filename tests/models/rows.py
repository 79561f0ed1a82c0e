"""Rows that the model and admin tests stand on."""

from itertools import count
from typing import Any

from django_meta_whatsapp.models import (
    MessageDirection,
    MessageStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
)

_numbers = count(1)


def account(**fields: Any) -> WhatsAppAccount:
    number = next(_numbers)
    return WhatsAppAccount.objects.create(
        **{"name": f"Shop {number}", "phone_number_id": f"9{number:08}"} | fields
    )


def contact(**fields: Any) -> WhatsAppContact:
    return WhatsAppContact.objects.create(**{"phone": f"4560{next(_numbers):06}"} | fields)


def conversation(**fields: Any) -> WhatsAppConversation:
    rows = {
        key: make() for key, make in {"account": account, "contact": contact}.items() if key not in fields
    }
    return WhatsAppConversation.objects.create(**rows | fields)


def message(thread: WhatsAppConversation | None = None, **fields: Any) -> WhatsAppMessage:
    thread = thread or conversation()
    return WhatsAppMessage.objects.create(
        **{
            "account": thread.account,
            "conversation": thread,
            "direction": MessageDirection.OUTBOUND,
            "message_type": "text",
            "message_body": "Hello",
            "status": MessageStatus.ACCEPTED,
        }
        | fields
    )


def campaign(**fields: Any) -> WhatsAppCampaign:
    return WhatsAppCampaign.objects.create(**{"name": f"Campaign {next(_numbers)}"} | fields)


def recipient(of: WhatsAppCampaign | None = None, **fields: Any) -> WhatsAppCampaignRecipient:
    number = f"4560{next(_numbers):06}"
    return WhatsAppCampaignRecipient.objects.create(
        **{"campaign": of or campaign(), "identity": f"p:{number}", "phone_number": number} | fields
    )
