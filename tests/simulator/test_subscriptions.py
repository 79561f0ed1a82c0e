"""The app's callback URL: verified by a challenge before it is used."""

from tests.simulator.caller import TOKEN, Caller
from tests.simulator.receiver import VERIFY_TOKEN, Receiver
from whatsapp_simulator.control import Control

APP = "100000000000001"
APP_TOKEN = f"{APP}|simulator-app-secret"


def order(url: str, token: str = VERIFY_TOKEN) -> dict[str, str]:
    return {
        "object": "whatsapp_business_account",
        "callback_url": url,
        "verify_token": token,
        "fields": "messages",
    }


def test_a_url_that_repeats_the_challenge_gets_the_webhooks(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.webhooks(url="")
    assert api.call("GET", f"{APP}/subscriptions", token=APP_TOKEN).json == {"data": []}
    reply = api.call("POST", f"{APP}/subscriptions", order(receiver.url), token=APP_TOKEN)
    assert reply.json == {"success": True}
    (entry,) = api.call("GET", f"{APP}/subscriptions", token=APP_TOKEN).json["data"]
    assert entry["callback_url"] == receiver.url
    api.template("hello_world")
    sim.drain()
    assert len(receiver.statuses()) == 3


def test_a_url_that_does_not_is_refused_and_not_used(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(url="")
    for body in (order(receiver.url, "wrong token"), order("http://127.0.0.1:9/"), order("no url")):
        assert api.call("POST", f"{APP}/subscriptions", body, token=APP_TOKEN).code == 2200
    assert sim.webhooks()["url"] == ""


def test_it_takes_the_apps_own_token_and_all_parameters(api: Caller, receiver: Receiver) -> None:
    assert api.call("POST", f"{APP}/subscriptions", order(receiver.url), token=TOKEN).code == 15
    assert api.call("POST", f"{APP}/subscriptions", order(""), token=APP_TOKEN).code == 131008
    wrong = {**order(receiver.url), "object": "page"}
    assert api.call("POST", f"{APP}/subscriptions", wrong, token=APP_TOKEN).code == 100
