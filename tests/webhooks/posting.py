"""Posting webhook bodies as Meta does."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.webhooks.asgi_caller import call, nothing_behind

SECRET = "simulator-app-secret"
WABA = "111000111000111"
NUMBER = "222000222000222"


def url() -> str:
    return reverse("django_meta_whatsapp:webhook")


def encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def through_the_view(method: str, body: bytes, headers: dict[str, str], query: dict[str, str]) -> Any:
    """The plain view's answer."""
    path = f"{url()}?{urlencode(query)}" if query else url()
    return Client().generic(method, path, body, content_type="application/json", headers=headers)


def through_the_lane(method: str, body: bytes, headers: dict[str, str], query: dict[str, str]) -> Any:
    """The ASGI lane's answer, in an event loop of its own: what was kept is also applied when that has ended."""
    lane = webhook_lane(nothing_behind)
    return asyncio.run(call(lane, method, url(), body, headers=headers, query=query))


DOORS: dict[str, Callable[..., Any]] = {"view": through_the_view, "lane": through_the_lane}
door = through_the_view
"""The door that is knocked at; the fixture `both_doors` changes it."""


def request(
    method: str, body: bytes = b"", headers: dict[str, str] | None = None, query: dict[str, str] | None = None
) -> HttpResponse:
    """What the door answers."""
    response: HttpResponse = door(method, body, headers or {}, query or {})
    return response


def post(body: Any, *, secret: str = SECRET, signature: str | None = None) -> HttpResponse:
    """What the webhook answers to `body`, signed with `secret` unless a signature is given ("" for none)."""
    raw = encoded(body)
    header = sign(secret, raw) if signature is None else signature
    return request("POST", raw, {"X-Hub-Signature-256": header} if header else {})


def change(field: str, value: dict[str, Any], *, waba: str = WABA, **entry: Any) -> dict[str, Any]:
    """A body with one change."""
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": waba, **entry, "changes": [{"field": field, "value": value}]}],
    }


def value(number: str = NUMBER, **parts: Any) -> dict[str, Any]:
    """The value of a change of one number."""
    metadata = {"display_phone_number": "15550009999", "phone_number_id": number}
    return {"messaging_product": "whatsapp", "metadata": metadata, **parts}


def text_message(message_id: str = "wamid.T1", sender: str = "15550001111", **parts: Any) -> dict[str, Any]:
    """A text as it is in `messages[]`."""
    return {
        "from": sender,
        "id": message_id,
        "timestamp": "1767000000",
        "type": "text",
        "text": {"body": "hi"},
        **parts,
    }


def inbound(*messages: dict[str, Any], number: str = NUMBER, **parts: Any) -> dict[str, Any]:
    """A body with messages."""
    return change("messages", value(number, messages=list(messages), **parts))


def statuses(*events: dict[str, Any], number: str = NUMBER) -> dict[str, Any]:
    """A body with statuses."""
    return change("messages", value(number, statuses=list(events)))
