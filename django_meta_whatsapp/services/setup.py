"""Connecting an account: ask Meta, keep what it tells on the row, subscribe to the webhooks, and say what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from django_meta_whatsapp.cloud_api.client import Client
from django_meta_whatsapp.cloud_api.operations import business
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidInput, MetaAPIError
from django_meta_whatsapp.models import AccountState, QualityRating, WhatsAppAccount
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services import news
from django_meta_whatsapp.services.accounts import client_for
from django_meta_whatsapp.services.setup_checklist import SERVING, Finding, Level, of_numbers, of_webhooks
from django_meta_whatsapp.services.setup_facts import Facts, gather, mapping, text
from django_meta_whatsapp.services.transactions import in_transaction

__all__ = ["Finding", "Level", "Report", "connect"]

_THROUGHPUT = {"STANDARD": 80, "HIGH": 1000, "NOT_APPLICABLE": 20}
_SHARED_WITH_THE_BUSINESS_APP = 20
_STATES = {
    "RESTRICTED": AccountState.RESTRICTED,
    "BANNED": AccountState.DISABLED,
    "PENDING": AccountState.DISCONNECTED,
    "UNVERIFIED": AccountState.DISCONNECTED,
    "DISCONNECTED": AccountState.DISCONNECTED,
    "MIGRATED": AccountState.DISCONNECTED,
    "DELETED": AccountState.DISCONNECTED,
}
_NEWS = {
    "quality": "quality_rating",
    "throughput": "throughput",
    "limit": "messaging_limit",
    "state": "state",
}
"""Kind of news to the column that it changes."""

_NO_NOTICES: dict[str, Any] = {"restricted_until": None, "notices": []}


@dataclass(frozen=True, slots=True)
class Report:
    """The account as it is now. changed: names of the columns that this run has set."""

    account: WhatsAppAccount
    created: bool
    changed: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What keeps the account from working."""
        return tuple(finding for finding in self.findings if finding.level is Level.MISSING)


def connect(
    *,
    phone_number_id: str = "",
    waba_id: str = "",
    access_token: str = "",
    app_secret: str = "",
    name: str = "",
    callback_url: str = "",
    subscribe: bool = True,
) -> Report:
    """Connects a phone number; doing it again brings its row up to date.

    phone_number_id, waba_id: Meta's; by default those of the settings.
    access_token, app_secret: stored with the account, unless they are the settings' own, through which the account then
        speaks. Without them: the account's, else the settings'.
    name: what to call the account; by default the name that people see.
    callback_url: where Meta shall send this WhatsApp business account's webhooks instead of the app's address.
    subscribe: subscribe the token's app to the account's webhooks if it is not.
    Raises MissingSetting; InvalidInput for what Meta does not accept; other MetaAPIError. Nothing is stored then.
    """
    number_id = phone_number_id or whatsapp_settings.require("PHONE_NUMBER_ID")
    _check(name, callback_url, subscribe=subscribe)
    known = WhatsAppAccount.objects.filter(phone_number_id=number_id).first()
    candidate = known or WhatsAppAccount(phone_number_id=number_id)
    given = {
        "waba_id": waba_id or _default_waba_id(candidate),
        "access_token": _own(access_token, whatsapp_settings.ACCESS_TOKEN, candidate.access_token),
        "app_secret": _own(app_secret, whatsapp_settings.APP_SECRET, candidate.app_secret),
    }
    _assign(candidate, given)
    client = client_for(candidate)
    facts = gather(client, number_id, candidate.waba_id)
    account, changed = in_transaction(lambda: _store(number_id, given, name, facts))
    subscription = _subscription(client, account, facts, callback_url, subscribe=subscribe)
    addresses = facts.callbacks
    if callback_url and subscription.level is Level.OK:
        addresses["whatsapp_business_account"] = callback_url
    findings = (*of_numbers(facts, account), subscription, *of_webhooks(account, addresses))
    return Report(account, known is None, changed, findings)


def _check(name: str, callback_url: str, *, subscribe: bool) -> None:
    if len(name) > 255:
        raise InvalidInput("name", "At most 255 characters.")
    if len(callback_url) > business.CALLBACK_URL_LIMIT:
        raise InvalidInput("callback_url", f"At most {business.CALLBACK_URL_LIMIT} characters.")
    if callback_url and not subscribe:
        raise InvalidInput("callback_url", "Only a subscription can have an address of its own.")


def _default_waba_id(account: WhatsAppAccount) -> str:
    of_settings = account.phone_number_id == whatsapp_settings.PHONE_NUMBER_ID and whatsapp_settings.WABA_ID
    return of_settings or account.waba_id or whatsapp_settings.require("WABA_ID")


def _own(given: str, of_settings: str, known: str) -> str:
    """The secret to keep with the account: none while it speaks through the settings."""
    if not given:
        return known
    return "" if given == of_settings else given


def _assign(account: WhatsAppAccount, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Sets the columns and returns the names of those that differed."""
    changed = tuple(column for column, value in values.items() if getattr(account, column) != value)
    for column in changed:
        setattr(account, column, values[column])
    return changed


def _store(
    number_id: str, given: Mapping[str, str], name: str, facts: Facts
) -> tuple[WhatsAppAccount, tuple[str, ...]]:
    """The row, made when it is missing, and what has changed in it."""
    blank = WhatsAppAccount(name=number_id, phone_number_id=number_id)
    WhatsAppAccount.objects.bulk_create([blank], ignore_conflicts=True)
    account = locked(WhatsAppAccount.objects.filter(phone_number_id=number_id)).get()
    values = {**given, "name": name or _name(account, facts), **_told(account, facts)}
    changed = _assign(account, values)
    heard = [kind for kind, column in _NEWS.items() if column in changed]
    for kind in heard:
        # Webhooks that Meta made earlier, and that are still to come, are no news any more.
        news.note(account, kind, timezone.now())
    if changed:
        account.save(update_fields=[*changed, "heard_at", "updated_at"])
    return account, changed


def _name(account: WhatsAppAccount, facts: Facts) -> str:
    """A row that made itself is called by its number's ID; any other name is somebody's choice."""
    if account.name != account.phone_number_id:
        return account.name
    return text(facts.number.get("verified_name"))[:255] or account.name


def _told(account: WhatsAppAccount, facts: Facts) -> dict[str, Any]:
    """The columns that Meta decides. What it does not tell stays as it is."""
    number = facts.number
    quality = text(number.get("quality_rating"))
    told = {
        "portfolio_id": facts.portfolio_id,
        "app_id": facts.app_id,
        "display_phone_number": text(number.get("display_phone_number"))[:30],
        "profile_name": text(number.get("verified_name"))[:255],
        "messaging_limit": text(number.get("whatsapp_business_manager_messaging_limit"))[:30],
        "quality_rating": quality if quality in QualityRating.values else quality and QualityRating.UNKNOWN,
        "throughput": _throughput(facts),
    }
    return {**{column: value for column, value in told.items() if value}, **_state(account, facts)}


def _throughput(facts: Facts) -> int | None:
    """Messages a second; Meta gives 20 to a number that the WhatsApp Business app uses as well."""
    if facts.number.get("is_on_biz_app"):
        return _SHARED_WITH_THE_BUSINESS_APP
    return _THROUGHPUT.get(text(mapping(facts.number.get("throughput")).get("level")))


def _state(account: WhatsAppAccount, facts: Facts) -> dict[str, Any]:
    status = text(facts.number.get("status"))
    if status in _STATES:
        if account.state == _STATES[status]:
            return {}  # A webhook may have told the reason and the end.
        reason = f"Meta has this number as {status}."
        return {"state": _STATES[status], "state_reason": reason, **_NO_NOTICES}
    # A connected number may be of a restricted account: only full health, or a return, ends what a webhook has told.
    returned = account.state == AccountState.DISCONNECTED
    if (
        status in SERVING
        and account.state != AccountState.CONNECTED
        and (returned or facts.can_send == "AVAILABLE")
    ):
        return {"state": AccountState.CONNECTED, "state_reason": "", **_NO_NOTICES}
    return {}


def _subscription(
    client: Client, account: WhatsAppAccount, facts: Facts, callback_url: str, *, subscribe: bool
) -> Finding:
    """Subscribes where that is needed: with each subscription Meta forgets the address that an earlier one named."""
    apps = {
        text(mapping(each.get("whatsapp_business_api_data")).get("id")): each for each in facts.subscriptions
    }
    ours = apps.get(facts.app_id)
    if ours and callback_url in ("", ours.get("override_callback_uri")):
        return Finding(Level.OK, "The app is subscribed to the account's webhooks.")
    if apps and not facts.app_id and not callback_url:
        told = f"Subscribed to the account's webhooks: {', '.join(apps)}. Which app made the token, Meta does not tell."
        return Finding(Level.CHECK, told, "Call utils.subscribe_app() if yours is not among them.")
    if not subscribe:
        told = "The app is not subscribed to the account's webhooks: none will arrive."
        return Finding(Level.MISSING, told, "Call utils.subscribe_app(), or let whatsapp_setup do it.")
    verify_token = (whatsapp_settings.VERIFY_TOKEN or account.verify_token) if callback_url else ""
    try:
        client.run(
            business.subscribe_app(account.waba_id, callback_url=callback_url, verify_token=verify_token)
        )
    except MetaAPIError as error:
        told = f"The app could not be subscribed to the account's webhooks: {error}"
        return Finding(Level.MISSING, told, "Run whatsapp_setup again once that is put right.")
    return Finding(Level.OK, "The app is now subscribed to the account's webhooks.")
