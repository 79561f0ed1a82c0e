"""Encryption of secrets at rest, with key rotation."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import DecryptionError


def encrypt(text: str) -> str:
    """`text`, encrypted with the newest key."""
    return _box().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """The text that was encrypted with any of our keys; DecryptionError otherwise."""
    try:
        return _box().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError from error


def _box() -> MultiFernet:
    derived: list[object] = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys: list[object] = [*whatsapp_settings.ENCRYPTION_KEYS] or derived
    return MultiFernet([_fernet(str(key)) for key in keys])


@lru_cache(maxsize=16)
def _fernet(key: str) -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"django_meta_whatsapp.crypto")
    return Fernet(base64.urlsafe_b64encode(derive.derive(key.encode())))
