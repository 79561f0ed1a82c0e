"""What is encrypted or hashed at rest."""

from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from django_meta_whatsapp import crypto
from django_meta_whatsapp.errors import DecryptionError
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppAPIKey
from django_meta_whatsapp.models.account import hash_api_key
from tests.models import rows

pytestmark = pytest.mark.django_db
SECRETS = ("access_token", "app_secret", "verify_token")


def stored(model: Any) -> str:
    """The whole row as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table}")
        return repr(cursor.fetchall())


def test_nothing_of_a_secret_is_readable_in_the_database() -> None:
    shop = rows.account(**{name: f"plain-{name}" for name in SECRETS})
    assert "plain" not in stored(WhatsAppAccount)
    shop.refresh_from_db()
    assert [getattr(shop, name) for name in SECRETS] == [f"plain-{name}" for name in SECRETS]


def test_the_same_secret_looks_different_each_time_it_is_stored() -> None:
    assert crypto.encrypt("token") != crypto.encrypt("token")


def test_what_is_empty_stays_empty() -> None:
    shop = rows.account(access_token="", app_secret="")
    shop.refresh_from_db()
    assert (shop.access_token, shop.app_secret) == ("", "")
    assert WhatsAppAccount.objects.filter(access_token="").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"WHATSAPP": {"ENCRYPTION_KEYS": ["old"]}}, {"WHATSAPP": {"ENCRYPTION_KEYS": ["new", "old"]}}),
        ({"SECRET_KEY": "old"}, {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}),
    ],
    ids=["ENCRYPTION_KEYS", "SECRET_KEY_FALLBACKS"],
)
def test_an_older_key_still_opens_and_the_newest_one_closes(before: Any, after: Any) -> None:
    with override_settings(**before):
        shop = rows.account(access_token="token")
    with override_settings(**after):
        shop.refresh_from_db()
        assert shop.access_token == "token"
        shop.save()
    with override_settings(**before), pytest.raises(DecryptionError):
        shop.refresh_from_db()


def test_encryption_keys_of_its_own_make_it_independent_of_the_secret_key() -> None:
    keys = {"ENCRYPTION_KEYS": ["k1"]}
    with override_settings(SECRET_KEY="one", WHATSAPP=keys):
        shop = rows.account(access_token="token")
    with override_settings(SECRET_KEY="two", WHATSAPP=keys):
        shop.refresh_from_db()
        assert shop.access_token == "token"


def test_a_value_that_no_key_opens_is_an_error_and_never_the_token() -> None:
    shop = rows.account(access_token="token")
    with override_settings(SECRET_KEY="another"), pytest.raises(DecryptionError) as caught:
        WhatsAppAccount.objects.get(pk=shop.pk)
    assert "ENCRYPTION_KEYS" in str(caught.value)
    assert isinstance(caught.value, ValueError)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {WhatsAppAccount._meta.db_table} SET access_token = 'plain text'")
    with pytest.raises(DecryptionError):
        WhatsAppAccount.objects.get(pk=shop.pk)


def test_an_api_key_is_told_once_and_kept_as_a_hash() -> None:
    key, plain = WhatsAppAPIKey.objects.issue("Shop front")
    assert plain.startswith("dmw_")
    assert len(plain) >= 40
    assert plain not in stored(WhatsAppAPIKey)
    assert plain.removeprefix(key.prefix) not in stored(WhatsAppAPIKey)
    assert WhatsAppAPIKey.objects.get(key_hash=hash_api_key(plain)) == key
    assert str(key) == f"Shop front ({plain[:12]}…)"
    assert WhatsAppAPIKey.objects.issue("Shop front")[1] != plain
