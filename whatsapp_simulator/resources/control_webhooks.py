"""Control plane: how webhooks are posted, waiting for them, and posting any of them."""

import dataclasses

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.http import JSON, Answer, Later, Request, answer, success
from whatsapp_simulator.resources.control import changed_settings, number
from whatsapp_simulator.routes import route
from whatsapp_simulator.webhooks import drain
from whatsapp_simulator.world import WABA_ID, World

_DRAIN_SECONDS = 30.0


def _report(world: World) -> JSON:
    counters = dataclasses.asdict(world.outbox.counters)
    return {**dataclasses.asdict(world.outbox.config), **counters, "pending": world.outbox.pending}


@route("GET", "/_sim/webhooks", public=True)
def webhooks(world: World, request: Request) -> Answer:
    """The configuration and the counters."""
    return answer(_report(world))


@route("POST", "/_sim/webhooks", public=True)
def configure(world: World, request: Request) -> Answer:
    """Change the configuration; what is not named stays."""
    changes = dict(request.json())
    delay = changes.pop("delay", list(world.outbox.config.delay))
    if not isinstance(delay, list) or len(delay) != 2:
        raise malformed("delay must be [shortest, longest] in seconds.")
    bounds = {"low": delay[0], "high": delay[1]}
    changed = changed_settings(world.outbox.config, changes)
    changed.delay = (number(bounds, "low"), number(bounds, "high"))
    world.outbox.reconfigure(changed)
    return answer(_report(world))


@route("POST", "/_sim/webhooks/drain", public=True)
def wait_for_webhooks(world: World, request: Request) -> Later:
    """Wait until everything is delivered, or ``timeout`` seconds."""
    body = request.json()
    seconds = number(body, "timeout") if "timeout" in body else _DRAIN_SECONDS

    async def wait() -> Answer:
        drained = await drain(world, seconds)
        return answer({**_report(world), "drained": drained})

    return Later(wait)


@route("POST", "/_sim/webhooks/send", public=True)
def send_webhook(world: World, request: Request) -> Answer:
    """Post any ``field`` and ``value``, signed like all others."""
    body = request.json()
    for key in ("field", "value"):
        if key not in body:
            raise missing(key)
    waba_id = str(body.get("waba_id", WABA_ID))
    world.outbox.post(waba_id, str(body["field"]), body["value"], str(body.get("phone_number_id", "")))
    return success()
