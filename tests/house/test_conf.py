"""Settings are declared once and read live."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from django_meta_whatsapp.conf import (
    ALIASES,
    Setting,
    WhatsAppSettings,
    configured,
    declared_settings,
    fits,
    whatsapp_settings,
)
from django_meta_whatsapp.errors import InvalidSetting, MissingSetting


def test_a_setting_is_read_at_the_moment_of_use() -> None:
    with override_settings(WHATSAPP={"PHONE_NUMBER_ID": "1"}):
        assert whatsapp_settings.PHONE_NUMBER_ID == "1"
        with override_settings(WHATSAPP={"PHONE_NUMBER_ID": "2"}):
            assert whatsapp_settings.PHONE_NUMBER_ID == "2"
        assert whatsapp_settings.PHONE_NUMBER_ID == "1"


@pytest.mark.parametrize("given", [{}, None])
def test_without_a_dict_every_setting_has_its_default(given: object) -> None:
    with override_settings(WHATSAPP=given):
        assert {row.name: getattr(whatsapp_settings, row.name) for row in declared_settings()} == {
            row.name: row.default for row in declared_settings()
        }


def test_documented_defaults() -> None:
    with override_settings(WHATSAPP={}):
        assert whatsapp_settings.GRAPH_API_VERSION == "v22.0"
        assert whatsapp_settings.GRAPH_BASE_URL == "https://graph.facebook.com"
        assert whatsapp_settings.DEFAULT_COUNTRY_CODE == "91"
        assert (whatsapp_settings.PHONE_FIELD, whatsapp_settings.NAME_FIELD) == ("phone", "name")
        assert whatsapp_settings.UNKNOWN_POLICY == "ask"


@pytest.mark.parametrize(("alias", "key"), sorted(ALIASES.items()))
def test_an_alias_is_understood_and_the_right_spelling_wins(alias: str, key: str) -> None:
    with override_settings(WHATSAPP={alias: "old"}):
        assert getattr(whatsapp_settings, key) == "old"
    for both in ({alias: "old", key: "new"}, {key: "new", alias: "old"}):
        with override_settings(WHATSAPP=both):
            assert getattr(whatsapp_settings, key) == "new"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ACCESS_TOKEN", 7),
        ("PHONE_NUMBER_ID", 222000222000222),
        ("REQUEST_TIMEOUT", "30"),
        ("SEND_CONCURRENCY", 1.5),
        ("SEND_CONCURRENCY", True),
        ("ALLOW_UNSIGNED_WEBHOOKS", "False"),
        ("AUDIENCES", ["vips"]),
        ("ENCRYPTION_KEYS", "one-key"),
        ("ACCESS_TOKEN", None),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_that_names_the_key(key: str, value: Any) -> None:
    with override_settings(WHATSAPP={key: value}), pytest.raises(InvalidSetting) as caught:
        getattr(whatsapp_settings, key)
    assert caught.value.key == key
    assert isinstance(caught.value, ValueError)
    assert f'WHATSAPP["{key}"]' in str(caught.value)


def test_an_error_tells_the_type_of_a_secret_and_not_the_secret() -> None:
    with (
        override_settings(WHATSAPP={"ACCESS_TOKEN": ["EAAB-secret"]}),
        pytest.raises(InvalidSetting) as caught,
    ):
        _ = whatsapp_settings.ACCESS_TOKEN
    assert "EAAB" not in str(caught.value)


@pytest.mark.parametrize("seconds", [5, 2.5])
def test_seconds_may_be_whole_or_not(seconds: float) -> None:
    with override_settings(WHATSAPP={"REQUEST_TIMEOUT": seconds}):
        assert seconds == whatsapp_settings.REQUEST_TIMEOUT


@pytest.mark.parametrize("keys", [["a", "b"], ("a", "b")])
def test_keys_may_be_a_list_or_a_tuple(keys: Any) -> None:
    with override_settings(WHATSAPP={"ENCRYPTION_KEYS": keys}):
        assert list(whatsapp_settings.ENCRYPTION_KEYS) == ["a", "b"]


def test_settings_that_are_no_dict_are_an_error() -> None:
    with (
        override_settings(WHATSAPP=["ACCESS_TOKEN"]),
        pytest.raises(InvalidSetting, match="a dict is expected"),
    ):
        configured()


@pytest.mark.parametrize("empty", [{}, {"WABA_ID": ""}])
def test_a_missing_setting_is_a_value_error_that_names_the_key(empty: Mapping[str, str]) -> None:
    with (
        override_settings(WHATSAPP=empty),
        pytest.raises(ValueError, match=r'WHATSAPP\["WABA_ID"\]') as caught,
    ):
        whatsapp_settings.require("WABA_ID")
    assert isinstance(caught.value, MissingSetting)
    assert caught.value.key == "WABA_ID"


def test_a_setting_that_is_there_satisfies_who_requires_it() -> None:
    with override_settings(WHATSAPP={"WABA_ID": "111"}):
        assert whatsapp_settings.require("WABA_ID") == "111"


@pytest.mark.parametrize("on", [True, False])
def test_celery_is_switched_at_the_top_level(on: bool) -> None:
    with override_settings(WHATSAPP_USE_CELERY=on):
        assert whatsapp_settings.USE_CELERY is on


def test_every_setting_explains_itself_and_seconds_are_never_guessed() -> None:
    rows = list(declared_settings())
    assert len(rows) > 25
    assert [row.name for row in rows if not row.about.endswith((".", ".)"))] == []
    assert [row.name for row in rows if float in row.types and row.unit != "seconds"] == []
    assert {row.name for row in rows if row.secret} == {
        "ACCESS_TOKEN",
        "APP_SECRET",
        "VERIFY_TOKEN",
        "ENCRYPTION_KEYS",
    }


def test_a_setting_read_on_the_class_is_its_declaration() -> None:
    assert isinstance(WhatsAppSettings.ACCESS_TOKEN, Setting)
    assert WhatsAppSettings.ACCESS_TOKEN.declared().name == "ACCESS_TOKEN"


@given(st.booleans(), st.sampled_from([(int,), (int, float), (str,)]))
def test_true_and_false_are_no_numbers(value: bool, types: tuple[type, ...]) -> None:
    assert not fits(value, types)
    assert fits(value, (bool,))
