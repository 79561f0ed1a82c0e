"""Text, places, reactions, contact cards and templates; read receipts. Raw: no gate, no row."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import Contacts, Location, Reaction, Template, Text
from django_meta_whatsapp.cloud_api.content.template_components import build_template_components
from django_meta_whatsapp.cloud_api.operations import messages
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.accounts import async_client_for, client_for, phone_number_id
from django_meta_whatsapp.utils.sending import asend_content, send_content

__all__ = [
    "amark_as_read",
    "asend_contacts_message",
    "asend_location_message",
    "asend_reaction_message",
    "asend_template_message",
    "asend_text_message",
    "build_template_components",
    "mark_as_read",
    "send_contacts_message",
    "send_location_message",
    "send_reaction_message",
    "send_template_message",
    "send_text_message",
]


def send_text_message(
    phone_number: str,
    text: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text of at most 4,096 characters. The id is at `answer["messages"][0]["id"]`.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Text messages".
    """
    return send_content(phone_number, Text(text), reply_message_id, account)


async def asend_text_message(
    phone_number: str,
    text: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_text_message`, awaited."""
    return await asend_content(phone_number, Text(text), reply_message_id, account)


def send_location_message(
    phone_number: str,
    latitude: float | str | Decimal,
    longitude: float | str | Decimal,
    name: str = "",
    address: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a pin on the map.

    latitude, longitude: decimal degrees. name, address: shown under the pin.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Location messages".
    """
    return send_content(phone_number, Location(latitude, longitude, name, address), reply_message_id, account)


async def asend_location_message(
    phone_number: str,
    latitude: float | str | Decimal,
    longitude: float | str | Decimal,
    name: str = "",
    address: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_location_message`, awaited."""
    return await asend_content(
        phone_number, Location(latitude, longitude, name, address), reply_message_id, account
    )


def send_template_message(
    phone_number: str,
    template_name: str,
    language_code: str = "en",
    components: Sequence[JSON] | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends an approved template: the only thing that may be sent when the 24-hour window is closed.

    language_code: exactly as approved; `en` and `en_US` are two templates (error 132001 for one that is not there).
    components: from `build_template_components`; None for a template without variables.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Template messages".
    """
    return send_content(phone_number, Template(template_name, language_code, components or ()), None, account)


async def asend_template_message(
    phone_number: str,
    template_name: str,
    language_code: str = "en",
    components: Sequence[JSON] | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_template_message`, awaited."""
    return await asend_content(
        phone_number, Template(template_name, language_code, components or ()), None, account
    )


def send_reaction_message(
    phone_number: str,
    message_id: str,
    emoji: str,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Reacts to a message of the last 30 days. An empty `emoji` takes the reaction back.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Reaction messages".
    """
    return send_content(phone_number, Reaction(message_id, emoji), None, account)


async def asend_reaction_message(
    phone_number: str,
    message_id: str,
    emoji: str,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_reaction_message`, awaited."""
    return await asend_content(phone_number, Reaction(message_id, emoji), None, account)


def send_contacts_message(
    phone_number: str,
    contacts: Sequence[Mapping[str, Any]],
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends 1 to 257 contact cards, in Meta's shape; see `content.Contacts`.

    contacts: `[{"name": {"formatted_name": "Asha Rao"}, "phones": [{"phone": "+15550002222"}]}]`.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Contacts messages".
    """
    return send_content(phone_number, Contacts(contacts), reply_message_id, account)


async def asend_contacts_message(
    phone_number: str,
    contacts: Sequence[Mapping[str, Any]],
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_contacts_message`, awaited."""
    return await asend_content(phone_number, Contacts(contacts), reply_message_id, account)


def mark_as_read(message_id: str, typing: bool = False, account: WhatsAppAccount | None = None) -> JSON:
    """Shows the person that this inbound message, and all before it, were read. Returns `{"success": True}`.

    message_id: Meta's ID of a message of the last 30 days.
    typing: shows also that an answer is being typed, until it is sent or for 25 seconds.
    Raises MetaAPIError. Source: Meta's page "Mark messages as read".
    """
    return client_for(account).run(messages.mark_as_read(phone_number_id(account), message_id, typing=typing))


async def amark_as_read(
    message_id: str, typing: bool = False, account: WhatsAppAccount | None = None
) -> JSON:
    """`mark_as_read`, awaited."""
    return await async_client_for(account).run(
        messages.mark_as_read(phone_number_id(account), message_id, typing=typing)
    )
