"""What the webhook benchmark serves: the ASGI lane, the plain view behind Django's two handlers, and a bare application."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from django_meta_whatsapp.webhooks.asgi import webhook_lane

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
view = get_wsgi_application()
view_asgi = get_asgi_application()
lane = webhook_lane(view_asgi)

Message = MutableMapping[str, Any]


async def bare(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Reads the body and answers 200: what the server itself can do."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok"})
