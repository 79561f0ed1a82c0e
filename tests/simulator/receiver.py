"""A webhook target on a free port that checks signatures with its own means."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECRET = "simulator-app-secret"
VERIFY_TOKEN = "simulator-verify-token"


@dataclass
class Post:
    """One POST that arrived, and the status it was answered with."""

    body: bytes
    headers: dict[str, str]
    answered: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def genuine(self) -> bool:
        expected = "sha256=" + hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers.get("x-hub-signature-256", ""), expected)


class Receiver:
    """``answers`` holds the statuses of the next POSTs; after that everything is answered 200."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: deque[int] = deque()
        self.gate = Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """The verification: repeat the challenge to whoever knows the token."""
                query = parse_qs(urlsplit(self.path).query)
                known = query.get("hub.verify_token") == [VERIFY_TOKEN] and query.get("hub.mode") == [
                    "subscribe"
                ]
                self._answer(200 if known else 403, query["hub.challenge"][0].encode() if known else b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.gate.wait(20)
                status = receiver.answers.popleft() if receiver.answers else 200
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.posts.append(Post(body, headers, status))
                self._answer(status, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
                """Keep the test output quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/"

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def taken(self) -> list[Post]:
        """The POSTs that were answered with 200."""
        return [post for post in self.posts if post.answered == 200]

    def changes(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """(entry, change) of every POST that was taken."""
        for post in self.taken:
            for entry in post.json["entry"]:
                for change in entry["changes"]:
                    yield entry, change

    def values(self, field: str = "messages") -> list[dict[str, Any]]:
        return [change["value"] for _, change in self.changes() if change["field"] == field]

    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.values() for status in value.get("statuses", ())]

    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values() for message in value.get("messages", ())]
