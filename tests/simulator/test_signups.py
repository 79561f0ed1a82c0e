"""In-app signups and the agreement to their terms."""

from typing import Any

import pytest

from tests.simulator.caller import WABA, Caller, Reply
from whatsapp_simulator.control import Control

TERMS = {"tos": "https://www.facebook.com/legal/ads-manager-marketing-messages-terms", "accepted": True}
FIELDS = {
    "signup_message": "Get weekly offers",
    "confirmation_message": "Your code: {{promo_code}}",
    "privacy_policy_url": "https://shop.example/privacy",
    "promo_code": "SPRING10",
}


def create(api: Caller, **changes: Any) -> Reply:
    body = {key: value for key, value in {**FIELDS, **changes}.items() if value is not None}
    return api.call("POST", f"{WABA}/signups", body)


def number(reply: Reply) -> int:
    assert reply.status == 400
    return int(reply.json["error"]["error_subcode"])


@pytest.fixture
def agreed(api: Caller) -> str:
    return str(create(api, policy=TERMS).json["id"])


def test_the_first_signup_of_a_business_carries_its_agreement_and_later_ones_must_not(
    api: Caller, sim: Control
) -> None:
    assert number(create(api)) == 2494168
    assert number(create(api, policy={**TERMS, "tos": "https://shop.example"})) == 2494177
    assert create(api, policy=TERMS).status == 200
    assert number(create(api, policy=TERMS)) == 2494176
    assert create(api).status == 200
    sim.number("222000222000444", waba_id="111000111000222")
    assert api.call("POST", "111000111000222/signups", FIELDS).status == 200


def test_a_refused_signup_does_not_count_as_an_agreement(api: Caller) -> None:
    assert number(create(api, policy=TERMS, promo_code=None)) == 2494167
    assert number(create(api)) == 2494168


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"confirmation_message": "Hi {{name}}"}, 2494166),
        ({"promo_code": None}, 2494167),
        ({"website_url": "http://shop.example"}, 2494179),
    ],
)
def test_wrong_values_have_numbers_of_their_own(
    api: Caller, agreed: str, changes: dict[str, Any], expected: int
) -> None:
    assert number(create(api, **changes)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"signup_message": None},
        {"signup_message": "x" * 301},
        {"confirmation_message": ""},
        {"promo_code": "no spaces"},
        {"promo_code": "x" * 51},
        {"display_name": "x" * 257},
        {"privacy_policy_url": "ftp://shop.example"},
    ],
)
def test_values_outside_their_limits_are_refused(api: Caller, agreed: str, changes: dict[str, Any]) -> None:
    assert create(api, **changes).code in {100, 131008}


def test_a_signup_is_read_by_the_documented_path_and_as_a_node(api: Caller, agreed: str) -> None:
    expected = {**FIELDS, "id": agreed, "waba_id": WABA, "status": "ACTIVE"}
    assert api.call("GET", f"signups/{agreed}").json == expected
    assert api.call("GET", f"{agreed}?fields=status").json == {"status": "ACTIVE", "id": agreed}


def test_a_signup_can_be_changed_and_switched_off(api: Caller, agreed: str) -> None:
    assert api.call("POST", f"signups/{agreed}", {"status": "DISABLED"}).json == {"success": True}
    assert api.call("POST", agreed, {"promo_code": "SUMMER", "display_name": "List"}).json == {
        "success": True
    }
    node = api.call("GET", f"signups/{agreed}").json
    assert (node["status"], node["promo_code"], node["display_name"]) == ("DISABLED", "SUMMER", "List")


def test_a_change_is_checked_against_what_stays(api: Caller, agreed: str) -> None:
    assert number(api.call("POST", agreed, {"promo_code": ""})) == 2494167
    assert api.call("POST", agreed, {"privacy_policy_url": "https://other.example"}).code == 100
    assert api.call("POST", agreed, {"status": "GONE"}).code == 100
    assert api.call("GET", agreed).json["promo_code"] == "SPRING10"


def test_an_unknown_signup_has_an_error_of_its_own(api: Caller) -> None:
    assert number(api.call("GET", "signups/12345")) == 2494164
    assert number(api.call("POST", "signups/12345", {"status": "DISABLED"})) == 2494164


def test_the_list_is_paged(api: Caller, agreed: str) -> None:
    for _ in range(3):
        create(api)
    first = api.call("GET", f"{WABA}/signups?limit=3").json
    assert set(first["data"][0]) == {"id", "signup_message", "status"}
    rest = api.call("GET", first["paging"]["next"].partition("/v22.0/")[2]).json
    assert (len(first["data"]), len(rest["data"])) == (3, 1)
    assert "next" not in rest["paging"]


def test_signups_need_the_management_permission_and_access(api: Caller, sim: Control, agreed: str) -> None:
    sim.token("sender", permissions=["whatsapp_business_messaging"])
    sim.token("elsewhere", waba_ids=["1"])
    assert api.call("GET", f"{WABA}/signups", token="sender").status == 403
    assert api.call("GET", f"signups/{agreed}", token="elsewhere").code == 200
