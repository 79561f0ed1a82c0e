"""Who may post to the webhook: the app secrets and verify tokens that we know.

A host may have one app for all its numbers (the setting APP_SECRET) or an app per account. Accounts without a secret of
their own go by the setting.
"""

import hmac
import math
import time

from django.db import transaction

from django_meta_whatsapp.cloud_api import signature
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.transactions import database

REFRESH_SECONDS = 30.0
"""How long another process may go on with a secret that was taken out of use; applying the event asks again."""
_REREAD_SECONDS = 1.0


class _Known:
    secrets: frozenset[str] = frozenset()
    read_at = -math.inf
    changes = 0


class Signature:
    """What the signature of one webhook proves. Each secret is tried once."""

    def __init__(self, body: bytes, header: str) -> None:
        self._body = body
        self._header = header
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
        return self.is_by((account and account.app_secret) or whatsapp_settings.APP_SECRET)


def is_genuine(body: bytes, header: str) -> bool:
    """Whether one of the secrets that we know signed exactly these bytes.

    Without any secret, and for requests without signature, the answer is the setting ALLOW_UNSIGNED_WEBHOOKS.
    """
    genuine = remembered_verdict(body, header)
    if genuine is None:
        read_secrets()
        genuine = verdict(body, header)
    return genuine


def remembered_verdict(body: bytes, header: str) -> bool | None:
    """`is_genuine` without a query; None when the secrets must be read first (`read_secrets`).

    That is the case after a while, after a change, and when none matches: the right one may be new.
    """
    age = time.monotonic() - _Known.read_at
    if age > REFRESH_SECONDS:
        return None
    genuine = verdict(body, header)
    return None if not genuine and header and age > _REREAD_SECONDS else genuine


def verdict(body: bytes, header: str) -> bool:
    """What the secrets say that are remembered, however old they are."""
    known, own = _Known.secrets, whatsapp_settings.APP_SECRET
    if not header or not (known or own):
        return whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS
    genuine = bool(own) and own not in known and signature.verify(own, body, header)
    # All are tried, so that the time it takes says nothing about which one matched.
    for secret in known:
        genuine |= signature.verify(secret, body, header)
    return genuine


def is_verify_token(given: str) -> bool:
    """Whether `given` is the verify token of the settings or of an active account. An empty one never is."""
    active = WhatsAppAccount.objects.filter(is_active=True).exclude(verify_token="")
    tokens = {whatsapp_settings.VERIFY_TOKEN, *active.values_list("verify_token", flat=True)} - {""}
    encoded = given.encode("utf-8", "surrogatepass")
    return True in [hmac.compare_digest(token.encode(), encoded) for token in tokens]


def read_secrets() -> None:
    """Remembers the app secrets of all accounts."""
    changes, now = _Known.changes, time.monotonic()
    _Known.secrets = frozenset(
        WhatsAppAccount.objects.exclude(app_secret="").values_list("app_secret", flat=True)
    )
    # Somebody may have changed one while we read.
    _Known.read_at = now if changes == _Known.changes else -math.inf


def forget() -> None:
    """The next webhook reads the secrets anew."""
    _Known.changes += 1
    _Known.read_at = -math.inf


def accounts_changed(**kwargs: object) -> None:
    """Forgets, now and when it is committed: until then, other threads read what was before. Takes a signal's arguments."""
    forget()
    transaction.on_commit(forget, using=database())
