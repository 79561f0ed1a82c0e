"""``/{waba_id}/subscribed_apps``: does the account send webhooks, and where to (Meta: webhooks page)."""

from whatsapp_simulator.handshake import verify_callback
from whatsapp_simulator.http import JSON, Answer, Later, Request, answer, success
from whatsapp_simulator.inputs import string
from whatsapp_simulator.routes import route
from whatsapp_simulator.world import World

_URL_MAX = 200
_APP_NAME = "Sample app"


@route("GET", "/{waba_id}/subscribed_apps")
def subscribed(world: World, request: Request, waba_id: str) -> Answer:
    """The app, when it gets this account's webhooks, and the address that overrides the app's own."""
    waba = world.wabas[waba_id]
    if not waba.subscribed:
        return answer({"data": []})
    link = f"https://www.facebook.com/games/?app_id={world.app_id}"
    entry: JSON = {"whatsapp_business_api_data": {"id": world.app_id, "name": _APP_NAME, "link": link}}
    if waba.override_callback_uri:
        entry["override_callback_uri"] = waba.override_callback_uri
    return answer({"data": [entry]})


@route("POST", "/{waba_id}/subscribed_apps")
def subscribe(world: World, request: Request, waba_id: str) -> Answer | Later:
    """Subscribe the app; an override address is verified with a GET first, and goes away when none is given.

    Omits: more apps than one.
    """
    waba = world.wabas[waba_id]
    params = request.params()
    if not params.get("override_callback_uri"):
        waba.subscribed, waba.override_callback_uri, waba.override_verify_token = True, "", ""
        return success()
    url = string(params, "override_callback_uri", 1, _URL_MAX)
    token = string(params, "verify_token", 1, _URL_MAX)

    async def verify() -> Answer:
        await verify_callback(url, token)
        waba.subscribed, waba.override_callback_uri, waba.override_verify_token = True, url, token
        return success()

    return Later(verify)


@route("DELETE", "/{waba_id}/subscribed_apps")
def unsubscribe(world: World, request: Request, waba_id: str) -> Answer:
    """Stop every webhook of this account."""
    waba = world.wabas[waba_id]
    waba.subscribed, waba.override_callback_uri, waba.override_verify_token = False, "", ""
    return success()
