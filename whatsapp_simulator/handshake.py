"""The verification of a callback URL: a GET whose challenge must come back (reference: webhooks, transport)."""

import secrets

import aiohttp

from whatsapp_simulator.http import GraphError

_SECONDS = 10


async def verify_callback(url: str, verify_token: str) -> None:
    """Ask ``url`` to repeat a challenge, as Meta does before it uses it; error 2200 when it does not."""
    challenge = str(secrets.randbelow(10**9) + 10**9)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, params=query, allow_redirects=False) as response,
        ):
            status, text = response.status, await response.text()
    except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
        raise _failed(f"The URL couldn't be validated: {type(error).__name__}") from None
    if status != 200 or text != challenge:
        raise _failed(f"The URL answered HTTP {status} and did not repeat the challenge")


def _failed(reason: str) -> GraphError:
    return GraphError(2200, f"Callback verification failed with the following errors: {reason}")
