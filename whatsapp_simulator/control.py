"""A client of the control plane (``/_sim/``), of the standard library only."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlencode

JSON = dict[str, Any]

_TIMEOUT = 60.0


class ControlError(Exception):
    """The control plane refused an order; the text says why."""


class Control:
    """Orders to a simulator at ``base_url``. Every method is one call and returns the answer's JSON."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        # No proxy: the simulator is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: JSON | None = None, **query: Any) -> JSON:
        """Call ``/_sim/<path>``; an error answer raises :class:`ControlError`."""
        url = f"{self.base_url}/_sim/{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - http by construction
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                return cast("JSON", json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                raise ControlError(f"{method} {path}: {error.read().decode('utf-8', 'replace')}") from None

    def health(self) -> JSON:
        return self.call("GET", "health")

    def reset(self) -> None:
        """Bring back the default world."""
        self.call("POST", "reset", {})

    def ledger(self, after: int = 0, limit: int = 1000) -> JSON:
        """``{"count", "messages", "next"}``: accepted messages that follow number ``after``."""
        return self.call("GET", "ledger", after=after, limit=limit)

    def messages(self) -> Iterator[JSON]:
        """Every accepted message, page by page."""
        after = 0
        while True:
            page = self.ledger(after, 10_000)
            yield from page["messages"]
            if not page["next"]:
                return
            after = page["next"]

    def people(self) -> JSON:
        """Per person: ``{"count", "callback_data", "last_status"}``."""
        return cast("JSON", self.call("GET", "ledger/people")["people"])

    def inbound(self, sender: str, message: JSON, **options: Any) -> str:
        """Let ``sender`` write to the business; returns the wamid. Options: name, phone_number_id, user_id …"""
        return str(self.call("POST", "inbound", {"from": sender, "message": message, **options})["wamid"])

    def fail(self, code: int, count: int | None = 1, **options: Any) -> None:
        """Answer the next ``count`` calls with error ``code`` (``None``: until the faults are cleared)."""
        self.fault("error", code=code, count=count, **options)

    def fault(self, kind: str, **options: Any) -> None:
        """Order a failure: error, drop, latency, html or no_id."""
        self.call("POST", "faults", {"kind": kind, **options})

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def webhooks(self, **config: Any) -> JSON:
        """Change how webhooks are posted; returns the configuration and the counters."""
        return self.call("POST", "webhooks", config) if config else self.call("GET", "webhooks")

    def drain(self, timeout: float = 30.0) -> JSON:
        """Wait until every webhook is delivered: ``{"delivered", "pending", "failed_attempts", "drained"}``."""
        return self.call("POST", "webhooks/drain", {"timeout": timeout})

    def send_webhook(self, field: str, value: JSON, **options: Any) -> None:
        """Post any webhook. Options: waba_id, phone_number_id."""
        self.call("POST", "webhooks/send", {"field": field, "value": value, **options})

    def clock(self, **move: Any) -> JSON:
        """Read the clock, or move it: ``now=``, ``advance=`` (seconds), ``freeze=``."""
        return self.call("POST", "clock", move) if move else self.call("GET", "clock")

    def template(self, name: str, language: str = "en_US", **fields: Any) -> JSON:
        """Create or change a template."""
        return self.call("POST", "templates", {"name": name, "language": language, **fields})

    def preference(self, wa_id: str, value: str, **options: Any) -> None:
        """``stop`` or ``resume`` marketing."""
        self.call("POST", "preferences", {"wa_id": wa_id, "value": value, **options})

    def number(self, phone_number_id: str, **fields: Any) -> JSON:
        """Create or change a business phone number."""
        return self.call("POST", "numbers", {"phone_number_id": phone_number_id, **fields})

    def token(self, token: str, **fields: Any) -> JSON:
        """Create or change an access token."""
        return self.call("POST", "tokens", {"token": token, **fields})

    def person(self, wa_id: str, **fields: Any) -> JSON:
        """Say what is true of a person: on_whatsapp, blocks_business, name."""
        return self.call("POST", "people", {"wa_id": wa_id, **fields})

    def settings(self, **fields: Any) -> JSON:
        """Read or change the settings of the run."""
        return self.call("POST", "settings", fields)
