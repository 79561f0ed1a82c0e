"""Posting to the lane, also many webhooks at the same time, and what was kept of them."""

import asyncio
from typing import Any

from django.http import HttpResponse

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppWebhookLog
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.webhooks.asgi_caller import call, nothing_behind
from tests.webhooks.posting import SECRET, encoded, inbound, text_message

PATH = "/whatsapp/webhook/"


def bodies(count: int) -> list[bytes]:
    return [encoded(inbound(text_message(f"wamid.{number}"))) for number in range(count)]


async def post(app: Any, body: bytes, **parts: Any) -> HttpResponse:
    return await call(app, "POST", PATH, body, headers={"X-Hub-Signature-256": sign(SECRET, body)}, **parts)


def post_all(many: list[bytes], app: Any = None) -> list[int]:
    """The statuses of POSTs that are made at the same time, in an event loop of their own."""

    async def together() -> list[int]:
        door = app or webhook_lane(nothing_behind)
        return [answer.status_code for answer in await asyncio.gather(*(post(door, body) for body in many))]

    return asyncio.run(together())


def kept() -> list[bytes]:
    return [bytes(body) for body in WhatsAppWebhookLog.objects.order_by("pk").values_list("body", flat=True)]
