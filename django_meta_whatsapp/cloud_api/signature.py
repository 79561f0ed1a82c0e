"""Webhook signatures and `appsecret_proof` (Meta's pages "webhooks" and "secure Graph API calls")."""

import hmac

_PREFIX = "sha256="


def _digest(secret: str, message: bytes) -> str:
    return hmac.digest(secret.encode(), message, "sha256").hex()


def sign(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a body, as Meta computes it with the app secret."""
    return _PREFIX + _digest(secret, body)


def verify(secret: str, body: bytes, header: str) -> bool:
    """True when `header` is the signature of exactly these bytes, compared in constant time.

    body: the bytes as received; parsed and written again they give another signature.
    An empty secret verifies nothing.
    """
    # compare_digest raises on text with letters outside ASCII, which no signature has.
    return bool(secret) and header.isascii() and hmac.compare_digest(sign(secret, body), header)


def appsecret_proof(secret: str, token: str) -> str:
    """The proof that a call comes from the app itself, for apps that require it."""
    return _digest(secret, token.encode())
