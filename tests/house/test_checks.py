"""System checks: each mistake in the settings has an id and an advice."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.test import override_settings

from django_meta_whatsapp import checks
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppAccount
from tests.models import rows

COMPLETE = {
    "ACCESS_TOKEN": "t",
    "PHONE_NUMBER_ID": "1",
    "WABA_ID": "2",
    "APP_SECRET": "s",
    "VERIFY_TOKEN": "v",
    "ENCRYPTION_KEYS": ["k"],
}


def found(
    whatsapp: Any = COMPLETE, *, deploy: bool = False, databases: Any = None, **others: Any
) -> list[CheckMessage]:
    """What a check of ours finds; with `databases` also those that ask them, as `manage.py check --database` does."""
    with override_settings(WHATSAPP=whatsapp, **others):
        every = run_checks(include_deployment_checks=deploy, databases=databases)
    return [each for each in every if str(each.id).startswith(f"{checks.TAG}.")]


def told(whatsapp: Any = COMPLETE, **options: Any) -> list[tuple[str, str]]:
    """Id without the app's label, and the text."""
    return [(str(each.id).removeprefix(f"{checks.TAG}."), each.msg) for each in found(whatsapp, **options)]


def ids(whatsapp: Any = COMPLETE, **options: Any) -> list[str]:
    return [number for number, _ in told(whatsapp, **options)]


def test_complete_settings_are_in_order_in_production_too() -> None:
    assert told(deploy=True) == []


def test_an_empty_project_is_in_order_because_accounts_may_bring_all() -> None:
    assert told({}) == []
    assert told(None) == []


def test_the_checks_are_part_of_manage_py_check() -> None:
    with override_settings(WHATSAPP={"ACCESS_TOKEN": 1}), pytest.raises(Exception, match="E002"):
        call_command("check")


@pytest.mark.parametrize("value", [["ACCESS_TOKEN"], "token"])
def test_settings_that_are_no_dict(value: Any) -> None:
    assert ids(value, deploy=True) == ["E001"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PHONE_NUMBER_ID", 222000222000222),
        ("REQUEST_TIMEOUT", "30"),
        ("ALLOW_UNSIGNED_WEBHOOKS", "no"),
        ("ENCRYPTION_KEYS", "one"),
        ("ACCESS_TOKEN", None),
    ],
)
def test_a_wrong_type_names_the_key(key: str, value: Any) -> None:
    (number, text), *rest = told({**COMPLETE, key: value}, deploy=True)
    assert (number, rest) == ("E002", [])
    assert f'WHATSAPP["{key}"]' in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("GRAPH_API_VERSION", "22"),
        ("GRAPH_API_VERSION", "v22"),
        ("GRAPH_API_VERSION", ""),
        ("GRAPH_BASE_URL", "graph.facebook.com"),
        ("GRAPH_BASE_URL", "ftp://graph.facebook.com"),
        ("DEFAULT_COUNTRY_CODE", "IN"),
        ("DEFAULT_COUNTRY_CODE", "0091"),
        ("DEFAULT_COUNTRY_CODE", ""),
        ("UNKNOWN_POLICY", "retry"),
        ("SEND_CONCURRENCY", 0),
        ("CONNECT_TIMEOUT", -1.0),
        ("RUN_MAX_WAIT", -1),
    ],
)
def test_a_wrong_value_names_the_key_and_what_to_write(key: str, value: Any) -> None:
    (message,) = found({**COMPLETE, key: value})
    assert message.id == "django_meta_whatsapp.E003"
    assert f'WHATSAPP["{key}"]' in message.msg
    assert message.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("GRAPH_API_VERSION", "v23.0"),
        ("DEFAULT_COUNTRY_CODE", "+372"),
        ("RUN_MAX_WAIT", 0),
        ("REQUEST_TIMEOUT", 20),
    ],
)
def test_a_right_value_is_not_remarked_on(key: str, value: Any) -> None:
    assert told({**COMPLETE, key: value}) == []


def test_a_call_may_not_connect_for_longer_than_it_may_take() -> None:
    (message,) = found({**COMPLETE, "REQUEST_TIMEOUT": 5.0})
    assert message.id == "django_meta_whatsapp.E003"
    assert 'WHATSAPP["CONNECT_TIMEOUT"] is not below REQUEST_TIMEOUT (5.0)' in message.msg
    assert ids({**COMPLETE, "CONNECT_TIMEOUT": 4.9, "REQUEST_TIMEOUT": 5.0}) == []


def test_a_send_deadline_outlasts_a_call_and_a_lease_outlasts_both() -> None:
    assert ids({**COMPLETE, "SEND_DEADLINE": 30.0, "REQUEST_TIMEOUT": 30.0}) == ["E004"]
    assert ids({**COMPLETE, "LEASE_SECONDS": 89.0}) == ["E005"]
    assert ids({**COMPLETE, "LEASE_SECONDS": 90.0}) == []


@pytest.mark.parametrize("path", ["tests.nothing.here", "no_dot", "tests.house.test_checks.nothing"])
def test_a_path_that_does_not_import_is_told(path: str) -> None:
    assert ids({**COMPLETE, "CAMPAIGN_RESOLVER": path}) == ["E006"]
    (number, text), *rest = told({**COMPLETE, "AUDIENCES": {"vips": path}})
    assert (number, rest) == ("E006", [])
    assert 'WHATSAPP["AUDIENCES"]["vips"]' in text
    assert path in text


def test_a_path_to_something_else_than_a_function_is_told() -> None:
    assert ids({**COMPLETE, "CAMPAIGN_RESOLVER": "tests.house.test_checks.COMPLETE"}) == ["E006"]


def test_paths_that_import_are_in_order() -> None:
    path = "tests.house.test_checks.found"
    spec = {"provider": path, "phone_field": "mobile", "name_field": "full_name"}
    assert told({**COMPLETE, "CAMPAIGN_RESOLVER": path, "AUDIENCES": {"a": path, "b": spec}}) == []


@pytest.mark.parametrize(
    "spec", [7, {}, {"get_queryset": "tests.house.test_checks.found"}, {"provider": ["a"]}, None]
)
def test_an_audience_without_a_provider_is_told(spec: Any) -> None:
    assert set(ids({**COMPLETE, "AUDIENCES": {"vips": spec}})) == {"E007"}


def test_an_unknown_word_in_an_audience_is_told() -> None:
    spec = {"provider": "tests.house.test_checks.found", "phone": "mobile"}
    (number, text), *rest = told({**COMPLETE, "AUDIENCES": {"vips": spec}})
    assert (number, rest) == ("E007", [])
    assert "phone unknown" in text


def test_celery_switched_on_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(WHATSAPP_USE_CELERY=True) == []
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    assert ids(WHATSAPP_USE_CELERY=True) == ["E008"]
    assert ids() == []


def test_resending_what_may_have_arrived_states_its_risk() -> None:
    [(number, text)] = told({**COMPLETE, "UNKNOWN_POLICY": "resend"})
    assert number == "W009"
    assert "later than 24 hours, gets two messages" in text
    assert told({**COMPLETE, "UNKNOWN_POLICY": "ask"}) == []


def test_times_need_time_zones() -> None:
    assert ids(USE_TZ=False) == ["E009"]


@pytest.mark.parametrize("missing", ["ACCESS_TOKEN", "PHONE_NUMBER_ID", "WABA_ID"])
def test_half_filled_settings_name_the_missing_key(missing: str) -> None:
    (number, text), *rest = told({key: value for key, value in COMPLETE.items() if key != missing})
    assert (number, rest) == ("W001", [])
    assert f'WHATSAPP["{missing}"]' in text


@pytest.mark.parametrize("shared", [{"ACCESS_TOKEN": "t"}, {"APP_SECRET": "s"}, {"VERIFY_TOKEN": "v"}])
def test_what_accounts_may_share_asks_for_nothing_more(shared: dict[str, str]) -> None:
    assert told(shared) == []


def test_unknown_keys_come_with_a_guess() -> None:
    (message,) = found({**COMPLETE, "ACESS_TOKEN": "x"})
    assert (message.id, message.hint) == ("django_meta_whatsapp.W002", 'Did you mean "ACCESS_TOKEN"?')
    assert [each.hint for each in found({**COMPLETE, "ENCRYPTION_KEY": "x"})] == [
        'Did you mean "ENCRYPTION_KEYS"?'
    ]
    assert [each.hint for each in found({**COMPLETE, "access_token": "x"})] == [
        'Did you mean "ACCESS_TOKEN"?'
    ]
    assert [each.hint for each in found({**COMPLETE, "QQQQQ": "x"})] == ["Nothing reads it: take it out."]


@pytest.mark.parametrize(
    ("alias", "key"), [("API_TOKEN", "ACCESS_TOKEN"), ("WEBHOOK_VERIFY_TOKEN", "VERIFY_TOKEN")]
)
def test_an_alias_is_told_the_right_spelling(alias: str, key: str) -> None:
    given = {alias if name == key else name: value for name, value in COMPLETE.items()}
    (message,) = found(given)
    assert (message.id, message.hint) == ("django_meta_whatsapp.W003", f'Write "{key}".')


@pytest.mark.parametrize(("name", "key"), sorted(checks.EARLIER_NAMES.items()))
def test_names_of_an_earlier_system_are_told_the_right_key(name: str, key: str) -> None:
    (message,) = found(**{name: "x"})
    assert message.id == "django_meta_whatsapp.W004"
    assert name in message.msg
    assert message.hint == (f'Write WHATSAPP["{key}"].' if key else "Take it out: it has no successor.")
    assert not key or hasattr(whatsapp_settings, key)


def test_without_app_secret_webhooks_are_refused_unless_unsigned_ones_are_allowed() -> None:
    without = {key: value for key, value in COMPLETE.items() if key != "APP_SECRET"}
    assert ids(without) == ["W005"]
    assert ids({**without, "ALLOW_UNSIGNED_WEBHOOKS": True}) == []


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"ALLOW_UNSIGNED_WEBHOOKS": True}, "W006"),
        ({"GRAPH_BASE_URL": "http://127.0.0.1:8025"}, "W007"),
        ({"ENCRYPTION_KEYS": []}, "W008"),
    ],
)
def test_what_is_wrong_in_production_only(wrong: dict[str, Any], number: str) -> None:
    assert ids({**COMPLETE, **wrong}, deploy=True) == [number]
    assert ids({**COMPLETE, **wrong}) == []


@pytest.mark.django_db
class TestWithTheDatabase:
    """`manage.py check --database default` also looks at the accounts."""

    def test_nobody_can_speak(self) -> None:
        assert ids({}, databases=["default"]) == ["W001", "W001", "W001", "W005"]

    def test_accounts_bring_what_the_settings_lack(self) -> None:
        rows.account(waba_id="1", access_token="t", app_secret="s")
        assert ids({}, databases=["default"]) == []
        rows.account()
        assert ids({}, databases=["default"]) == []

    def test_accounts_and_settings_fill_each_other_up(self) -> None:
        rows.account(waba_id="1")
        assert [text for _, text in told({}, databases=["default"])] == [
            'WHATSAPP["ACCESS_TOKEN"] is missing.',
            'WHATSAPP["APP_SECRET"] is missing: every webhook is refused.',
        ]
        assert ids({"ACCESS_TOKEN": "t", "APP_SECRET": "s"}, databases=["default"]) == []

    def test_an_account_that_is_switched_off_brings_nothing(self) -> None:
        rows.account(waba_id="1", access_token="t", app_secret="s", is_active=False)
        assert ids({}, databases=["default"]) == ["W001", "W001", "W001", "W005"]

    def test_a_secret_that_does_not_decrypt_does_not_stop_the_checks(self) -> None:
        rows.account(waba_id="1", access_token="t", app_secret="s")
        assert ids({}, databases=["default"], SECRET_KEY="another") == []


def test_the_database_is_not_asked_without_being_named() -> None:
    """pytest-django refuses queries in a test without the django_db mark."""
    assert ids({}) == []
    assert run_checks(tags=[checks.TAG]) == []
    assert checks.check_accounts(None) == []
    assert checks.check_accounts(None, databases=["replica"]) == []


@pytest.mark.django_db
def test_a_database_without_our_tables_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WhatsAppAccount._meta, "db_table", "not_migrated_yet")
    assert ids({}, databases=["default"]) == []
