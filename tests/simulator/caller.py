"""A bare HTTP caller of the simulator: no code of the product, no code of the simulator."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

TOKEN = "simulator-token"
WABA = "111000111000111"
NUMBER = "222000222000222"
PERSON = "+919876543210"
WA_ID = "919876543210"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> int:
        """The code of an error answer."""
        return int(self.json["error"]["code"])

    @property
    def details(self) -> str:
        return str(self.json["error"]["error_data"]["details"])


class Caller:
    """Calls under ``base_url`` with the default token and version."""

    def __init__(self, base_url: str) -> None:
        self.netloc = base_url.removeprefix("http://")

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = TOKEN,
        version: str = "v22.0",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """``body`` is sent as JSON unless it is bytes."""
        connection = http.client.HTTPConnection(self.netloc, timeout=20)
        try:
            sent = {"Authorization": f"Bearer {token}"} if token else {}
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                sent["Content-Type"] = "application/json"
            prefix = f"/{version}" if version else ""
            connection.request(method, f"{prefix}/{path}", body, {**sent, **(headers or {})})
            response = connection.getresponse()
            reply_headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, reply_headers, response.read())
        finally:
            connection.close()

    def send(
        self, kind: str, content: Any, *, to: str | None = PERSON, number: str = NUMBER, **extra: Any
    ) -> Reply:
        """Send a message of type ``kind``. Other keywords go into the body."""
        call_options = {key: extra.pop(key) for key in ("token", "version") if key in extra}
        body = {"messaging_product": "whatsapp", "type": kind, kind: content, **extra}
        if to is not None:
            body["to"] = to
        return self.call("POST", f"{number}/messages", body, **call_options)

    def text(self, words: str = "hello", **extra: Any) -> Reply:
        return self.send("text", {"body": words}, **extra)

    def interactive(self, content: Any, **extra: Any) -> Reply:
        return self.send("interactive", content, **extra)

    def template(self, name: str, components: Any = None, language: str = "en_US", **extra: Any) -> Reply:
        content = {"name": name, "language": {"code": language}}
        if components is not None:
            content["components"] = components
        return self.send("template", content, **extra)
