"""Phone numbers: reads, registration, profile and settings."""

from typing import Any

import pytest

from tests.simulator.caller import NUMBER, WABA, Caller
from tests.simulator.verifier import Verifier
from whatsapp_simulator.control import Control

WHATSAPP = {"messaging_product": "whatsapp"}
HOUR = 3600


def number(api: Caller, fields: str) -> dict[str, Any]:
    node: dict[str, Any] = api.call("GET", f"{NUMBER}?fields={fields}").json
    return node


def test_a_number_tells_quality_throughput_and_limit(api: Caller, sim: Control) -> None:
    sim.number(NUMBER, throughput=1000, quality="YELLOW")
    fields = "display_phone_number,quality_rating,throughput,whatsapp_business_manager_messaging_limit"
    assert number(api, fields) == {
        "display_phone_number": "+1 555-000-9999",
        "quality_rating": "YELLOW",
        "throughput": {"level": "HIGH"},
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "id": NUMBER,
    }
    assert api.call("GET", NUMBER).json["verified_name"] == "Sample Shop"
    assert api.call("GET", f"{NUMBER}?fields=nonsense").code == 100


def test_the_numbers_of_an_account_are_listed(api: Caller, sim: Control) -> None:
    sim.number("222000222000333")
    sim.number("222000222000444", waba_id="111000111000222")
    first = api.call("GET", f"{WABA}/phone_numbers?limit=1&fields=id").json
    rest = api.call("GET", first["paging"]["next"].partition("/v22.0/")[2]).json
    assert [*first["data"], *rest["data"]] == [{"id": NUMBER}, {"id": "222000222000333"}]


def test_health_follows_status_and_quality(api: Caller, sim: Control) -> None:
    def health() -> tuple[str, dict[str, str]]:
        status = number(api, "health_status")["health_status"]
        states = {entity["entity_type"]: entity["can_send_message"] for entity in status["entities"]}
        return status["can_send_message"], states

    assert health()[0] == "AVAILABLE"
    sim.number(NUMBER, quality="RED")
    assert health() == (
        "LIMITED",
        {"PHONE_NUMBER": "LIMITED", "WABA": "AVAILABLE", "BUSINESS": "AVAILABLE", "APP": "AVAILABLE"},
    )
    sim.number(NUMBER, status="BANNED")
    assert health()[0] == "BLOCKED"


def test_a_new_number_sends_only_after_verification_and_registration(api: Caller) -> None:
    body = {"cc": "1", "phone_number": "5550007777", "verified_name": "Second Shop"}
    new = api.call("POST", f"{WABA}/phone_numbers", body).json["id"]
    register = {**WHATSAPP, "pin": "123456"}
    assert api.text(number=new).code == 133010
    assert api.call("POST", f"{new}/register", register).code == 133006
    assert api.call("POST", f"{new}/verify_code", {"code": "007777"}).code == 136025
    assert api.call("POST", f"{new}/request_code", {"code_method": "SMS", "language": "en_US"}).status == 200
    assert api.call("POST", f"{new}/verify_code", {"code": "111111"}).code == 136025
    assert api.call("POST", f"{new}/verify_code", {"code": "007777"}).status == 200
    assert api.call("POST", f"{new}/register", register).json == {"success": True}
    assert api.text(number=new).status == 200
    assert api.call("POST", f"{WABA}/phone_numbers", body).code == 100


def test_a_deregistered_number_cannot_send(api: Caller) -> None:
    assert api.call("POST", f"{NUMBER}/deregister").json == {"success": True}
    assert api.text().code == 133010
    assert number(api, "status")["status"] == "DISCONNECTED"
    assert api.call("POST", f"{NUMBER}/register", {**WHATSAPP, "pin": "123456"}).status == 200
    assert api.text().status == 200


def test_the_pin_that_was_set_must_be_given(api: Caller) -> None:
    assert number(api, "is_pin_enabled")["is_pin_enabled"] is False
    assert api.call("POST", NUMBER, {"pin": "654321"}).json == {"success": True}
    assert number(api, "is_pin_enabled")["is_pin_enabled"] is True
    wrong = {**WHATSAPP, "pin": "123456"}
    codes = [api.call("POST", f"{NUMBER}/register", wrong).code for _ in range(6)]
    assert codes == [133005] * 5 + [133008]
    assert api.call("POST", f"{NUMBER}/register", {**WHATSAPP, "pin": "654321"}).status == 200


def test_registering_is_limited_to_ten_times_in_72_hours(api: Caller, sim: Control) -> None:
    body = {**WHATSAPP, "pin": "123456"}
    for _ in range(10):
        assert api.call("POST", f"{NUMBER}/register", body).status == 200
    assert api.call("POST", f"{NUMBER}/register", body).code == 133016
    sim.clock(advance=72 * HOUR + 1)
    assert api.call("POST", f"{NUMBER}/register", body).status == 200


def test_codes_are_limited_to_five_an_hour(api: Caller) -> None:
    body = {"code_method": "VOICE", "language": "en_US"}
    codes = [api.call("POST", f"{NUMBER}/request_code", body).status for _ in range(6)]
    assert codes == [200] * 5 + [400]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("register", {"pin": "123456"}),
        ("register", {**WHATSAPP, "pin": "12345"}),
        ("register", {**WHATSAPP, "pin": "12345x"}),
        ("register", WHATSAPP),
        ("request_code", {"code_method": "MAIL", "language": "en_US"}),
        ("request_code", {"code_method": "SMS"}),
        ("verify_code", {}),
        ("", {}),
        ("", {"pin": "12"}),
    ],
)
def test_incomplete_orders_are_refused(api: Caller, path: str, body: dict[str, str]) -> None:
    assert api.call("POST", f"{NUMBER}/{path}".rstrip("/"), body).code in {100, 131008}


def test_the_profile_is_a_list_of_one_and_keeps_what_is_not_changed(api: Caller) -> None:
    path = f"{NUMBER}/whatsapp_business_profile"
    assert api.call("GET", path).json == {"data": [{"messaging_product": "whatsapp"}]}
    api.call("POST", path, {**WHATSAPP, "about": "Open", "websites": ["https://shop.example"]})
    assert api.call("POST", path, {**WHATSAPP, "vertical": "RETAIL"}).json == {"success": True}
    (profile,) = api.call("GET", f"{path}?fields=about,vertical,email").json["data"]
    assert profile == {"about": "Open", "vertical": "RETAIL", "messaging_product": "whatsapp"}


@pytest.mark.parametrize(
    "changes",
    [
        {"about": ""},
        {"about": "x" * 140},
        {"address": "x" * 257},
        {"description": "x" * 513},
        {"email": "x" * 129},
        {"websites": ["https://a.example"] * 3},
        {"websites": ["a.example"]},
        {"websites": "https://a.example"},
        {"vertical": "CIRCUS"},
        {"profile_picture_handle": "4::nothing"},
        {"messaging_product": "sms"},
    ],
)
def test_a_profile_has_limits(api: Caller, changes: dict[str, Any]) -> None:
    assert api.call("POST", f"{NUMBER}/whatsapp_business_profile", {**WHATSAPP, **changes}).code in {
        100,
        131008,
    }


def test_settings_are_changed_group_by_group(api: Caller) -> None:
    assert api.call("POST", f"{NUMBER}/settings", {"calling": {"status": "ENABLED"}}).json == {
        "success": True
    }
    settings = api.call("GET", f"{NUMBER}/settings").json
    assert settings["calling"] == {"status": "ENABLED"}
    assert settings["payload_encryption"] == {"status": "DISABLED"}
    assert api.call("POST", f"{NUMBER}/settings", {"colour": {}}).code == 100


def test_commands_and_prompts_are_read_back(api: Caller) -> None:
    body = {"prompts": ["Plan a trip"], "commands": [{"command_name": "t", "command_description": "Tickets"}]}
    assert api.call("POST", f"{NUMBER}/conversational_automation", body).status == 200
    assert number(api, "conversational_automation")["conversational_automation"] == body
    assert api.call("POST", f"{NUMBER}/conversational_automation", {"prompts": ["x"] * 5}).code == 100


def test_a_number_may_have_a_webhook_address_of_its_own(api: Caller, verifier: Verifier) -> None:
    override = {"override_callback_uri": verifier.url, "verify_token": "open"}
    assert api.call("POST", NUMBER, {"webhook_configuration": override}).json == {"success": True}
    assert verifier.asked == [("subscribe", "open")]
    assert number(api, "webhook_configuration")["webhook_configuration"] == {"phone_number": verifier.url}
    assert api.call("POST", NUMBER, {"webhook_configuration": {"override_callback_uri": ""}}).status == 200
    assert number(api, "webhook_configuration")["webhook_configuration"] == {}


def test_an_address_that_does_not_repeat_the_challenge_is_not_used(api: Caller, verifier: Verifier) -> None:
    override = {"override_callback_uri": verifier.url, "verify_token": "wrong"}
    assert api.call("POST", NUMBER, {"webhook_configuration": override}).code == 2200
    assert number(api, "webhook_configuration")["webhook_configuration"] == {}
