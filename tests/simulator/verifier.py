"""A callback address that answers the verification of its webhooks for the token "open" only."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Verifier:
    """``asked`` holds the mode and token of every verification."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        verifier = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                verifier.asked.append((query["hub.mode"], query["hub.verify_token"]))
                known = query["hub.verify_token"] == "open"
                self.send_response(200 if known else 403)
                self.end_headers()
                self.wfile.write(query["hub.challenge"].encode() if known else b"no")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
                """Keep the test output quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
