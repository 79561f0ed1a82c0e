"""In-App Signup links: marketing opt-in inside WhatsApp (Meta's page "in-app signup").

Terms: the first link of a business must carry its agreement, later ones must not. Create without it; when the
error `terms_needed`, ask the operator and create with `accept_terms=True`; when `terms_known`, create without.
"""

import re

from django_meta_whatsapp.cloud_api.calls import JSON, READ, WRITE, Call, Page, as_is
from django_meta_whatsapp.cloud_api.errors import InvalidMessage, MetaAPIError
from django_meta_whatsapp.cloud_api.operations.common import page, paging_query, path, without_empty

TERMS_URL = "https://www.facebook.com/legal/ads-manager-marketing-messages-terms"
SIGNUP_FIELDS = "id,waba_id,signup_message,confirmation_message,privacy_policy_url,promo_code,status,display_name,website_url"
TERMS_NOT_ACCEPTED = 2494168
TERMS_ALREADY_ACCEPTED = 2494176

_PLACEHOLDER = re.compile(r"{{\s*(.*?)\s*}}")
_PROMO_CODE = re.compile(r"[A-Za-z0-9]{1,50}")
_LIMITS = {"signup_message": 300, "confirmation_message": 300, "display_name": 256}


def terms_needed(error: MetaAPIError) -> bool:
    """True when a link was refused because the business has not agreed to the terms yet."""
    return error.matches(TERMS_NOT_ACCEPTED)


def terms_known(error: MetaAPIError) -> bool:
    """True when a link was refused because it carried an agreement that Meta already has."""
    return error.matches(TERMS_ALREADY_ACCEPTED)


def create_signup(
    waba_id: str,
    *,
    signup_message: str,
    confirmation_message: str,
    privacy_policy_url: str,
    display_name: str = "",
    website_url: str = "",
    promo_code: str = "",
    accept_terms: bool = False,
) -> Call[JSON]:
    """Creates a link; the answer holds its `id`. Raises InvalidMessage for values that Meta would refuse.

    signup_message, confirmation_message: 1 to 300 characters; the second may contain `{{promo_code}}`.
    privacy_policy_url: http or https, cannot be changed later. website_url: https.
    promo_code: 1 to 50 letters and digits. display_name: internal, up to 256 characters.
    """
    required = {
        "signup_message": signup_message,
        "confirmation_message": confirmation_message,
        "privacy_policy_url": privacy_policy_url,
    }
    for name, value in required.items():
        if not value:
            raise InvalidMessage(name, "must not be empty")
    optional = {"display_name": display_name, "website_url": website_url, "promo_code": promo_code}
    body = _checked({**required, **without_empty(optional)})
    _check_placeholders(confirmation_message, promo_code)
    if accept_terms:
        body["policy"] = {"tos": TERMS_URL, "accepted": True}
    return Call("POST", path(waba_id=waba_id, edge="signups"), as_is, WRITE, body=body)


def update_signup(
    signup_id: str,
    *,
    signup_message: str | None = None,
    confirmation_message: str | None = None,
    promo_code: str | None = None,
    display_name: str | None = None,
    website_url: str | None = None,
    status: str | None = None,
) -> Call[JSON]:
    """Changes what is given and leaves out what is None. status: `ACTIVE` or `DISABLED` (links cannot be deleted)."""
    changes = {
        "signup_message": signup_message,
        "confirmation_message": confirmation_message,
        "promo_code": promo_code,
        "display_name": display_name,
        "website_url": website_url,
        "status": status,
    }
    body = _checked({name: value for name, value in changes.items() if value is not None})
    return Call("POST", _location(signup_id), as_is, WRITE, body=body)


def list_signups(waba_id: str, *, limit: int = 100) -> Call[Page]:
    """The links of a WhatsApp business account."""
    query = {**paging_query(limit), "fields": SIGNUP_FIELDS}
    return Call("GET", path(waba_id=waba_id, edge="signups"), page, READ, query=query)


def get_signup(signup_id: str) -> Call[JSON]:
    """One link with all its fields."""
    return Call("GET", _location(signup_id), as_is, READ, query={"fields": SIGNUP_FIELDS})


def _location(signup_id: str) -> str:
    return path(edge="signups", signup_id=signup_id)


def _checked(values: dict[str, str]) -> JSON:
    for name, limit in _LIMITS.items():
        if len(values.get(name, "")) > limit:
            raise InvalidMessage(name, f"has {len(values[name])} characters, at most {limit} are allowed")
    if values.get("promo_code") and not _PROMO_CODE.fullmatch(values["promo_code"]):
        raise InvalidMessage("promo_code", "must be 1 to 50 letters and digits")
    if not values.get("privacy_policy_url", "https://").startswith(("https://", "http://")):
        raise InvalidMessage("privacy_policy_url", "must start with https:// or http://")
    if values.get("website_url") and not values["website_url"].startswith("https://"):
        raise InvalidMessage("website_url", "must start with https://")
    if values.get("status", "ACTIVE") not in ("ACTIVE", "DISABLED"):
        raise InvalidMessage("status", "must be ACTIVE or DISABLED")
    return dict(values)


def _check_placeholders(message: str, promo_code: str) -> None:
    names = _PLACEHOLDER.findall(message)
    for name in names:
        if name != "promo_code":
            raise InvalidMessage("confirmation_message", f"knows only {{{{promo_code}}}}, not {{{{{name}}}}}")
    if names and not promo_code:
        raise InvalidMessage("promo_code", "is needed, because the confirmation message mentions it")
