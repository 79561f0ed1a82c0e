"""Messages that ask for something: a place, a number, a call, an address, a form. Raw: no gate, no row."""

from collections.abc import Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import (
    AddressMessage,
    CallPermissionRequest,
    ContactInfoRequest,
    FlowMessage,
    LocationRequest,
    VoiceCall,
)
from django_meta_whatsapp.cloud_api.content.parts import Header
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.utils.sending import asend_content, send_content

__all__ = [
    "asend_address_message",
    "asend_call_permission_request_message",
    "asend_contact_info_request_message",
    "asend_flow_message",
    "asend_location_request_message",
    "asend_voice_call_message",
    "send_address_message",
    "send_call_permission_request_message",
    "send_contact_info_request_message",
    "send_flow_message",
    "send_location_request_message",
    "send_voice_call_message",
]


def send_flow_message(
    phone_number: str,
    body: str,
    cta: str,
    flow_id: str = "",
    flow_name: str = "",
    flow_token: str = "unused",  # noqa: S107 - Meta's own default
    mode: str = "published",
    action: str = "navigate",
    screen: str = "",
    data: Mapping[str, Any] | None = None,
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with a button that opens a WhatsApp Flow; see `content.FlowMessage` for the arguments.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Sending a Flow".
    """
    return send_content(
        phone_number,
        FlowMessage(
            body=body,
            cta=cta,
            flow_id=flow_id,
            flow_name=flow_name,
            flow_token=flow_token,
            mode=mode,
            action=action,
            screen=screen,
            data=data or {},
            header=header,
            footer=footer,
        ),
        reply_message_id,
        account,
    )


async def asend_flow_message(
    phone_number: str,
    body: str,
    cta: str,
    flow_id: str = "",
    flow_name: str = "",
    flow_token: str = "unused",  # noqa: S107 - Meta's own default
    mode: str = "published",
    action: str = "navigate",
    screen: str = "",
    data: Mapping[str, Any] | None = None,
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_flow_message`, awaited."""
    return await asend_content(
        phone_number,
        FlowMessage(
            body=body,
            cta=cta,
            flow_id=flow_id,
            flow_name=flow_name,
            flow_token=flow_token,
            mode=mode,
            action=action,
            screen=screen,
            data=data or {},
            header=header,
            footer=footer,
        ),
        reply_message_id,
        account,
    )


def send_location_request_message(
    phone_number: str,
    body: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with a button that shares the person's location.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Location request messages".
    """
    return send_content(phone_number, LocationRequest(body), reply_message_id, account)


async def asend_location_request_message(
    phone_number: str,
    body: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_location_request_message`, awaited."""
    return await asend_content(phone_number, LocationRequest(body), reply_message_id, account)


def send_contact_info_request_message(
    phone_number: str,
    body: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Asks somebody whom you know by user ID only for their phone number.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Business-scoped user IDs".
    """
    return send_content(phone_number, ContactInfoRequest(body), reply_message_id, account)


async def asend_contact_info_request_message(
    phone_number: str,
    body: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_contact_info_request_message`, awaited."""
    return await asend_content(phone_number, ContactInfoRequest(body), reply_message_id, account)


def send_call_permission_request_message(
    phone_number: str,
    body: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Asks whether the business may call.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Call permission requests".
    """
    return send_content(phone_number, CallPermissionRequest(body), reply_message_id, account)


async def asend_call_permission_request_message(
    phone_number: str,
    body: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_call_permission_request_message`, awaited."""
    return await asend_content(phone_number, CallPermissionRequest(body), reply_message_id, account)


def send_voice_call_message(
    phone_number: str,
    body: str,
    display_text: str,
    ttl_minutes: int = 10080,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with a button that calls the business. ttl_minutes: how long it works, 1 to 43,200.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Call buttons".
    """
    return send_content(phone_number, VoiceCall(body, display_text, ttl_minutes), reply_message_id, account)


async def asend_voice_call_message(
    phone_number: str,
    body: str,
    display_text: str,
    ttl_minutes: int = 10080,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_voice_call_message`, awaited."""
    return await asend_content(
        phone_number, VoiceCall(body, display_text, ttl_minutes), reply_message_id, account
    )


def send_address_message(
    phone_number: str,
    body: str,
    country: str = "IN",
    values: Mapping[str, str] | None = None,
    saved_addresses: Sequence[Mapping[str, Any]] = (),
    validation_errors: Mapping[str, str] | None = None,
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Asks for a postal address with a form (India). The answer comes as an inbound message.

    values: filled in beforehand. saved_addresses: `[{"id", "value": {…}}]`. validation_errors: text by field.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Address messages".
    """
    return send_content(
        phone_number,
        AddressMessage(
            body=body,
            country=country,
            values=values or {},
            saved_addresses=saved_addresses,
            validation_errors=validation_errors or {},
            header=header,
            footer=footer,
        ),
        reply_message_id,
        account,
    )


async def asend_address_message(
    phone_number: str,
    body: str,
    country: str = "IN",
    values: Mapping[str, str] | None = None,
    saved_addresses: Sequence[Mapping[str, Any]] = (),
    validation_errors: Mapping[str, str] | None = None,
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_address_message`, awaited."""
    return await asend_content(
        phone_number,
        AddressMessage(
            body=body,
            country=country,
            values=values or {},
            saved_addresses=saved_addresses,
            validation_errors=validation_errors or {},
            header=header,
            footer=footer,
        ),
        reply_message_id,
        account,
    )
