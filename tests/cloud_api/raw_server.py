"""A server made of plain sockets: it can do what no proper server does, and counts what really arrived."""

import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

GOOD = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.raw"}]}


@dataclass
class Received:
    """A request whose head has arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    size: int = 0
    sha256: str = ""


class Peer:
    """One connection, seen from the server."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.rest = b""

    def read_head(self) -> Received | None:
        """The next request's head; None when the client is gone."""
        while b"\r\n\r\n" not in self.rest:
            chunk = self.connection.recv(65536)
            if not chunk:
                return None
            self.rest += chunk
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        return Received(method, path, headers)

    def read_body(self, received: Received, keep: int = 1_000_000) -> None:
        """Reads the body to its end; keeps the first bytes only, and a hash of all."""
        left = int(received.headers.get("content-length", "0"))
        digest = hashlib.sha256()
        chunk, self.rest = self.rest[:left], self.rest[left:]
        while True:
            digest.update(chunk)
            received.size += len(chunk)
            received.body += chunk[: max(0, keep - len(received.body))]
            left -= len(chunk)
            if not left:
                break
            chunk = self.connection.recv(min(left, 65536))
            if not chunk:
                break
        received.sha256 = digest.hexdigest()

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, body: bytes | dict[str, Any] = b"", status: int = 200, **headers: str) -> None:
        """A complete answer that keeps the connection alive."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    def reset(self) -> None:
        """Closes with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def wait_until_gone(self) -> None:
        """Says nothing until the client gives up."""
        with suppress(OSError):
            while self.connection.recv(65536):
                pass


Script = Callable[[Peer, Received], bool | None]
"""Handles one request; a true result closes the connection."""


def good(peer: Peer, received: Received) -> None:
    """Accepts the message."""
    peer.read_body(received)
    peer.answer(GOOD)


@dataclass
class RawServer:
    """`with RawServer(script) as server:` listens on `server.url`; `server.requests` is what arrived."""

    script: Script = good
    tls: ssl.SSLContext | None = None
    greet: bool = True
    requests: list[Received] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def count(self, method: str = "POST") -> int:
        """How many requests of this method have arrived."""
        return sum(received.method == method for received in self.requests)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if not self.greet:
                Peer(connection).wait_until_gone()
                return
            stream = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with stream:
                peer = Peer(stream)
                while received := peer.read_head():
                    self.requests.append(received)
                    if self.script(peer, received):
                        return
