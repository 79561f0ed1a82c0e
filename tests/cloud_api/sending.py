"""What the processes under test do: send one message with each driver. Imported, it sends one before any fork."""

import asyncio
import os

from django_meta_whatsapp.cloud_api.calls import MESSAGE, Call, as_is
from django_meta_whatsapp.cloud_api.client import AsyncClient, Client

BASE_URL = os.environ["RAW_SERVER"]


def message(driver: str) -> Call[dict[str, object]]:
    """A message whose body says who sends it."""
    return Call("POST", f"222/messages?by={driver}&pid={os.getpid()}", as_is, MESSAGE, body={})


def send_both() -> None:
    """Sends one message with the blocking and one with the awaiting driver."""
    Client("token", base_url=BASE_URL).run(message("blocking"))
    asyncio.run(AsyncClient("token", base_url=BASE_URL).run(message("awaiting")))


send_both()
