"""Sends, forks, sends in the child and then again in the parent; with `loop`, the fork is inside a running loop."""

import asyncio
import gc
import os
import sys

from django_meta_whatsapp.cloud_api.client import AsyncClient, Client
from tests.cloud_api.sending import BASE_URL, message, send_both


def fork_and_wait() -> None:
    child = os.fork()
    if child == 0:
        try:
            send_both()
            gc.collect()  # what the child inherited must not be finalised in it
        finally:
            os._exit(0)
    os.waitpid(child, 0)


async def inside_a_loop() -> None:
    # The child is waited for in the loop, which in debug mode would tell so.
    asyncio.get_running_loop().slow_callback_duration = 60
    client = AsyncClient("token", base_url=BASE_URL)
    await client.run(message("awaiting"))
    fork_and_wait()
    await client.run(message("awaiting"))


if sys.argv[1:] == ["loop"]:
    asyncio.run(inside_a_loop())
else:
    fork_and_wait()
    Client("token", base_url=BASE_URL).run(message("blocking"))
