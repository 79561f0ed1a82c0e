"""Calling an ASGI application as a server does."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

Message = dict[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]


async def nothing_behind(scope: Any, receive: Any, send: Any) -> None:
    """The application behind a lane that answers everything itself."""
    raise AssertionError(f"{scope['path']} was passed on")


def scope(method: str, path: str, headers: Iterable[tuple[str, str]] = (), **parts: Any) -> Message:
    """The scope of an HTTP request."""
    raw = [(name.lower().encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers]
    http = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http"}
    return {
        **http,
        "method": method,
        "path": path,
        "query_string": b"",
        "root_path": "",
        "headers": raw,
    } | parts


async def call(
    app: Application,
    method: str,
    path: str,
    body: bytes | list[bytes] = b"",
    *,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    **parts: Any,
) -> HttpResponse:
    """The answer. body: in one piece, or in several."""
    pieces = body if isinstance(body, list) else [body]
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages[-1]["more_body"] = False
    sent: list[Message] = []
    left = iter([*messages, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(left)

    async def send(message: Message) -> None:
        sent.append(message)

    given = {
        "Content-Length": str(sum(map(len, pieces))),
        "Content-Type": "application/json",
        **(headers or {}),
    }
    parts = {"query_string": urlencode(query or {}).encode(), **parts}
    await app(scope(method, path, given.items(), **parts), receive, send)
    start, *rest = sent
    answer = HttpResponse(b"".join(message["body"] for message in rest), status=start["status"])
    for name, value in start["headers"]:
        answer[name.decode()] = value.decode()
    return answer
