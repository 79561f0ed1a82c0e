"""One face for both drivers, so that each rule is tested on both."""

import asyncio
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, TypeVar

from django_meta_whatsapp.cloud_api.calls import MESSAGE, Call, Page, as_is
from django_meta_whatsapp.cloud_api.client import AsyncClient, Client, Download

T = TypeVar("T")
TOKEN = "EAAsecretTokenOfTests123"

SEND: Call[dict[str, Any]] = Call(
    "POST", "222/messages", as_is, MESSAGE, body={"to": "+15550001111", "text": {"body": "Grüße"}}
)


class Caller(Protocol):
    """What both drivers can do."""

    def run(self, call: Call[T]) -> T: ...
    def pages(self, call: Call[Page]) -> list[Page]: ...
    def download(self, url: str, sink: BinaryIO, max_bytes: int) -> Download: ...
    def close(self) -> None: ...


class Blocking:
    """The blocking driver."""

    def __init__(self, base_url: str, **options: Any) -> None:
        self.client = Client(TOKEN, base_url=base_url, **options)

    def run(self, call: Call[T]) -> T:
        return self.client.run(call)

    def pages(self, call: Call[Page]) -> list[Page]:
        return list(self.client.pages(call))

    def download(self, url: str, sink: BinaryIO, max_bytes: int) -> Download:
        return self.client.download(url, sink, max_bytes)

    def close(self) -> None:
        """Its connections belong to the process."""


class Awaiting:
    """The awaiting driver, in one event loop for all calls of a test."""

    def __init__(self, base_url: str, **options: Any) -> None:
        self.client = AsyncClient(TOKEN, base_url=base_url, **options)
        self.runner = asyncio.Runner()

    def run(self, call: Call[T]) -> T:
        return self.runner.run(self.client.run(call))

    def pages(self, call: Call[Page]) -> list[Page]:
        async def collect() -> list[Page]:
            return [page async for page in self.client.pages(call)]

        return self.runner.run(collect())

    def download(self, url: str, sink: BinaryIO, max_bytes: int) -> Download:
        return self.runner.run(self.client.download(url, sink, max_bytes))

    def close(self) -> None:
        self.runner.close()


Connect = Callable[..., Caller]
