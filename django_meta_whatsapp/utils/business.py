"""The phone number, its profile, the WABA, the token and the webhook subscription. Calls Meta only."""

from collections.abc import Mapping
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations import business
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.accounts import (
    async_client_for,
    client_for,
    credentials,
    phone_number_id,
    waba_id,
)
from django_meta_whatsapp.services.steps import all_entries, arun, run

__all__ = [
    "adebug_token",
    "aderegister_phone_number",
    "aget_business_profile",
    "aget_health_status",
    "aget_phone_number",
    "aget_waba",
    "alist_phone_numbers",
    "alist_subscribed_apps",
    "aregister_phone_number",
    "arequest_verification_code",
    "asubscribe_app",
    "aunsubscribe_app",
    "aupdate_business_profile",
    "averify_code",
    "debug_token",
    "deregister_phone_number",
    "get_business_profile",
    "get_health_status",
    "get_phone_number",
    "get_waba",
    "list_phone_numbers",
    "list_subscribed_apps",
    "register_phone_number",
    "request_verification_code",
    "subscribe_app",
    "unsubscribe_app",
    "update_business_profile",
    "verify_code",
]


def get_business_profile(account: WhatsAppAccount | None = None) -> JSON:
    """The profile that people see: `{"about", "address", "description", "email", "websites", "vertical", …}`.

    Raises MetaAPIError. Source: Meta's page "Business profiles".
    """
    return client_for(account).run(business.business_profile(phone_number_id(account)))


async def aget_business_profile(account: WhatsAppAccount | None = None) -> JSON:
    """`get_business_profile`, awaited."""
    return await async_client_for(account).run(business.business_profile(phone_number_id(account)))


def update_business_profile(changes: Mapping[str, Any], account: WhatsAppAccount | None = None) -> JSON:
    """Changes the profile. Returns `{"success": True}`.

    changes: any of `about` (1 to 139 characters), `address` (256), `description` (512), `email` (128), `websites` (2),
        `vertical`, and `profile_picture_handle` from `upload_media_handle`.
    Raises InvalidMessage (a ValueError) for what is too long; MetaAPIError. Source: Meta's page "Business profiles".
    """
    return client_for(account).run(business.update_business_profile(phone_number_id(account), changes))


async def aupdate_business_profile(
    changes: Mapping[str, Any], account: WhatsAppAccount | None = None
) -> JSON:
    """`update_business_profile`, awaited."""
    return await async_client_for(account).run(
        business.update_business_profile(phone_number_id(account), changes)
    )


def get_phone_number(account: WhatsAppAccount | None = None) -> JSON:
    """What Meta knows about our number: name, quality, throughput, messaging limit, status …

    Raises MetaAPIError. Source: Meta's page "Business phone numbers".
    """
    return client_for(account).run(business.phone_number(phone_number_id(account)))


async def aget_phone_number(account: WhatsAppAccount | None = None) -> JSON:
    """`get_phone_number`, awaited."""
    return await async_client_for(account).run(business.phone_number(phone_number_id(account)))


def list_phone_numbers(account: WhatsAppAccount | None = None) -> list[JSON]:
    """Every phone number of the WABA, all pages. Raises MetaAPIError. Source: Meta's page "Business phone numbers"."""
    return run(all_entries(business.phone_numbers(waba_id(account))), account)


async def alist_phone_numbers(account: WhatsAppAccount | None = None) -> list[JSON]:
    """`list_phone_numbers`, awaited."""
    return await arun(all_entries(business.phone_numbers(waba_id(account))), account)


def get_waba(account: WhatsAppAccount | None = None) -> JSON:
    """What Meta knows about the WhatsApp Business Account. Raises MetaAPIError.

    Source: Meta's page "WhatsApp Business Accounts".
    """
    return client_for(account).run(business.waba(waba_id(account)))


async def aget_waba(account: WhatsAppAccount | None = None) -> JSON:
    """`get_waba`, awaited."""
    return await async_client_for(account).run(business.waba(waba_id(account)))


def register_phone_number(
    pin: str, data_localization_region: str = "", account: WhatsAppAccount | None = None
) -> JSON:
    """Registers our number for the Cloud API. Returns `{"success": True}`.

    pin: six digits; becomes the two-step PIN of a number that has none. data_localization_region: two letters.
    Raises InvalidMessage (a ValueError) for another PIN; MetaAPIError. Source: Meta's page "Registration".
    """
    return client_for(account).run(
        business.register(phone_number_id(account), pin, data_localization_region=data_localization_region)
    )


async def aregister_phone_number(
    pin: str, data_localization_region: str = "", account: WhatsAppAccount | None = None
) -> JSON:
    """`register_phone_number`, awaited."""
    return await async_client_for(account).run(
        business.register(phone_number_id(account), pin, data_localization_region=data_localization_region)
    )


def deregister_phone_number(account: WhatsAppAccount | None = None) -> JSON:
    """Takes our number off the Cloud API. Returns `{"success": True}`. Raises MetaAPIError.

    Source: Meta's page "Registration".
    """
    return client_for(account).run(business.deregister(phone_number_id(account)))


async def aderegister_phone_number(account: WhatsAppAccount | None = None) -> JSON:
    """`deregister_phone_number`, awaited."""
    return await async_client_for(account).run(business.deregister(phone_number_id(account)))


def request_verification_code(
    method: str = "SMS", language: str = "en_US", account: WhatsAppAccount | None = None
) -> JSON:
    """Has Meta send a code to our number. method: `SMS` or `VOICE`. Raises MetaAPIError.

    Source: Meta's page "Business phone numbers".
    """
    return client_for(account).run(
        business.request_code(phone_number_id(account), method=method, language=language)
    )


async def arequest_verification_code(
    method: str = "SMS", language: str = "en_US", account: WhatsAppAccount | None = None
) -> JSON:
    """`request_verification_code`, awaited."""
    return await async_client_for(account).run(
        business.request_code(phone_number_id(account), method=method, language=language)
    )


def verify_code(code: str, account: WhatsAppAccount | None = None) -> JSON:
    """Proves with the code that the number is ours. Returns `{"success": True}`. Raises MetaAPIError.

    Source: Meta's page "Business phone numbers".
    """
    return client_for(account).run(business.verify_code(phone_number_id(account), code))


async def averify_code(code: str, account: WhatsAppAccount | None = None) -> JSON:
    """`verify_code`, awaited."""
    return await async_client_for(account).run(business.verify_code(phone_number_id(account), code))


def list_subscribed_apps(account: WhatsAppAccount | None = None) -> list[JSON]:
    """The apps that get the webhooks of this WABA. None: no webhook arrives. Raises MetaAPIError.

    Source: Meta's page "Webhooks".
    """
    return run(all_entries(business.subscribed_apps(waba_id(account))), account)


async def alist_subscribed_apps(account: WhatsAppAccount | None = None) -> list[JSON]:
    """`list_subscribed_apps`, awaited."""
    return await arun(all_entries(business.subscribed_apps(waba_id(account))), account)


def subscribe_app(
    callback_url: str = "", verify_token: str = "", account: WhatsAppAccount | None = None
) -> JSON:
    """Subscribes the token's app to the webhooks of this WABA. Returns `{"success": True}`.

    callback_url, verify_token: both or neither; send this WABA's webhooks elsewhere than the app's.
    Raises InvalidMessage (a ValueError); MetaAPIError. Source: Meta's page "Webhooks", overrides.
    """
    return client_for(account).run(
        business.subscribe_app(waba_id(account), callback_url=callback_url, verify_token=verify_token)
    )


async def asubscribe_app(
    callback_url: str = "", verify_token: str = "", account: WhatsAppAccount | None = None
) -> JSON:
    """`subscribe_app`, awaited."""
    return await async_client_for(account).run(
        business.subscribe_app(waba_id(account), callback_url=callback_url, verify_token=verify_token)
    )


def unsubscribe_app(account: WhatsAppAccount | None = None) -> JSON:
    """Stops the webhooks of this WABA to the token's app. Returns `{"success": True}`. Raises MetaAPIError.

    Source: Meta's page "Webhooks".
    """
    return client_for(account).run(business.unsubscribe_app(waba_id(account)))


async def aunsubscribe_app(account: WhatsAppAccount | None = None) -> JSON:
    """`unsubscribe_app`, awaited."""
    return await async_client_for(account).run(business.unsubscribe_app(waba_id(account)))


def debug_token(access_token: str = "", account: WhatsAppAccount | None = None) -> JSON:
    """What Meta knows about a token: `{"app_id", "is_valid", "expires_at", "scopes", "granular_scopes", …}`.

    access_token: by default the account's own. Raises MetaAPIError. Source: Meta's page "Access tokens".
    """
    return client_for(account).run(business.debug_token(access_token or credentials(account).access_token))


async def adebug_token(access_token: str = "", account: WhatsAppAccount | None = None) -> JSON:
    """`debug_token`, awaited."""
    return await async_client_for(account).run(
        business.debug_token(access_token or credentials(account).access_token)
    )


def get_health_status(node_id: str = "", account: WhatsAppAccount | None = None) -> JSON:
    """Whether a number, WABA or template can send: `{"can_send_message", "entities": [{"entity_type", "errors", …}]}`.

    node_id: by default our phone number's. Raises MetaAPIError. Source: Meta's page "Health status".
    """
    return client_for(account).run(business.health_status(node_id or phone_number_id(account)))


async def aget_health_status(node_id: str = "", account: WhatsAppAccount | None = None) -> JSON:
    """`get_health_status`, awaited."""
    return await async_client_for(account).run(business.health_status(node_id or phone_number_id(account)))
