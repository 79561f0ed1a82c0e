"""Who may post to the webhook: the app secrets and verify tokens that we know.

A host may have one app for all its numbers (the setting APP_SECRET) or an app per account. Accounts without a secret of
their own go by the setting.

The door notes for whom a webhook speaks: `*` for the accounts that go by the setting, the keys of the accounts that have a
secret of their own. A secret may be changed before the webhook is applied, and its door is then shut; what came through it
while it was open counts all the same, for accounts that were there then and are still what they were.
"""

import hmac
import logging
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import transaction
from django.db.models import ExpressionWrapper, F, QuerySet, TextField

from django_meta_whatsapp import crypto
from django_meta_whatsapp.cloud_api import signature
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import DecryptionError
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.transactions import database

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0
"""How long another process may go on with a secret that was taken out of use."""
_REREAD_SECONDS = 1.0
_TELL_SECONDS = 60.0

OF_SETTINGS = "*"
NOBODY = "-"
"""Let in, but for whom must be asked when it is applied: without signature, or by the one secret of very many accounts."""
_MOST_NAMED = 200
"""Accounts with one and the same secret of their own that are written beside each webhook."""


class _Known:
    signers: Mapping[str, str] = {}
    """Secrets of accounts, each with those for whom it speaks."""
    read_at = -math.inf
    changes = 0
    told_at: ClassVar[dict[tuple[int, str], float]] = {}
    """When it was last told that a secret cannot be read."""


class Signature:
    """What the signature of one webhook proves. Each secret is tried once.

    signed_for, at: what the door found, and when; without them the secrets that hold now decide.
    """

    def __init__(self, body: bytes, header: str, signed_for: str = "", at: datetime | None = None) -> None:
        self._body = body
        self._header = header
        self._signed_for = frozenset(signed_for.split())
        self._at = at
        self._verdicts: dict[str, bool] = {}

    def is_by(self, secret: str) -> bool:
        """Whether `secret` signed the body. Without secret or signature: whether unsigned webhooks are allowed."""
        if not secret or not self._header:
            return whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS
        if secret not in self._verdicts:
            self._verdicts[secret] = signature.verify(secret, self._body, self._header)
        return self._verdicts[secret]

    def covers(self, account: WhatsAppAccount | None) -> bool:
        """Whether the webhook may speak of `account`; None stands for what the settings alone name."""
        if self._was_proved_for(account):
            return True
        return self.is_by((account and account.app_secret) or whatsapp_settings.APP_SECRET)

    def _was_proved_for(self, account: WhatsAppAccount | None) -> bool:
        if account is None:
            return OF_SETTINGS in self._signed_for
        if str(account.pk) in self._signed_for and self._knew(account):
            return True
        if OF_SETTINGS not in self._signed_for:
            return False
        return self._came_under_the_settings_secret(account) and (
            self._knew(account) or _is_of_settings(account)
        )

    def _knew(self, account: WhatsAppAccount) -> bool:
        """Whether the account was there when the webhook came, and was what it is now.

        A row that has become another number, or a key that is used again, is not whom the secret of then spoke for. Another
        process may remember that secret for a while after the change.
        """
        if self._at is None:
            return False
        if account.identity_since is not None:
            return self._at > account.identity_since + timedelta(seconds=REFRESH_SECONDS)
        return self._at >= account.created_at

    def _came_under_the_settings_secret(self, account: WhatsAppAccount) -> bool:
        """Whether the account went by the settings' secret when the webhook came."""
        since = account.own_secret_since
        return not account.app_secret or (since is not None and self._at is not None and self._at <= since)


def _is_of_settings(account: WhatsAppAccount) -> bool:
    """Whether this is the settings' own number: its row is made when something first asks for it, and their secret spoke for it
    before.
    """
    number, waba_id = whatsapp_settings.PHONE_NUMBER_ID, whatsapp_settings.WABA_ID
    named = (account.phone_number_id, account.waba_id or waba_id, account.portfolio_id)
    return account.identity_since is None and named == (number, waba_id, "")


def judged(body: bytes, header: str) -> str:
    """For whom the secrets that we know signed exactly these bytes; empty: none of them did.

    Without any secret, and for requests without signature, the setting ALLOW_UNSIGNED_WEBHOOKS decides.
    """
    signed_for = remembered_verdict(body, header)
    if signed_for is None:
        read_secrets()
        signed_for = verdict(body, header)
    return signed_for


def remembered_verdict(body: bytes, header: str) -> str | None:
    """`judged` without a query; None when the secrets must be read first (`read_secrets`).

    That is the case after a while, after a change, and when none matches: the right one may be new.
    """
    age = time.monotonic() - _Known.read_at
    if age > REFRESH_SECONDS:
        return None
    signed_for = verdict(body, header)
    return None if not signed_for and header and age > _REREAD_SECONDS else signed_for


def verdict(body: bytes, header: str) -> str:
    """What the secrets say that are remembered, however old they are."""
    known, own = _Known.signers, whatsapp_settings.APP_SECRET
    if not header or not (known or own):
        return NOBODY if whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS else ""
    found = ""
    if own and own not in known and signature.verify(own, body, header):
        found = OF_SETTINGS
    # All are tried, so that the time it takes says nothing about which one matched.
    for secret, whose in known.items():
        if signature.verify(secret, body, header):
            found = f"{OF_SETTINGS} {whose}" if secret == own else whose
    return found


def is_verify_token(given: str) -> bool:
    """Whether `given` is the verify token of the settings or of an active account. An empty one never is."""
    active = opened(WhatsAppAccount.objects.filter(is_active=True), "verify_token")
    tokens = {whatsapp_settings.VERIFY_TOKEN, *(token for token in active.values() if token)} - {""}
    encoded = given.encode("utf-8", "surrogatepass")
    return True in [hmac.compare_digest(token.encode(), encoded) for token in tokens]


def read_secrets() -> None:
    """Remembers the app secrets of all accounts."""
    changes, now = _Known.changes, time.monotonic()
    by_secret: dict[str, list[int]] = {}
    for pk, secret in opened(WhatsAppAccount.objects.all(), "app_secret").items():
        if secret:
            by_secret.setdefault(secret, []).append(pk)
    _Known.signers = {secret: _named(keys) for secret, keys in by_secret.items()}
    # Somebody may have changed one while we read.
    _Known.read_at = now if changes == _Known.changes else -math.inf


def opened(accounts: QuerySet[WhatsAppAccount], field: str) -> dict[int, str | None]:
    """The secrets in `field` by account, of those that have one. None for one that no key opens: it keeps nobody else waiting."""
    found: dict[int, str | None] = {}
    # As text, which the database's is: read as what it is, the first bad one would end it all.
    stored = ExpressionWrapper(F(field), output_field=TextField())
    rows = accounts.exclude(**{field: ""}).order_by("pk").values_list("pk", "name", stored)
    for pk, name, text in rows:
        try:
            found[pk] = crypto.decrypt(text)
        except DecryptionError:
            found[pk] = None
            _tell(pk, name, field)
    return found


def _tell(pk: int, name: str, field: str) -> None:
    """Not each time: whoever posts rubbish makes us read the secrets every second."""
    now = time.monotonic()
    if now - _Known.told_at.get((pk, field), -math.inf) > _TELL_SECONDS:
        _Known.told_at[pk, field] = now
        logger.error("%s of the account %s (#%s) is left out: no key decrypts it", field, name, pk)


def _named(keys: Sequence[int]) -> str:
    return " ".join(map(str, keys)) if len(keys) <= _MOST_NAMED else NOBODY


def forget() -> None:
    """The next webhook reads the secrets anew."""
    _Known.changes += 1
    _Known.read_at = -math.inf
    _Known.told_at.clear()


def accounts_changed(**kwargs: object) -> None:
    """Forgets, now and when it is committed: until then, other threads read what was before. Takes a signal's arguments."""
    forget()
    transaction.on_commit(forget, using=database())
