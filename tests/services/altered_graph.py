"""The simulator behind a proxy that changes some of its answers, for what the simulator's world never has."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Altered:
    """`answers`: last part of a path to what is put over the simulator's JSON (`data` objects are merged as well)."""

    def __init__(self, base_url: str) -> None:
        self.upstream = base_url
        self.answers: dict[str, dict[str, Any]] = {}

    def over(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        change = self.answers.get(path.partition("?")[0].rpartition("/")[2], {})
        if isinstance(change.get("data"), dict):
            return {**body, "data": {**body["data"], **change["data"]}}
        return {**body, **change}


@contextmanager
def altered(base_url: str) -> Iterator[tuple[str, Altered]]:
    """The proxy's address, and what it changes."""
    graph = Altered(base_url)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.pass_on(None)

        def do_POST(self) -> None:
            self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def pass_on(self, body: bytes | None) -> None:
            headers = {
                name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers
            }
            request = urllib.request.Request(graph.upstream + self.path, body, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    status, answer = response.status, json.load(response)
            except urllib.error.HTTPError as error:
                with error:
                    status, answer = error.code, json.load(error)
            raw = json.dumps(graph.over(self.path, answer)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            """No lines on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", graph
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
