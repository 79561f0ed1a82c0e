"""Flows and QR codes."""

import json

import pytest

from tests.simulator.caller import NUMBER, WABA, Caller
from tests.simulator.test_media import multipart

SCREENS = json.dumps({"version": "6.0", "screens": [{"id": "FIRST"}]})
CODES = f"{NUMBER}/message_qrdls"


def create(api: Caller, name: str = "survey", **extra: object) -> str:
    reply = api.call("POST", f"{WABA}/flows", {"name": name, "categories": ["SURVEY"], **extra})
    return str(reply.json["id"])


def test_a_flow_goes_from_draft_to_published_to_deprecated(api: Caller) -> None:
    flow = create(api, flow_json=SCREENS)
    assert api.call("GET", flow).json["status"] == "DRAFT"
    assert api.call("POST", f"{flow}/deprecate").code == 139003
    assert api.call("POST", f"{flow}/publish").json == {"success": True}
    assert api.call("POST", f"{flow}/publish").code == 139002
    assert api.call("DELETE", flow).code == 139004
    assert api.call("POST", f"{flow}/deprecate").json == {"success": True}
    assert api.call("GET", f"{flow}?fields=status,json_version").json["status"] == "DEPRECATED"


def test_a_draft_can_be_deleted(api: Caller) -> None:
    flow = create(api)
    assert api.call("DELETE", flow).json == {"success": True}
    assert api.call("GET", flow).json["error"]["error_subcode"] == 33
    assert api.call("GET", f"{WABA}/flows").json == {"data": []}


def test_an_uploaded_json_is_checked_but_kept(api: Caller) -> None:
    flow = create(api)
    for content, wrong in ((b"{", 1), (b"{}", 2), (SCREENS.encode(), 0)):
        body, headers = multipart(
            {"name": "flow.json", "asset_type": "FLOW_JSON"}, "application/json", content
        )
        reply = api.call("POST", f"{flow}/assets", body, headers=headers)
        assert (reply.status, len(reply.json["validation_errors"])) == (200, wrong)
        assert api.call("POST", f"{flow}/publish").status == (400 if wrong else 200)
    assert api.call("POST", f"{flow}/assets", body, headers=headers).code == 139001
    url = api.call("GET", f"{flow}/assets").json["data"][0]["download_url"]
    assert api.call(
        "GET", url.partition("://")[2].partition("/")[2], version="", token=""
    ).json == json.loads(SCREENS)


def test_a_flow_can_be_published_when_it_is_created(api: Caller) -> None:
    flow = create(api, flow_json=SCREENS, publish=True)
    node = api.call("GET", f"{flow}?fields=status,health_status,preview.invalidate(false)").json
    assert (node["status"], node["health_status"]["can_send_message"]) == ("PUBLISHED", "AVAILABLE")
    assert node["preview"]["preview_url"]


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"name": "x", "categories": []}, {"name": "x", "categories": ["CIRCUS"]}]
)
def test_incomplete_flows_are_refused(api: Caller, body: dict[str, object]) -> None:
    assert api.call("POST", f"{WABA}/flows", body).code in {100, 131008}


def test_names_of_flows_are_unique_and_can_be_changed(api: Caller) -> None:
    flow = create(api)
    assert api.call("POST", f"{WABA}/flows", {"name": "survey", "categories": ["OTHER"]}).code == 100
    assert api.call("POST", flow, {"name": "poll", "categories": ["OTHER"]}).json == {"success": True}
    assert api.call("GET", f"{WABA}/flows?fields=name").json["data"] == [{"name": "poll", "id": flow}]


def test_the_public_key_of_a_number_is_kept(api: Caller) -> None:
    path = f"{NUMBER}/whatsapp_business_encryption"
    assert api.call("GET", path).json == {"data": []}
    assert api.call("POST", path, {"business_public_key": "nonsense"}).code == 100
    key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
    assert api.call("POST", path, {"business_public_key": key}).json == {"success": True}
    assert api.call("GET", path).json["data"][0]["business_public_key"] == key


def test_a_short_link_is_created_changed_and_deleted(api: Caller) -> None:
    made = api.call("POST", CODES, {"prefilled_message": "Hello", "generate_qr_image": "SVG"}).json
    code = made["code"]
    assert (len(code), made["deep_link_url"]) == (14, f"https://wa.me/message/{code}")
    assert made["qr_image_url"].endswith(".svg")
    assert (
        api.call("POST", CODES, {"code": code, "prefilled_message": "Hi"}).json["prefilled_message"] == "Hi"
    )
    assert api.call("GET", f"{CODES}/{code}").json["data"][0]["prefilled_message"] == "Hi"
    assert [entry["code"] for entry in api.call("GET", CODES).json["data"]] == [code]
    assert api.call("DELETE", f"{CODES}/{code}").json == {"success": True}
    assert api.call("DELETE", f"{CODES}/{code}").code == 100
    assert api.call("GET", CODES).json == {"data": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prefilled_message": "x" * 141},
        {"prefilled_message": "x", "generate_qr_image": "GIF"},
        {"code": "X"},
    ],
)
def test_wrong_short_links_are_refused(api: Caller, body: dict[str, str]) -> None:
    assert api.call("POST", CODES, body).code in {100, 131008}
