"""Phone numbers, business profile, webhook subscription, token and health (Meta's "business phone numbers",
"business profiles", "webhooks" and "health status" pages)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON, READ, WRITE, Call, Page, as_is
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.operations.common import (
    first_entry,
    page,
    paging_query,
    path,
    without_empty,
)

PHONE_NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,code_verification_status,name_status,status,"
    "platform_type,throughput,account_mode,whatsapp_business_manager_messaging_limit,"
    "is_official_business_account,is_pin_enabled,webhook_configuration"
)
PROFILE_FIELDS = "about,address,description,email,profile_picture_url,websites,vertical"
WABA_FIELDS = (
    "id,name,status,currency,timezone_id,account_review_status,business_verification_status,"
    "message_template_namespace"
)
CALLBACK_URL_LIMIT = 200
_PROFILE_LIMITS = {"about": 139, "address": 256, "description": 512, "email": 128}
_WEBSITE_LIMIT = 256


def phone_number(phone_number_id: str, *, fields: str = PHONE_NUMBER_FIELDS) -> Call[JSON]:
    """What Meta knows about a business phone number."""
    return Call("GET", path(phone_number_id=phone_number_id), as_is, READ, query={"fields": fields})


def phone_numbers(waba_id: str, *, limit: int = 100, fields: str = PHONE_NUMBER_FIELDS) -> Call[Page]:
    """The phone numbers of a WhatsApp business account."""
    query = {**paging_query(limit), "fields": fields}
    return Call("GET", path(waba_id=waba_id, edge="phone_numbers"), page, READ, query=query)


def waba(waba_id: str, *, fields: str = WABA_FIELDS) -> Call[JSON]:
    """What Meta knows about a WhatsApp business account."""
    return Call("GET", path(waba_id=waba_id), as_is, READ, query={"fields": fields})


def register(phone_number_id: str, pin: str, *, data_localization_region: str = "") -> Call[JSON]:
    """Registers a number for the Cloud API and sets its two-step PIN (six digits) if it has none."""
    if len(pin) != 6 or not pin.isdecimal():
        raise InvalidMessage("pin", "must be six digits")
    region = without_empty({"data_localization_region": data_localization_region})
    return _post(phone_number_id, "register", {"messaging_product": "whatsapp", "pin": pin, **region})


def deregister(phone_number_id: str) -> Call[JSON]:
    """Takes a number off the Cloud API."""
    return _post(phone_number_id, "deregister", {"messaging_product": "whatsapp"})


def request_code(phone_number_id: str, *, method: str = "SMS", language: str = "en_US") -> Call[JSON]:
    """Asks Meta to send a verification code to the number. method: `SMS` or `VOICE`."""
    if method not in ("SMS", "VOICE"):
        raise InvalidMessage("method", "must be SMS or VOICE")
    return _post(phone_number_id, "request_code", {"code_method": method, "language": language})


def verify_code(phone_number_id: str, code: str) -> Call[JSON]:
    """Proves that the number is yours with the code that arrived on it."""
    return _post(phone_number_id, "verify_code", {"code": code.replace("-", "").replace(" ", "")})


def _post(phone_number_id: str, edge: str, body: JSON) -> Call[JSON]:
    return Call("POST", path(phone_number_id=phone_number_id, edge=edge), as_is, WRITE, body=body)


def business_profile(phone_number_id: str) -> Call[JSON]:
    """The profile that users see: about, address, description, email, picture, websites, vertical."""
    where = path(phone_number_id=phone_number_id, edge="whatsapp_business_profile")
    return Call("GET", where, first_entry, READ, query={"fields": PROFILE_FIELDS})


def update_business_profile(phone_number_id: str, changes: Mapping[str, Any]) -> Call[JSON]:
    """Changes the profile.

    changes: any of `about` (1 to 139 characters), `address` (256), `description` (512), `email` (128), `websites`
        (up to 2 of 256 characters), `vertical`, and `profile_picture_handle` from a resumable upload.
    """
    for name, limit in _PROFILE_LIMITS.items():
        if len(changes.get(name) or "") > limit:
            raise InvalidMessage(name, f"has {len(changes[name])} characters, at most {limit} are allowed")
    if changes.get("about") == "":
        raise InvalidMessage("about", "must not be empty")
    _check_websites(changes.get("websites") or ())
    return _post(phone_number_id, "whatsapp_business_profile", {"messaging_product": "whatsapp", **changes})


def _check_websites(websites: Sequence[str]) -> None:
    checks.count("websites", websites, 0, 2)
    for number, website in enumerate(websites):
        checks.url(f"websites[{number}]", website, _WEBSITE_LIMIT)


def subscribed_apps(waba_id: str) -> Call[Page]:
    """The apps that get this account's webhooks. None of them: no webhook arrives, whatever the app ticks."""
    return Call("GET", path(waba_id=waba_id, edge="subscribed_apps"), page, READ)


def subscribe_app(waba_id: str, *, callback_url: str = "", verify_token: str = "") -> Call[JSON]:
    """Subscribes the token's app to the account's webhooks.

    callback_url, verify_token: send this account's webhooks to another address (up to 200 characters) than the
        app's; without them an earlier such address is forgotten.
    """
    if bool(callback_url) != bool(verify_token):
        raise InvalidMessage("verify_token", "goes together with a callback_url")
    if len(callback_url) > CALLBACK_URL_LIMIT:
        raise InvalidMessage("callback_url", f"has {len(callback_url)} characters, at most 200 are allowed")
    body = without_empty({"override_callback_uri": callback_url, "verify_token": verify_token})
    return Call("POST", path(waba_id=waba_id, edge="subscribed_apps"), as_is, WRITE, body=body)


def unsubscribe_app(waba_id: str) -> Call[JSON]:
    """Stops the account's webhooks to the token's app."""
    return Call("DELETE", path(waba_id=waba_id, edge="subscribed_apps"), as_is, WRITE)


def debug_token(access_token: str) -> Call[JSON]:
    """What Meta knows about a token: `{"app_id", "is_valid", "expires_at", "scopes", "granular_scopes", …}`."""
    return Call("GET", "debug_token", _data, READ, query={"input_token": access_token})


def _data(body: JSON) -> JSON:
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def health_status(node_id: str) -> Call[JSON]:
    """Whether a phone number, account, template or flow can send: `{"can_send_message", "entities": […]}`."""
    return Call("GET", path(node_id=node_id), _health, READ, query={"fields": "health_status"})


def _health(body: JSON) -> JSON:
    health = body.get("health_status")
    return health if isinstance(health, dict) else {}
