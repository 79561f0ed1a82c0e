"""In-app signups: links by which people subscribe to a business's marketing inside WhatsApp."""

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations import signups as operations
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import signups
from django_meta_whatsapp.services.accounts import async_client_for, client_for
from django_meta_whatsapp.services.steps import arun, run

__all__ = [
    "acreate_signup",
    "adisable_signup",
    "aget_signup",
    "alist_signups",
    "aupdate_signup",
    "create_signup",
    "disable_signup",
    "get_signup",
    "list_signups",
    "update_signup",
]


def create_signup(
    display_name: str,
    signup_message: str,
    confirmation_message: str,
    privacy_policy_url: str,
    website_url: str = "",
    promo_code: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Creates a signup link; a WhatsAppSignup row keeps it.

    With the first link of a business this accepts Meta's terms for marketing messages in its name
    (https://www.facebook.com/legal/ads-manager-marketing-messages-terms): Meta creates none without.
    display_name: yours alone, not shown. signup_message: what people read before they agree, up to 300 characters.
    confirmation_message: what they get then, up to 300; may hold `{{promo_code}}`. privacy_policy_url: cannot be changed.
    website_url: https. promo_code: 1 to 50 letters and digits.
    account: required. Returns Meta's answer with the link's `id`.
    Raises ValueError before anything else when `account` is None or its `waba_id` empty; InvalidMessage (a ValueError)
    for values that Meta would refuse; MetaAPIError. Source: the reference; Meta's page "In-app signup".
    """
    owner = signups.require_account(account)
    return run(
        signups.create(
            owner,
            display_name=display_name,
            signup_message=signup_message,
            confirmation_message=confirmation_message,
            privacy_policy_url=privacy_policy_url,
            website_url=website_url,
            promo_code=promo_code,
        ),
        account,
    )


async def acreate_signup(
    display_name: str,
    signup_message: str,
    confirmation_message: str,
    privacy_policy_url: str,
    website_url: str = "",
    promo_code: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`create_signup`, awaited."""
    owner = signups.require_account(account)
    return await arun(
        signups.create(
            owner,
            display_name=display_name,
            signup_message=signup_message,
            confirmation_message=confirmation_message,
            privacy_policy_url=privacy_policy_url,
            website_url=website_url,
            promo_code=promo_code,
        ),
        account,
    )


def update_signup(
    signup_id: str,
    promo_code: str | None = None,
    confirmation_message: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Changes what is not None, at Meta and in our row. Returns `{"success": True}`.

    Raises ValueError when nothing is given; MetaAPIError. Source: the reference; Meta's page "In-app signup".
    """
    return run(
        signups.update(signup_id, promo_code=promo_code, confirmation_message=confirmation_message), account
    )


async def aupdate_signup(
    signup_id: str,
    promo_code: str | None = None,
    confirmation_message: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`update_signup`, awaited."""
    return await arun(
        signups.update(signup_id, promo_code=promo_code, confirmation_message=confirmation_message), account
    )


def disable_signup(signup_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """Switches a link off, at Meta and in our row; Meta deletes none. Returns `{"success": True}`.

    Raises MetaAPIError. Source: the reference; Meta's page "In-app signup".
    """
    return run(signups.disable(signup_id), account)


async def adisable_signup(signup_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """`disable_signup`, awaited."""
    return await arun(signups.disable(signup_id), account)


def list_signups(account: WhatsAppAccount | None = None) -> list[JSON]:
    """Every signup link of the WABA, all pages: `[{"id", "signup_message", "status", …}]`.

    Raises MissingSetting (a ValueError) without a WABA; MetaAPIError. Source: the reference; Meta's page "In-app signup".
    """
    return run(signups.fetch(account), account)


async def alist_signups(account: WhatsAppAccount | None = None) -> list[JSON]:
    """`list_signups`, awaited."""
    return await arun(signups.fetch(account), account)


def get_signup(signup_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """One signup link with all its fields. Raises MetaAPIError. Source: the reference; Meta's page "In-app signup"."""
    return client_for(account).run(operations.get_signup(signup_id))


async def aget_signup(signup_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """`get_signup`, awaited."""
    return await async_client_for(account).run(operations.get_signup(signup_id))
