"""The ASGI application: reads a request, finds its handler, writes the answer."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from whatsapp_simulator import resources
from whatsapp_simulator.auth import authenticate
from whatsapp_simulator.http import Answer, GraphError, Later, RawHeaders, Request, answer, unknown_object
from whatsapp_simulator.injection import after, before, latency
from whatsapp_simulator.routes import Route, check_access, match
from whatsapp_simulator.settings import Settings
from whatsapp_simulator.state import MESSAGING
from whatsapp_simulator.webhooks import Deliverer
from whatsapp_simulator.world import World

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONTROL_PLANE = "/_sim/"
ABORT = "whatsapp_simulator.abort"
"""Name of the scope extension that closes the connection without an answer (set by our server's protocol)."""
_BODY_MAX = 101 * 1024 * 1024

resources.load()


class Simulator:
    """The application. One instance holds one world; webhooks are delivered while its lifespan lasts."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.world = World(settings or Settings())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        deliverer = Deliverer(self.world)
        await receive()
        await deliverer.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await deliverer.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if body is None:
            result = Answer(b"", 413)
        else:
            request = Request(scope["method"], scope["path"], scope["query_string"], scope["headers"], body)
            result = await self._answer(request)
        if result.drop and ABORT in scope.get("extensions", {}):
            scope["extensions"][ABORT]["close"]()
            await receive()  # the disconnect: the server needs no answer any more
            return
        headers = [
            (b"content-type", result.content_type),
            (b"content-length", b"%d" % len(result.body)),
            *result.headers,
        ]
        await send({"type": "http.response.start", "status": result.status, "headers": headers})
        await send({"type": "http.response.body", "body": result.body})

    async def _answer(self, request: Request) -> Answer:
        if request.path.startswith(CONTROL_PLANE) or not self.world.faults:
            return await self._finished(self.handle(request))
        seconds, ledger = latency(self.world, request), self.world.ledger
        if seconds:
            await asyncio.sleep(seconds)
        if self.world.ledger is not ledger:
            # The world was reset meanwhile. Whoever asked, asked the one before, and may have gone.
            return Answer(b"", 503, drop=True)
        fault = before(self.world, request)
        if fault is not None:
            return fault
        accepted = len(self.world.ledger)
        return after(self.world, request, await self._finished(self.handle(request)), accepted)

    async def _finished(self, result: Answer | Later) -> Answer:
        if isinstance(result, Answer):
            return result
        try:
            return await result.wait()
        except GraphError as error:
            return answer(error.envelope(_trace_id()), error.http_status)

    def handle(self, request: Request) -> Answer | Later:
        """Authenticate, route and answer one request; errors become Meta's envelope."""
        trace_id = _trace_id()
        usage: RawHeaders = []
        try:
            found = match(self.world, request)
            if found is None or not found[0].public:
                request.token = authenticate(self.world, request)
            if found is None:
                raise unknown_object(request.segments[0], request.method)
            entry, values = found
            if not entry.public:
                check_access(self.world, entry, request, values)
                usage = self._usage(entry, request)
            result = entry.handler(self.world, request, **values)
        except GraphError as error:
            result = answer(error.envelope(trace_id), error.http_status)
        if isinstance(result, Answer):
            result.headers = [*result.headers, *usage, (b"x-fb-trace-id", trace_id.encode())]
        return result

    def _usage(self, entry: Route, request: Request) -> RawHeaders:
        world = self.world
        node = world.nodes.get(request.segments[0])
        waba_id = node.waba_id if node is not None else ""
        if entry.permission != MESSAGING:
            world.usage.count(waba_id, world.clock.now(), world.settings.throttle_status)
        return world.usage.headers(waba_id)


def _trace_id() -> str:
    return "A" + os.urandom(8).hex()


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, or ``None`` when it is longer than anything that Meta takes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        size += len(message.get("body", b""))
        if size <= _BODY_MAX:
            chunks.append(message.get("body", b""))
        else:
            chunks.clear()
    return b"".join(chunks) if size <= _BODY_MAX else None
