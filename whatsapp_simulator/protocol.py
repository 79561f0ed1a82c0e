"""The HTTP server: uvicorn, whose connections the application may close without an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import SO_REUSEADDR, SOL_SOCKET, socket

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from whatsapp_simulator.app import ABORT, Simulator

_BACKLOG = 2048
_SHUTDOWN_SECONDS = 2


class AbortableProtocol(HttpToolsProtocol):
    """Offers the application to cut the connection, as a scope extension."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"close": self.transport.abort}}


class Server(uvicorn.Server):
    """A server that leaves signals to its caller."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket:
    """A listening socket; port 0 lets the system choose."""
    listener = socket()
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def make_server(app: Simulator) -> Server:
    """A server for ``app``, to be run with ``serve(sockets=[listen(...)])``."""
    config = uvicorn.Config(
        app,
        http=AbortableProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return Server(config)
