"""``/{app_id}/subscriptions``: the callback URL of the app, verified before it is used."""

import dataclasses

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.handshake import verify_callback
from whatsapp_simulator.http import Answer, GraphError, Later, Request, answer, success
from whatsapp_simulator.routes import route
from whatsapp_simulator.world import World

_OBJECT = "whatsapp_business_account"


def _require_app_token(world: World, request: Request) -> None:
    if request.token is None or "|" not in request.token.value:
        raise GraphError(15, "This method must be called with an app access_token")


@route("POST", "/{app_id}/subscriptions", permission="")
def subscribe(world: World, request: Request, app_id: str) -> Later:
    """Set where the app's webhooks go. Needs the app's token (error 15); a URL that fails is error 2200.

    Omits: the choice of ``fields`` (every webhook is posted) and more apps than one.
    """
    _require_app_token(world, request)
    fields = request.params()
    for key in ("callback_url", "verify_token"):
        if not isinstance(fields.get(key), str) or not fields[key]:
            raise missing(key)
    if fields.get("object") != _OBJECT:
        raise malformed(f"Param object must be {_OBJECT}.")

    async def verify() -> Answer:
        await verify_callback(fields["callback_url"], fields["verify_token"])
        world.outbox.reconfigure(dataclasses.replace(world.outbox.config, url=fields["callback_url"]))
        return success()

    return Later(verify)


@route("GET", "/{app_id}/subscriptions", permission="")
def subscriptions(world: World, request: Request, app_id: str) -> Answer:
    """Where the app's webhooks go."""
    _require_app_token(world, request)
    url = world.outbox.config.url
    entry = {
        "object": _OBJECT,
        "callback_url": url,
        "active": True,
        "fields": [{"name": "messages", "version": "v22.0"}],
    }
    return answer({"data": [entry] if url else []})
