"""What Meta tells of a token, a phone number and its WhatsApp business account, asked before an account is connected.

Source: Meta's pages "Access tokens", "Business phone numbers", "WhatsApp Business Accounts" and "Health status".
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON, Call, Page
from django_meta_whatsapp.cloud_api.client import Client
from django_meta_whatsapp.cloud_api.operations import business, templates
from django_meta_whatsapp.errors import (
    AuthError,
    InvalidInput,
    MaybeSentError,
    MetaAPIError,
    NotSentError,
    ThrottledError,
)

PERMISSIONS = ("whatsapp_business_messaging", "whatsapp_business_management")
_NUMBER_FIELDS = f"{business.PHONE_NUMBER_FIELDS},is_on_biz_app,health_status"
_WABA_FIELDS = f"{business.WABA_FIELDS},on_behalf_of_business_info"
_INVALID_TOKEN = (0, 190)
_INVALID_PARAMETER = 100
_PROOF = 104
_UNKNOWN_OBJECT = 33


@dataclass(frozen=True, slots=True)
class Facts:
    """Meta's answers. token: None when Meta does not let it be inspected. templates: status to how many there are."""

    token: JSON | None
    number: JSON
    waba: JSON
    subscriptions: Sequence[JSON]
    templates: Mapping[str, int]

    @property
    def app_id(self) -> str:
        """The app that made the token, "" when Meta does not tell."""
        return text((self.token or {}).get("app_id")) or self._entity("APP")

    @property
    def portfolio_id(self) -> str:
        """The business portfolio that owns the account, "" when Meta does not tell."""
        return self._entity("BUSINESS") or text(
            mapping(self.waba.get("on_behalf_of_business_info")).get("id")
        )

    @property
    def health(self) -> list[JSON]:
        """What has a say in whether this number can send: each with `entity_type`, `id`, `can_send_message`."""
        entities = mapping(self.number.get("health_status")).get("entities") or []
        return [entity for entity in entities if isinstance(entity, dict)]

    @property
    def can_send(self) -> str:
        """`AVAILABLE`, `LIMITED` or `BLOCKED`; "" when Meta does not tell."""
        return text(mapping(self.number.get("health_status")).get("can_send_message"))

    @property
    def callbacks(self) -> dict[str, str]:
        """Where webhooks go: `phone_number`, `whatsapp_business_account` and `application`, as far as they are set."""
        told = mapping(self.number.get("webhook_configuration"))
        return {level: text(address) for level, address in told.items() if address}

    def _entity(self, kind: str) -> str:
        return next((text(each.get("id")) for each in self.health if each.get("entity_type") == kind), "")


def mapping(value: object) -> Mapping[str, Any]:
    """`value`, or an empty mapping in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str:
    """`value` as text, "" for nothing."""
    return "" if value is None else str(value)


def gather(client: Client, phone_number_id: str, waba_id: str) -> Facts:
    """Asks Meta; changes nothing there.

    Raises InvalidInput, naming `access_token`, `app_secret`, `phone_number_id` or `waba_id`, for what Meta does not
    accept, and MetaAPIError for everything else.
    """
    token = _token(client)
    with _blame("phone_number_id", phone_number_id):
        number = client.run(business.phone_number(phone_number_id, fields=_NUMBER_FIELDS))
    with _blame("waba_id", waba_id):
        waba = client.run(business.waba(waba_id, fields=_WABA_FIELDS))
        numbers = [entry["id"] for entry in _entries(client, business.phone_numbers(waba_id, fields="id"))]
        if phone_number_id not in numbers:
            why = f"Phone number {phone_number_id} does not belong to {waba_id}, whose numbers are: {', '.join(numbers)}."
            raise InvalidInput("waba_id", why)
        subscriptions = list(_entries(client, business.subscribed_apps(waba_id)))
        listed = _entries(client, templates.list_templates(waba_id, fields="id,status"))
        statuses = Counter(text(entry.get("status")) for entry in listed)
    return Facts(token, number, waba, subscriptions, statuses)


def _entries(client: Client, call: Call[Page]) -> Iterator[JSON]:
    for page in client.pages(call):
        yield from page.data


def _token(client: Client) -> JSON | None:
    try:
        with _blame():
            token = client.run(business.debug_token(client.access_token))
    except (NotSentError, MaybeSentError, ThrottledError):
        raise
    except MetaAPIError:
        return None  # Not every token may be inspected; whether it is good for anything, the next calls tell.
    if token.get("is_valid") is False:
        reason = text(mapping(token.get("error")).get("message")) or "it is not valid"
        raise InvalidInput("access_token", f"Meta does not accept the token: {reason}.")
    missing = [name for name in PERMISSIONS if name not in (token.get("scopes") or PERMISSIONS)]
    if missing:
        why = f"The token lacks {' and '.join(missing)}. Make one with both in the business settings, System users."
        raise InvalidInput("access_token", why)
    return token


@contextmanager
def _blame(field: str = "", value: str = "") -> Iterator[None]:
    """Turns Meta's error about something that was given to us into InvalidInput, naming it."""
    try:
        yield
    except MetaAPIError as error:
        wrong = _wrong_input(error, field, value)
        if wrong is None:
            raise
        raise wrong from error


def _wrong_input(error: MetaAPIError, field: str, value: str) -> InvalidInput | None:
    if isinstance(error, NotSentError | MaybeSentError):
        return None
    # Meta has no number of its own for a wrong proof; what is looked for is the name of a parameter.
    if error.code == _PROOF or "appsecret_proof" in error.title:
        hint = "It is not the secret of the token's app: copy that from App settings, Basic."
        return InvalidInput("app_secret", f"{hint} Meta says: {error}")
    if error.code in _INVALID_TOKEN:
        return InvalidInput("access_token", f"Meta does not accept the token: {error}")
    if not field:
        return None
    if isinstance(error, AuthError):
        hint = "Give its system user the WhatsApp account in the business settings."
        return InvalidInput(field, f"The token may not use {value}. {hint} Meta says: {error}")
    if error.matches(_UNKNOWN_OBJECT, _INVALID_PARAMETER):
        hint = "Copy the ID from the Meta app: WhatsApp, API setup."
        return InvalidInput(
            field, f"Meta does not know {value}, or hides it from this token. {hint} Meta says: {error}"
        )
    return None
