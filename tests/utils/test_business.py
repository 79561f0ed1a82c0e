"""The phone number, the profile, the WABA, the token and the subscription, over HTTP against the simulator."""

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from django_meta_whatsapp.errors import AuthError, InvalidMessage, MetaAPIError, MissingSetting
from tests.utils.conftest import Call
from whatsapp_simulator.testing import SimulatorServer

NUMBER, WABA = "222000222000222", "111000111000111"


def test_the_profile_is_read_and_changed(simulator: SimulatorServer, call: Call) -> None:
    assert call("update_business_profile", {"about": "We sell mugs", "vertical": "RETAIL"}) == {
        "success": True
    }
    profile = call("get_business_profile")
    assert (profile["about"], profile["vertical"]) == ("We sell mugs", "RETAIL")
    with pytest.raises(InvalidMessage, match="about"):
        call("update_business_profile", {"about": "x" * 140})


def test_the_number_and_its_account_are_described(simulator: SimulatorServer, call: Call) -> None:
    number = call("get_phone_number")
    assert (number["id"], number["display_phone_number"]) == (NUMBER, "+1 555-000-9999")
    assert [each["id"] for each in call("list_phone_numbers")] == [NUMBER]
    assert call("get_waba")["id"] == WABA


def test_a_number_is_registered_and_taken_off(simulator: SimulatorServer, call: Call) -> None:
    assert call("deregister_phone_number") == {"success": True}
    assert call("register_phone_number", "123456") == {"success": True}
    with pytest.raises(InvalidMessage, match="pin"):
        call("register_phone_number", "12345")


def test_a_number_is_verified(simulator: SimulatorServer, call: Call) -> None:
    simulator.control.number(NUMBER, status="PENDING")
    assert call("request_verification_code", "VOICE", "en_US") == {"success": True}
    with pytest.raises(InvalidMessage, match="method"):
        call("request_verification_code", "PIGEON")
    with pytest.raises(MetaAPIError) as rejected:
        call("verify_code", "123-456")
    assert rejected.value.code == 136025
    assert call("verify_code", "009-999") == {"success": True}


def test_the_subscription_is_listed_made_and_ended(simulator: SimulatorServer, call: Call) -> None:
    assert call("unsubscribe_app") == {"success": True}
    assert call("list_subscribed_apps") == []
    assert call("subscribe_app") == {"success": True}
    assert len(call("list_subscribed_apps")) == 1
    with pytest.raises(InvalidMessage, match="verify_token"):
        call("subscribe_app", "https://shop.example/hook")


def test_a_token_is_described(simulator: SimulatorServer, call: Call) -> None:
    own = call("debug_token")
    assert (own["is_valid"], own["app_id"]) == (True, "100000000000001")
    assert call("debug_token", "no-such-token")["is_valid"] is False


def test_health_is_the_numbers_own_or_anothers(simulator: SimulatorServer, call: Call) -> None:
    assert call("get_health_status")["can_send_message"] == "AVAILABLE"
    assert call("get_health_status", WABA)["can_send_message"] == "AVAILABLE"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("get_business_profile", "PHONE_NUMBER_ID"),
        ("get_phone_number", "PHONE_NUMBER_ID"),
        ("deregister_phone_number", "PHONE_NUMBER_ID"),
        ("get_health_status", "PHONE_NUMBER_ID"),
        ("get_waba", "WABA_ID"),
        ("list_phone_numbers", "WABA_ID"),
        ("list_subscribed_apps", "WABA_ID"),
        ("subscribe_app", "WABA_ID"),
        ("debug_token", "ACCESS_TOKEN"),
    ],
)
def test_a_missing_setting_is_named(name: str, key: str, call: Call) -> None:
    with (
        override_settings(WHATSAPP={**django_settings.WHATSAPP, key: ""}),
        pytest.raises(MissingSetting, match=key),
    ):
        call(name)


@pytest.mark.parametrize("name", ["get_business_profile", "get_waba", "list_subscribed_apps"])
def test_a_revoked_token_is_190(simulator: SimulatorServer, name: str, call: Call) -> None:
    simulator.control.token("simulator-token", revoked=True)
    with pytest.raises(AuthError) as rejected:
        call(name)
    assert rejected.value.code == 190
