"""Whom the events of one webhook are for. An event counts only for accounts whose app secret signed it."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from django_meta_whatsapp.cloud_api.events import Event
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import DecryptionError
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.phones import to_digits
from django_meta_whatsapp.services import accounts, signatures
from django_meta_whatsapp.services.signatures import Signature

_SALT = "django_meta_whatsapp.routing"


@dataclass(frozen=True, slots=True)
class Business:
    """A WhatsApp business account: those of its numbers that we have.

    of_settings: whether it is the settings' own, to which rows without account belong.
    """

    waba_id: str
    accounts: tuple[WhatsAppAccount, ...]
    of_settings: bool = False

    def number(self, display_phone_number: str) -> WhatsAppAccount | None:
        """The account with that number; the only one there is when one of the two numbers is not known."""
        digits = to_digits(display_phone_number)
        known = {to_digits(account.display_phone_number): account for account in self.accounts}
        if digits and digits in known:
            return known[digits]
        alone = len(self.accounts) == 1 and (not digits or "" in known)
        return self.accounts[0] if alone else None


def ids_of_business(account: WhatsAppAccount) -> tuple[str, str]:
    """Meta's ids that news of its whole business come with. What an account leaves blank is the settings'."""
    return account.waba_id or whatsapp_settings.WABA_ID, account.portfolio_id


class KnownAccounts:
    """The accounts that webhooks may be for, read at once.

    numbers, wabas: Meta's ids of business numbers, and of WhatsApp business accounts or portfolios.
    """

    def __init__(self, numbers: Collection[str], wabas: Collection[str]) -> None:
        # What a webhook changes needs no token; reading them costs a decryption each.
        rows = WhatsAppAccount.objects.defer("access_token", "verify_token")
        of_these = Q(waba_id__in=wabas) | Q(portfolio_id__in=wabas)
        if whatsapp_settings.WABA_ID and whatsapp_settings.WABA_ID in wabas:
            numbers = {*numbers, whatsapp_settings.PHONE_NUMBER_ID}
            of_these |= Q(waba_id="")
        of_these |= Q(phone_number_id__in=numbers)
        found, self._shut = _readable(rows.filter(of_these).order_by("pk"))
        self._by_number = {account.phone_number_id: account for account in found}
        self._digests: dict[str, str] = {}

    @classmethod
    def of_events(
        cls, events: Iterable[Event], is_of_business: Callable[[type[Event]], bool]
    ) -> "KnownAccounts":
        """Those that the events may be for. Those of a whole business account are read only when an event is of a kind that is
        for all of them, or names no number.
        """
        named = {(type(event), event.phone_number_id, event.entry_id) for event in events}
        numbers = {number for _, number, _ in named}
        wabas = {waba for kind, number, waba in named if not number or is_of_business(kind)}
        return cls(numbers - {""}, wabas - {""})

    def digest(self, target: str) -> str:
        """Of whatever decides who takes events for the number or business account `target`; 32 characters, no secret told."""
        if target not in self._digests:
            own = target in (whatsapp_settings.PHONE_NUMBER_ID, whatsapp_settings.WABA_ID)
            fallback = [whatsapp_settings.APP_SECRET, whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS]
            of_it = [
                [account.pk, account.app_secret]
                for account in self._by_number.values()
                if target in (account.phone_number_id, *ids_of_business(account))
            ]
            told = json.dumps([of_it, own, fallback if of_it or own else None])
            self._digests[target] = salted_hmac(_SALT, told, algorithm="sha256").hexdigest()[:32]
        return self._digests[target]

    def with_number(self, phone_number_id: str) -> WhatsAppAccount | None:
        """The account of a business number."""
        return self._by_number.get(phone_number_id)

    def is_shut(self, phone_number_id: str) -> bool:
        """Whether there is an account of that number, with an app secret that nobody can read: what comes for it waits."""
        return phone_number_id in self._shut

    def with_waba(self, waba_id: str) -> list[WhatsAppAccount]:
        """The accounts of a WhatsApp business account, or of a portfolio, whose id partner solutions come with."""
        known = self._by_number.values()
        return [each for each in known if waba_id and waba_id in ids_of_business(each)]

    def of_settings(self) -> WhatsAppAccount:
        """The account of the settings' number, made when it is missing, from now on among those that are known."""
        own = accounts.account_or_default(None)
        return self._by_number.setdefault(own.phone_number_id, own)

    def sees_settings_number(self) -> bool:
        """False when the settings' number has an account that is shut; after True it is among those that are known."""
        number = whatsapp_settings.PHONE_NUMBER_ID
        if number and number not in self._by_number and number not in self._shut:
            self.of_settings()
        return number not in self._shut


def _readable(rows: QuerySet[WhatsAppAccount]) -> tuple[list[WhatsAppAccount], frozenset[str]]:
    """The accounts without those whose app secret no key opens, and the numbers of these."""
    try:
        return list(rows), frozenset()
    except DecryptionError:
        secrets = signatures.opened(rows, "app_secret")
    found, shut = [], set()
    for account in rows.defer("access_token", "verify_token", "app_secret"):
        secret = secrets.get(account.pk, "")
        if secret is None:
            shut.add(account.phone_number_id)
        else:
            account.app_secret = secret
            found.append(account)
    return found, frozenset(shut)


class Routes:
    """The accounts of one webhook's events."""

    def __init__(self, known: KnownAccounts, proof: Signature) -> None:
        self._known = known
        self._proof = proof
        self._businesses: dict[str, Business] = {}

    def digest(self, target: str) -> str:
        """See `KnownAccounts.digest`."""
        return self._known.digest(target)

    def account(self, event: Event) -> WhatsAppAccount | None:
        """The account of an event that belongs to one number. One that names none is for the only number of its business."""
        number = event.phone_number_id
        if not number:
            return self._only_number(event)
        account = self._known.with_number(number)
        if account is not None:
            return account if self._proof.covers(account) else None
        named = (
            number != "" and number == whatsapp_settings.PHONE_NUMBER_ID and not self._known.is_shut(number)
        )
        return self._known.of_settings() if named and self._proof.covers(None) else None

    def _only_number(self, event: Event) -> WhatsAppAccount | None:
        covered = self.business(event).accounts
        return covered[0] if covered and len(self._known.with_waba(event.entry_id)) == 1 else None

    def business(self, event: Event) -> Business:
        """The business account of an event; it may be none of ours."""
        waba_id = event.entry_id
        if waba_id not in self._businesses:
            own = bool(waba_id) and waba_id == whatsapp_settings.WABA_ID and self._proof.covers(None)
            # A ban may come before the first message: its account is made here, like there.
            complete = not own or self._known.sees_settings_number()
            ours = tuple(each for each in self._known.with_waba(waba_id) if self._proof.covers(each))
            self._businesses[waba_id] = Business(waba_id, ours, own and (complete or bool(ours)))
        return self._businesses[waba_id]
