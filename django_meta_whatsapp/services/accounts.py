"""Whose token, number and WhatsApp business account a call uses: the account given, else the settings."""

from dataclasses import dataclass, field

from django_meta_whatsapp.cloud_api.client import AsyncClient, Client, Timeouts
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidSetting
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.transactions import in_transaction


@dataclass(frozen=True, slots=True)
class Credentials:
    """What speaks for one business phone number. Only the token is sure to be there."""

    access_token: str = field(repr=False)
    phone_number_id: str = ""
    waba_id: str = ""
    app_secret: str = field(default="", repr=False)


def credentials(account: WhatsAppAccount | None) -> Credentials:
    """The credentials of `account`, each blank one filled from the settings; without account the settings' own.

    Raises MissingSetting, naming ACCESS_TOKEN, when neither has a token.
    """
    number = account.phone_number_id if account else whatsapp_settings.PHONE_NUMBER_ID
    return Credentials(
        access_token=(account and account.access_token) or whatsapp_settings.require("ACCESS_TOKEN"),
        phone_number_id=number,
        waba_id=(account and account.waba_id) or whatsapp_settings.WABA_ID,
        app_secret=(account and account.app_secret) or whatsapp_settings.APP_SECRET,
    )


def phone_number_id(account: WhatsAppAccount | None) -> str:
    """Meta's id of the sending number; MissingSetting, naming PHONE_NUMBER_ID, when there is none."""
    return (account and account.phone_number_id) or whatsapp_settings.require("PHONE_NUMBER_ID")


def waba_id(account: WhatsAppAccount | None) -> str:
    """Meta's id of the WhatsApp business account; MissingSetting, naming WABA_ID, when there is none."""
    return (account and account.waba_id) or whatsapp_settings.require("WABA_ID")


def client_for(account: WhatsAppAccount | None) -> Client:
    """A blocking client that speaks for `account`. Makes no query."""
    known = credentials(account)
    return Client(
        known.access_token,
        base_url=whatsapp_settings.GRAPH_BASE_URL,
        version=whatsapp_settings.GRAPH_API_VERSION,
        app_secret=known.app_secret,
        timeout=_timeouts(),
    )


def async_client_for(account: WhatsAppAccount | None) -> AsyncClient:
    """A client to await that speaks for `account`. Makes no query."""
    known = credentials(account)
    return AsyncClient(
        known.access_token,
        base_url=whatsapp_settings.GRAPH_BASE_URL,
        version=whatsapp_settings.GRAPH_API_VERSION,
        app_secret=known.app_secret,
        timeout=_timeouts(),
    )


def _timeouts() -> Timeouts:
    connect, total = whatsapp_settings.CONNECT_TIMEOUT, whatsapp_settings.REQUEST_TIMEOUT
    if not 0 < connect < total:
        raise InvalidSetting("CONNECT_TIMEOUT", f"it must be above 0 and below REQUEST_TIMEOUT ({total}).")
    return Timeouts(connect=connect, total=total)


def account_or_default(account: WhatsAppAccount | None) -> WhatsAppAccount:
    """`account`, or the row of the settings' number, made when it is missing.

    That row has no token of its own, so that it keeps speaking with the settings'.
    """
    if account is not None:
        return account
    number = whatsapp_settings.require("PHONE_NUMBER_ID")
    known = WhatsAppAccount.objects.filter(phone_number_id=number).first()
    return known or in_transaction(lambda: _default_account(number))


def _default_account(number: str) -> WhatsAppAccount:
    row = WhatsAppAccount(name=number, phone_number_id=number, waba_id=whatsapp_settings.WABA_ID)
    WhatsAppAccount.objects.bulk_create([row], ignore_conflicts=True)
    return WhatsAppAccount.objects.get(phone_number_id=number)
