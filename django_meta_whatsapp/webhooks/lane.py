"""The fast lane for webhooks: what stands behind `asgi.webhook_lane`.

It decides like the view does, but on the event loop, and keeps webhooks in groups.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

from django.core.exceptions import SuspiciousOperation
from django.db import connections
from django.http import QueryDict
from django.urls import get_script_prefix, reverse
from django.utils import timezone

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.services import group_commit, journal, loop_commit, signatures
from django_meta_whatsapp.services.group_commit import Waiting
from django_meta_whatsapp.services.loop_commit import LoopKeeper
from django_meta_whatsapp.webhooks import answers, handshake
from django_meta_whatsapp.webhooks.asgi import Application

logger = logging.getLogger(__name__)

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANSWER_SECONDS = 10.0
"""How long a webhook waits for its commit; then Meta hears that it must send it again."""
RETRY_AFTER = b"5"
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in answers.HEADERS.items()]
_EXTRA = {
    405: [(b"allow", ", ".join(answers.METHODS).encode())],
    503: [(b"retry-after", RETRY_AFTER)],
}
_NOT_ALLOWED = ("", 405)


class WebhookLane:
    """Answers the webhook address, passes everything else on to `app`.

    path: as `asgi.webhook_lane` has it.
    """

    def __init__(self, app: Application, path: str | None = None) -> None:
        self._app = app
        self._path = path or "/" + reverse("django_meta_whatsapp:webhook").removeprefix(get_script_prefix())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http" or not self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        if answer is not None:
            await _send(send, *answer)

    def _is_ours(self, scope: Message) -> bool:
        path = scope["path"]
        if path == self._path:
            return True
        root = scope.get("root_path")
        return bool(root) and path.removeprefix(root) == self._path

    async def _answer(self, scope: Message, receive: Receive) -> tuple[str, int] | None:
        """Text and status; None when the client has gone before it had sent everything."""
        if scope["method"] not in answers.METHODS:
            return _NOT_ALLOWED
        try:
            loop = _loops.get(asyncio.get_running_loop()) or await _enter()
            if scope["method"] == "GET":
                return await asyncio.to_thread(_alone, handshake.answer, QueryDict(scope["query_string"]))
            return await _receive(scope, receive, loop)
        except SuspiciousOperation:
            return answers.ODD_QUERY
        except Exception:
            # Most likely the database. Whatever it is, it is ours, and Meta sends again what is not answered with 200.
            logger.exception("A webhook could not be checked")
            return answers.UNAVAILABLE


class _Loop:
    """What belongs to one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        keeper = loop_commit.keeper()
        self.end = _until_the_loop_ends(keeper)
        self._submit = group_commit.submit if keeper is None else keeper.submit
        self._reading: asyncio.Task[None] | None = None
        self._arrived: list[Waiting] = []
        self._at = timezone.now()
        self._until: deque[tuple[float, list[asyncio.Future[bool]]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def keep(self, body: bytes, signature: str, signed_for: str) -> "asyncio.Future[bool]":
        """Whether the webhook is committed; False also when that takes longer than ANSWER_SECONDS."""
        if not self._arrived:
            # Those that come in one turn of the loop have one time, and are handed over together.
            self._at = timezone.now()
            self._loop.call_soon(self._hand_over)
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._arrived.append(Waiting(journal.received(body, signature, self._at, signed_for), answer))
        return answer

    def _hand_over(self) -> None:
        arrived, self._arrived = self._arrived, []
        self._submit(arrived)
        while self._until and all(answer.done() for answer in self._until[0][1]):
            self._until.popleft()
        self._until.append((self._loop.time() + ANSWER_SECONDS, [each.answer for each in arrived]))
        if self._timer is None:
            # One for all: who began to wait first has waited longest.
            self._timer = self._loop.call_later(ANSWER_SECONDS, self._end_long_waits)

    def _end_long_waits(self) -> None:
        self._timer, now, late = None, self._loop.time(), 0
        while self._until:
            until, answers = self._until[0]
            if until > now:
                self._timer = self._loop.call_at(until, self._end_long_waits)
                break
            self._until.popleft()
            waiting = [answer for answer in answers if not answer.done()]
            late += len(waiting)
            for answer in waiting:
                answer.set_result(False)
        if late:
            logger.error("The database did not commit %s webhooks within %s seconds", late, ANSWER_SECONDS)

    async def read_secrets(self) -> None:
        """One reading for all who wait for it, and not on the loop, as it asks the database."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(asyncio.to_thread(_alone, signatures.read_secrets))
        await asyncio.shield(self._reading)


_loops: dict[asyncio.AbstractEventLoop, _Loop] = {}
"""Of the process, and not of a lane, which may go before its loop does."""


async def _enter() -> _Loop:
    """The first webhook in this event loop. Hosts without lifespan have no other beginning and end."""
    for loop in list(_loops):
        if loop.is_closed():
            _loops.pop(loop, None)
    state = _loops[asyncio.get_running_loop()] = _Loop()
    await anext(state.end)
    return state


async def _until_the_loop_ends(keeper: LoopKeeper | None) -> AsyncGenerator[None]:
    """A generator that was begun is closed by `loop.shutdown_asyncgens`, which whoever ends a loop calls."""
    try:
        yield
    finally:
        _loops.pop(asyncio.get_running_loop(), None)
        if keeper is not None:
            await keeper.close()
        group_commit.close()


def _alone(work: Callable[..., T], *arguments: Any) -> T:
    """`work` in a thread that leaves no connection behind."""
    try:
        return work(*arguments)
    finally:
        connections.close_all()


async def _receive(scope: Message, receive: Receive, loop: _Loop) -> tuple[str, int] | None:
    limit = whatsapp_settings.WEBHOOK_MAX_BYTES
    signature, length = _headers(scope)
    if length > limit:
        return answers.TOO_LARGE
    message = await receive()
    body: bytes | None
    if message["type"] == "http.request" and not message.get("more_body", False):
        body = message.get("body", b"")
    else:
        body = await _body(message, receive, limit)
    if body is None:
        return None
    if len(body) > limit:
        return answers.TOO_LARGE
    signed_for = signatures.remembered_verdict(body, signature)
    if signed_for is None:
        await loop.read_secrets()
        signed_for = signatures.verdict(body, signature)
    if not signed_for:
        return answers.NOT_GENUINE
    # 200 when it is committed, and not before; Meta repeats what gets another answer.
    return answers.KEPT if await loop.keep(body, signature, signed_for) else answers.UNAVAILABLE


def _headers(scope: Message) -> tuple[str, int]:
    """The signature, and the length that the client announces (0: none)."""
    signature, length = None, b""
    for name, value in scope["headers"]:
        if name == b"x-hub-signature-256":
            # Two are none: joined, they match nothing.
            signature = value if signature is None else signature + b"," + value
        elif name == b"content-length":
            length = value
    return (signature or b"").decode("latin-1"), int(length[:20]) if length.isdigit() else 0


async def _body(message: Message, receive: Receive, limit: int) -> bytes | None:
    """The body that begins with `message`, or its beginning when it is longer than `limit`; None when the client has gone."""
    chunks, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > limit or not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


async def _send(send: Send, text: str, status: int) -> None:
    body = text.encode()
    headers = [*_HEADERS, *_EXTRA.get(status, ()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
