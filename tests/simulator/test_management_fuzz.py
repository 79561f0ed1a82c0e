"""Garbage in any field of a management call is an error answer, never a crash."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.caller import NUMBER, WABA, Caller
from tests.simulator.test_templates_validation import GOOD
from whatsapp_simulator.control import Control

GARBAGE: list[Any] = [None, 0, -1, 1.5, True, "", "x", "{{", [], ["x"], [[]], [{}], {}, {"type": 1}]
WHATSAPP = {"messaging_product": "whatsapp"}
CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "block": ("POST", f"{NUMBER}/block_users", {**WHATSAPP, "block_users": [{"user": "+15550001111"}]}),
    "signup": (
        "POST",
        f"{WABA}/signups",
        {
            "signup_message": "x",
            "confirmation_message": "x",
            "privacy_policy_url": "https://a.example",
            "promo_code": "A",
            "website_url": "https://a.example",
            "policy": {"tos": "https://a.example", "accepted": True},
        },
    ),
    "product": (
        "POST",
        "444000444000444/products",
        {"retailer_id": "A", "name": "A", "currency": "USD", "price": 1},
    ),
    "number": (
        "POST",
        f"{WABA}/phone_numbers",
        {"cc": "1", "phone_number": "5550007777", "verified_name": "Shop"},
    ),
    "change": ("POST", NUMBER, {"pin": "123456", "webhook_configuration": {"override_callback_uri": ""}}),
    "register": ("POST", f"{NUMBER}/register", {**WHATSAPP, "pin": "123456"}),
    "code": ("POST", f"{NUMBER}/request_code", {"code_method": "SMS", "language": "en"}),
    "verify": ("POST", f"{NUMBER}/verify_code", {"code": "1"}),
    "profile": (
        "POST",
        f"{NUMBER}/whatsapp_business_profile",
        {
            **WHATSAPP,
            "about": "x",
            "websites": ["https://a.example"],
            "vertical": "AUTO",
            "profile_picture_handle": "x",
        },
    ),
    "automation": (
        "POST",
        f"{NUMBER}/conversational_automation",
        {"prompts": ["x"], "commands": [{"command_name": "x", "command_description": "x"}]},
    ),
    "settings": ("POST", f"{NUMBER}/settings", {"calling": {"status": "ENABLED"}}),
    "commerce": ("POST", f"{NUMBER}/whatsapp_commerce_settings", {"is_cart_enabled": True}),
    "account": ("POST", WABA, {"is_enabled_for_insights": True}),
    "subscribe": ("POST", f"{WABA}/subscribed_apps", {"override_callback_uri": "", "verify_token": "x"}),
    "link": (
        "POST",
        f"{NUMBER}/message_qrdls",
        {"prefilled_message": "x", "generate_qr_image": "PNG", "code": "x"},
    ),
    "flow": (
        "POST",
        f"{WABA}/flows",
        {"name": "x", "categories": ["OTHER"], "flow_json": "{}", "publish": True, "endpoint_uri": "x"},
    ),
    "upload": ("POST", "100000000000001/uploads", {"file_length": 1, "file_type": "image/png"}),
    "delete": ("DELETE", f"{WABA}/message_templates", {"name": "x", "hsm_id": "1", "hsm_ids": "1"}),
    "key": ("POST", f"{NUMBER}/whatsapp_business_encryption", {"business_public_key": "x"}),
}


def spoiled(value: Any) -> Iterator[Any]:
    """Copies of ``value`` with garbage in one place, at any depth."""
    yield from GARBAGE
    if isinstance(value, dict):
        for key in value:
            for bad in spoiled(value[key]):
                yield {**value, key: bad}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for bad in spoiled(item):
                yield [*value[:index], bad, *value[index + 1 :]]


@pytest.mark.parametrize("name", CALLS)
def test_garbage_is_answered_with_an_error_or_ignored(api: Caller, name: str) -> None:
    method, path, body = CALLS[name]
    for bad in spoiled(body):
        reply = api.call(method, path, bad)
        assert reply.status in {200, 400, 403}, (bad, reply.body)
        assert isinstance(reply.json, dict)


@pytest.mark.parametrize("case", GOOD)
def test_a_template_with_garbage_is_refused_or_can_be_read_and_sent(
    api: Caller, sim: Control, case: str
) -> None:
    sim.settings(auto_approve_templates=True)
    components, changes = GOOD[case]
    definition = {"language": "en_US", "category": "UTILITY", **changes}
    for number, bad in enumerate(spoiled(components)):
        body = {**definition, "name": f"parcel_{number}", "components": bad}
        reply = api.call("POST", f"{WABA}/message_templates", body)
        assert reply.status in {200, 400}, (bad, reply.body)
        if reply.status == 200:
            assert api.call("GET", reply.json["id"]).status == 200, bad
            assert api.template(body["name"], []).status in {200, 400}, bad


@pytest.mark.parametrize(
    "query", ["fields=%00", "fields={", "limit=x", "limit=%C2%B2", "after=%F0", "after=4pyT", "summary=x"]
)
def test_garbage_in_a_query_is_an_error(api: Caller, query: str) -> None:
    assert api.call("GET", f"{WABA}/message_templates?{query}").status == 400
