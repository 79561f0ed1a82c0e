"""Accounts, their subscription to webhooks, and tokens."""

from tests.simulator.caller import NUMBER, PERSON, TOKEN, WABA, Caller
from tests.simulator.receiver import Receiver
from tests.simulator.verifier import Verifier
from whatsapp_simulator.control import Control

APP = "100000000000001"
SECRET = "simulator-app-secret"
PORTFOLIO = "333000333000333"
APPS = f"{WABA}/subscribed_apps"


def test_an_account_is_read_with_fields_and_health(api: Caller) -> None:
    node = api.call("GET", f"{WABA}?fields=name,currency,health_status{{can_send_message}}").json
    assert node == {
        "name": "Sample Shop",
        "currency": "USD",
        "health_status": {"can_send_message": "AVAILABLE"},
        "id": WABA,
    }


def test_insights_are_switched_on_for_good(api: Caller) -> None:
    assert api.call("POST", f"{WABA}?is_enabled_for_insights=true").json == {"id": WABA}
    assert api.call("GET", f"{WABA}?fields=is_enabled_for_insights").json["is_enabled_for_insights"] is True
    assert api.call("POST", f"{WABA}?is_enabled_for_insights=false").code == 100
    assert api.call("POST", WABA, {"colour": "red"}).code == 100


def test_a_portfolio_lists_the_accounts_that_the_token_sees(api: Caller, sim: Control) -> None:
    sim.number("222000222000444", waba_id="111000111000222")
    sim.token("one", waba_ids=[WABA])
    path = f"{PORTFOLIO}/owned_whatsapp_business_accounts?fields=id"
    assert len(api.call("GET", path).json["data"]) == 2
    assert api.call("GET", path, token="one").json["data"] == [{"id": WABA}]
    assert api.call("GET", PORTFOLIO).json["id"] == PORTFOLIO


def test_an_unsubscribed_account_sends_no_webhooks(api: Caller, sim: Control, receiver: Receiver) -> None:
    assert api.call("GET", APPS).json["data"][0]["whatsapp_business_api_data"]["id"] == APP
    assert api.call("DELETE", APPS).json == {"success": True}
    assert api.call("GET", APPS).json == {"data": []}
    api.text(to=PERSON)
    sim.drain()
    assert receiver.posts == []
    assert api.call("POST", APPS).json == {"success": True}
    api.text(to=PERSON)
    sim.drain()
    assert receiver.statuses()


def test_an_account_may_send_its_messages_elsewhere(
    api: Caller, sim: Control, receiver: Receiver, verifier: Verifier
) -> None:
    body = {"override_callback_uri": verifier.url, "verify_token": "open"}
    assert api.call("POST", APPS, body).json == {"success": True}
    assert api.call("GET", APPS).json["data"][0]["override_callback_uri"] == verifier.url
    fields = api.call("GET", f"{NUMBER}?fields=webhook_configuration").json["webhook_configuration"]
    assert fields == {"whatsapp_business_account": verifier.url, "application": receiver.url}
    assert api.call("POST", APPS).status == 200
    assert "override_callback_uri" not in api.call("GET", APPS).json["data"][0]


def test_an_override_that_cannot_be_verified_changes_nothing(api: Caller, verifier: Verifier) -> None:
    assert api.call("POST", APPS, {"override_callback_uri": verifier.url}).code == 131008
    assert api.call("POST", APPS, {"override_callback_uri": verifier.url, "verify_token": "x"}).code == 2200
    closed = {"override_callback_uri": "http://127.0.0.1:9/", "verify_token": "open"}
    assert api.call("POST", APPS, closed).code == 2200
    assert api.call("POST", APPS, {"override_callback_uri": "x" * 201, "verify_token": "open"}).code == 100
    assert "override_callback_uri" not in api.call("GET", APPS).json["data"][0]


def test_the_app_has_a_token_of_its_own_for_its_webhooks(api: Caller, verifier: Verifier) -> None:
    path = f"oauth/access_token?client_id={APP}&client_secret={SECRET}&grant_type=client_credentials"
    token = api.call("GET", path, token="").json["access_token"]
    body = {
        "object": "whatsapp_business_account",
        "callback_url": verifier.url,
        "verify_token": "open",
        "fields": "messages",
    }
    assert api.call("POST", f"{APP}/subscriptions", body).code == 15
    assert api.call("POST", f"{APP}/subscriptions", body, token=token).json == {"success": True}
    (entry,) = api.call("GET", f"{APP}/subscriptions", token=token).json["data"]
    assert entry["callback_url"] == verifier.url
    assert api.text(token=token).code == 10


def test_the_apps_token_needs_its_secret(api: Caller) -> None:
    path = f"oauth/access_token?client_id={APP}&grant_type=client_credentials"
    assert api.call("GET", path, token="").code == 131008
    assert api.call("GET", f"{path}&client_secret=guess", token="").code == 1


def test_a_token_can_be_looked_up(api: Caller, sim: Control) -> None:
    sim.token("narrow", waba_ids=[WABA], permissions=["whatsapp_business_messaging"])
    data = api.call("GET", "debug_token?input_token=narrow").json["data"]
    assert (data["app_id"], data["is_valid"], data["expires_at"]) == (APP, True, 0)
    assert data["granular_scopes"] == [{"scope": "whatsapp_business_messaging", "target_ids": [WABA]}]
    assert api.call("GET", f"debug_token?input_token={TOKEN}").json["data"]["granular_scopes"][0].keys() == {
        "scope"
    }


def test_revoked_expired_and_unknown_tokens_are_not_valid(api: Caller, sim: Control) -> None:
    sim.token("gone", revoked=True)
    sim.token("old", expires_at=sim.clock()["now"] - 1)
    for token, subcode in (("gone", 460), ("old", 463)):
        data = api.call("GET", f"debug_token?input_token={token}").json["data"]
        assert (data["is_valid"], data["error"]["subcode"]) == (False, subcode)
    assert api.call("GET", "debug_token?input_token=unknown").json["data"]["is_valid"] is False
    assert api.call("GET", "debug_token").code == 131008


def test_a_token_says_who_it_belongs_to(api: Caller) -> None:
    assert api.call("GET", "me").json["name"] == "System user"
    assert api.call("GET", "me", token=f"{APP}|{SECRET}").json["id"] == APP
