"""Sends one request over HTTP: `send` blocks, `asend` awaits. The only module that knows the HTTP libraries.

Nothing here repeats, redirects, keeps cookies, reads proxies from the environment or logs. A failure is one of
two: NotSentError (name lookup, refused, TLS, no free connection: before the first byte of the request) or
MaybeSentError (anything later). An answer of any status is an answer.

Blocking: httpcore2, the engine of httpx2. Its timeouts, like httpx2's, are per socket operation, so that an
answer which trickles in would never time out: the streams here shorten each operation to what is left of the
request's total time. Only the name lookup has no limit but the resolver's; it comes before the first byte.

Connections belong to the process that made them: after a fork the child closes its copies, which the parent
does not notice, and makes its own. Those of `asend` also belong to their event loop and are closed when it
shuts down its async generators, as `asyncio.run` does; a loop that is closed without that leaves them to the
garbage collector.
"""

import asyncio
import atexit
import math
import os
import ssl
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from weakref import WeakSet

import aiohttp
import httpcore2
from yarl import URL

from django_meta_whatsapp.cloud_api.errors import MaybeSentError, NotSentError
from django_meta_whatsapp.cloud_api.wire import MAX_ANSWER, Answer, Request, Sink, Timeouts, Upload

KEEPALIVE = 4.0
"""Seconds that an unused connection is kept. Common servers drop theirs after 5 at the soonest, and a request
that meets a connection in the moment it is dropped ends as "maybe sent"."""
MAX_CONNECTIONS = 1000
"""Per process (blocking) and per event loop. Further requests wait, for `Timeouts.connect` at most."""
MAX_HEADER = 64 * 1024
LOOK_AFTER = 0.05
"""Seconds without a request after which an event loop first looks which connections are still there."""

_NOT_SENT = (
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpcore2.UnsupportedProtocol,
)
_MAYBE_SENT = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, OSError)
_ASYNC_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
)
_ASYNC_BAD_ADDRESS = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)
_ASYNC_MAYBE_SENT = (aiohttp.ClientError, TimeoutError, OSError)


def send(request: Request) -> Answer:
    """The complete answer. Raises NotSentError, MaybeSentError, or what the request's sink raises."""
    connect, total = request.timeouts.connect, request.timeouts.total
    deadline = _deadline.set(time.monotonic() + total)
    try:
        with _process().pool.stream(
            request.method,
            request.url,
            headers=list(request.headers.items()),
            content=request.body.chunks() if isinstance(request.body, Upload) else request.body,
            extensions={"timeout": {"connect": connect, "pool": connect, "read": total, "write": total}},
        ) as response:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
            intake = _Intake(request, response.status, headers)
            for chunk in response.iter_stream():
                intake.take(chunk)
            return intake.answer()
    except _NOT_SENT as error:
        raise NotSentError(_told("The request did not leave", error)) from error
    except _MAYBE_SENT as error:
        raise MaybeSentError(_told("No complete answer came", error)) from error
    finally:
        _deadline.reset(deadline)


async def asend(request: Request) -> Answer:
    """Like `send`. A file that is sent or received is read and written in a thread."""
    session = await _session()
    try:
        async with session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body.achunks() if isinstance(request.body, Upload) else request.body,
            timeout=_client_timeout(request.timeouts),
            allow_redirects=False,
            middlewares=() if request.method == "POST" else None,  # a POST aiohttp does not repeat
        ) as response:
            intake = _Intake(request, response.status, response.headers)
            while chunk := await response.content.readany():
                if intake.sink is None:
                    intake.take(chunk)
                else:
                    await asyncio.to_thread(intake.take, chunk)
            return intake.answer()
    except _ASYNC_BAD_ADDRESS as error:
        # Their text is the whole address, whose query may hold a token; `from None` keeps it out of tracebacks.
        raise NotSentError(f"The request did not leave: {type(error).__name__}") from None
    except _ASYNC_NOT_SENT as error:
        raise NotSentError(_told("The request did not leave", error)) from error
    except _ASYNC_MAYBE_SENT as error:
        raise MaybeSentError(_told("No complete answer came", error)) from error


@lru_cache
def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(timeouts.total, timeouts.connect, ceil_threshold=math.inf)


class _Intake:
    """Takes an answer in: a file into the request's sink, anything else into memory, up to MAX_ANSWER."""

    def __init__(self, request: Request, status: int, headers: Mapping[str, str]) -> None:
        self.sink: Sink | None = request.sink if status == 200 else None
        self._status = status
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._body = bytearray()
        if self.sink is not None:
            self.sink.expect(self._headers.get("content-length"))

    def take(self, chunk: bytes) -> None:
        if self.sink is not None:
            self.sink.write(chunk)
        elif len(self._body) + len(chunk) > MAX_ANSWER:
            raise MaybeSentError(f"The answer is larger than {MAX_ANSWER} bytes", http_status=self._status)
        else:
            self._body += chunk

    def answer(self) -> Answer:
        return Answer(self._status, self._headers, bytes(self._body))


def _told(what: str, error: Exception) -> str:
    return f"{what}: {type(error).__name__} {error}".strip()


# Processes


class _Process:
    """The connections of one process."""

    def __init__(self) -> None:
        self.backend = _Backend()
        self.pool = httpcore2.ConnectionPool(
            ssl_context=_tls(),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE,
            network_backend=self.backend,
        )
        self.sessions: dict[asyncio.AbstractEventLoop, _Kept] = {}

    def abandon(self) -> None:
        """In a child: closes the copies of the parent's connections, without a word to the other end.

        The parent's sessions stay referenced instead. Their loops share the parent's wake-up sockets, so that
        even their finalizers must not run here.
        """
        for stream in list(self.backend.streams):
            stream.close()
        _inherited.append(self.sessions)


_processes: dict[int, _Process] = {}
_inherited: list[object] = []


def _process() -> _Process:
    """This process's connections. No lock: one that another thread holds while we fork would stay locked."""
    pid = os.getpid()
    process = _processes.get(pid)
    if process is None:
        process = _processes.setdefault(pid, _Process())
        for parent in [other for other in list(_processes) if other != pid]:
            if stale := _processes.pop(parent, None):
                stale.abandon()
    return process


@atexit.register
def _close() -> None:
    if process := _processes.pop(os.getpid(), None):
        process.pool.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


# Blocking: streams that know when the whole request must be over

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def _left(limit: float | None, expired: type[Exception]) -> float:
    """Seconds that this operation may take."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise expired("The request's total time is over")
    return left if limit is None else min(limit, left)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, streams: "WeakSet[_Stream]") -> None:
        self._stream = stream
        self._streams = streams
        streams.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._streams)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    def __init__(self) -> None:
        self.streams: WeakSet[_Stream] = WeakSet()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        stream = super().connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self.streams)


# Awaiting: one session per event loop


@dataclass(slots=True)
class _Kept:
    """A loop's session, the generator that closes it, and the loop's time when it was last asked for."""

    session: aiohttp.ClientSession
    keeper: AsyncGenerator[aiohttp.ClientSession, None]
    used: float


class _ConnectionLostError(aiohttp.ClientError):
    """The connection broke after it was made."""


async def _no_second_try(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Hides a broken connection's error under a name of ours: aiohttp itself repeats a GET or a DELETE on those."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLostError(str(error)) from error


async def _session() -> aiohttp.ClientSession:
    """The running loop's session."""
    sessions = _process().sessions
    loop = asyncio.get_running_loop()
    kept = sessions.get(loop)
    if kept is None:
        await _forget_closed_loops(sessions)
        keeper = _keep(sessions, loop)
        kept = sessions[loop] = _Kept(await anext(keeper), keeper, loop.time())
    elif loop.time() - kept.used > LOOK_AFTER:
        # A connection that the server closed while the loop stood still looks open until the loop has looked.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    kept.used = loop.time()
    return kept.session


async def _keep(
    sessions: dict[asyncio.AbstractEventLoop, _Kept], loop: asyncio.AbstractEventLoop
) -> AsyncGenerator[aiohttp.ClientSession, None]:
    """Yields a session and closes it when the loop shuts down: a loop closes its open async generators."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=_tls(), limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_no_second_try,),
        skip_auto_headers=("Content-Type",),
        auto_decompress=False,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )
    try:
        yield session
    finally:
        sessions.pop(loop, None)
        await session.close()


async def _forget_closed_loops(sessions: dict[asyncio.AbstractEventLoop, _Kept]) -> None:
    """Lets go of sessions whose loop was closed without shutting down its async generators."""
    for loop in [loop for loop in list(sessions) if loop.is_closed()]:
        session = sessions.pop(loop).session
        if session.connector is not None:
            await session.connector.close()
        session.detach()
