"""A WSGI application that sends when it is loaded, and twice for each request."""

import os
from collections.abc import Callable, Iterable

from tests.cloud_api.sending import send_both

LOADED_IN = os.getpid()


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    send_both()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{LOADED_IN} {os.getpid()}".encode()]
