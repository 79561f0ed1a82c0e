"""Webhook signatures are those of the raw bytes, and nothing else passes."""

import hashlib
import hmac

import pytest

from django_meta_whatsapp.cloud_api.signature import appsecret_proof, sign, verify

BODY = rb'{"text":"\u00e9\u00e8 \/ \ud83d\ude00"}'
SECRET = "app-secret"


def test_the_signature_is_a_keyed_hash_of_the_bytes() -> None:
    assert sign("key", b"The quick brown fox jumps over the lazy dog") == (
        "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )


def test_a_body_with_its_own_signature_passes() -> None:
    assert verify(SECRET, BODY, sign(SECRET, BODY))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        sign(SECRET, BODY).removeprefix("sha256="),
        sign(SECRET, BODY).replace("sha256=", "sha1="),
        sign(SECRET, BODY).upper(),
        sign(SECRET, BODY)[:-1],
        sign(SECRET, BODY) + "0",
        sign("another secret", BODY),
        sign(SECRET, BODY + b" "),
        "sha256=é",
        "\ud800",
    ],
)
def test_any_other_header_fails(header: str) -> None:
    assert not verify(SECRET, BODY, header)


def test_an_empty_secret_verifies_nothing() -> None:
    assert not verify("", BODY, sign("", BODY))


def test_the_proof_is_the_token_hashed_with_the_secret() -> None:
    assert appsecret_proof(SECRET, "token") == hmac.new(b"app-secret", b"token", hashlib.sha256).hexdigest()
