"""Calling Meta: `Client` blocks, `AsyncClient` awaits; both say the same words, those of `exchange`.

Either is a cheap value: connections belong to the process and, for `AsyncClient`, to the event loop.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import BinaryIO, TypeVar, cast

from django_meta_whatsapp.cloud_api import transport
from django_meta_whatsapp.cloud_api.calls import READ, Call, Page
from django_meta_whatsapp.cloud_api.errors import MetaAPIError
from django_meta_whatsapp.cloud_api.exchange import Conversation, Download, Endpoint, Pause, following
from django_meta_whatsapp.cloud_api.wire import Answer, Request, Timeouts

__all__ = ["AsyncClient", "Client", "Download", "Timeouts"]

T = TypeVar("T")


class Client(Endpoint):
    """Calls Meta and blocks until the answer is there. Safe to share between threads."""

    def run(self, call: Call[T]) -> T:
        """The result of the call. Raises MetaAPIError; its `outcome` says what Meta did with the call.

        A read is repeated a few times where that can help; nothing else ever is.
        """
        return _drive(self.conversation(call))

    def pages(self, call: Call[Page]) -> Iterator[Page]:
        """All pages of a list, each fetched when it is asked for."""
        seen: set[str] = set()
        following_call: Call[Page] | None = call
        while following_call is not None:
            page = self.run(following_call)
            yield page
            following_call = following(call, page, seen)

    def download(self, url: str, sink: BinaryIO, max_bytes: int) -> Download:
        """Streams a media file into `sink`. The token goes to Meta's hosts and `base_url`'s only.

        Raises DownloadRefused for a file above `max_bytes` or an address that is not trusted, MetaAPIError
        otherwise (`http_status` 404: the address has expired, ask for a new one). After an error `sink` may
        hold a part of the file.
        """
        return _drive(self.fetching(url, sink, max_bytes))


class AsyncClient(Endpoint):
    """Calls Meta and awaits the answer; otherwise like `Client`. Works in any number of event loops."""

    async def run(self, call: Call[T]) -> T:
        """See `Client.run`."""
        if call.kind == READ:
            return await _adrive(self.conversation(call))
        # Sent once: no conversation, which for thousands of messages costs more than their answers.
        return self.result(call, await transport.asend(self.request(call)))

    async def pages(self, call: Call[Page]) -> AsyncIterator[Page]:
        """See `Client.pages`."""
        seen: set[str] = set()
        following_call: Call[Page] | None = call
        while following_call is not None:
            page = await self.run(following_call)
            yield page
            following_call = following(call, page, seen)

    async def download(self, url: str, sink: BinaryIO, max_bytes: int) -> Download:
        """See `Client.download`. `sink` is written to from a thread."""
        return await _adrive(self.fetching(url, sink, max_bytes))


def _drive(conversation: Conversation[T]) -> T:
    step = next(conversation)
    try:
        while True:
            try:
                answer = _perform(step)
            except MetaAPIError as error:
                step = conversation.throw(error)
            else:
                step = conversation.send(answer)
    except StopIteration as end:
        return cast(T, end.value)


async def _adrive(conversation: Conversation[T]) -> T:
    step = next(conversation)
    try:
        while True:
            try:
                answer = await _aperform(step)
            except MetaAPIError as error:
                step = conversation.throw(error)
            else:
                step = conversation.send(answer)
    except StopIteration as end:
        return cast(T, end.value)


def _perform(step: Request | Pause) -> Answer | None:
    if isinstance(step, Request):
        return transport.send(step)
    time.sleep(step.seconds)
    return None


async def _aperform(step: Request | Pause) -> Answer | None:
    if isinstance(step, Request):
        return await transport.asend(step)
    await asyncio.sleep(step.seconds)
    return None
