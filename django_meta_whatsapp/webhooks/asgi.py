"""The fast lane for webhooks: an ASGI application in front of Django's, put there by one line of the host's asgi.py."""

import gc
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from django.utils.module_loading import import_string

Application = Callable[[Any, Any, Any], Awaitable[None]]


def webhook_lane(app: Application, path: str | None = None) -> Application:
    """`app` with the lane in front: `application = webhook_lane(get_asgi_application())`.

    The lane answers the webhook address itself and commits the webhooks that wait at the same time in one transaction;
    every other request, WebSockets and lifespan go to `app` untouched.

    path: where Meta posts, such as "/whatsapp/webhook/"; by default where the host's URLconf has the webhook. Raises
    NoReverseMatch when it has none. Django must be set up, which `get_asgi_application()` does.

    What the process has loaded by now is left out of Python's garbage collections from here on (`gc.freeze`).
    """
    # A host imports this module before that call, and models cannot be imported before it.
    lane: Application = import_string("django_meta_whatsapp.webhooks.lane.WebhookLane")(app, path)
    _spare_what_is_loaded()
    return lane


@cache
def _spare_what_is_loaded() -> None:
    """It stays as long as the process, but a full collection looks at all of it, for 50 ms and more, and each webhook waits."""
    gc.collect()
    gc.freeze()
