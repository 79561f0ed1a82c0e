"""A job that calls Meta, written once and run either way.

A job is a generator: it yields a `Call` (or a `Fetch`) and gets the result, or has the MetaAPIError thrown into it.
Between the calls it may use the database. `run` blocks; `arun` awaits the calls and keeps the rest off the event loop.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, TypeVar, cast

from asgiref.sync import sync_to_async

from django_meta_whatsapp.cloud_api.calls import JSON, Call, Page
from django_meta_whatsapp.cloud_api.client import AsyncClient, Client
from django_meta_whatsapp.cloud_api.exchange import Download, following
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.accounts import async_client_for, client_for

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A media file to stream into `sink`. max_bytes: more than that is refused."""

    url: str
    sink: BinaryIO
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for so many seconds."""

    seconds: float


Step = Call[Any] | Fetch | Pause
Job = Generator[Step, Any, T]


def ask(call: Call[T]) -> Job[T]:
    """The result of one call."""
    return cast(T, (yield call))


def fetch(url: str, sink: BinaryIO, max_bytes: int) -> Job[Download]:
    """Streams a media file into `sink`."""
    return cast(Download, (yield Fetch(url, sink, max_bytes)))


def pause(seconds: float) -> Job[None]:
    """Waits, not in an event loop's way."""
    if seconds > 0:
        yield Pause(seconds)


def each_page(call: Call[Page], use: Callable[[Page], None]) -> Job[None]:
    """Hands every page of a list to `use`, one at a time."""
    seen: set[str] = set()
    next_call: Call[Page] | None = call
    while next_call is not None:
        page = yield from ask(next_call)
        use(page)
        next_call = following(next_call, page, seen)


def all_entries(call: Call[Page]) -> Job[list[JSON]]:
    """The entries of all pages of a list."""
    found: list[JSON] = []

    def keep(page: Page) -> None:
        found.extend(page.data)

    yield from each_page(call, keep)
    return found


@dataclass(frozen=True, slots=True)
class _Position(Generic[T]):
    """How far a job has come: the call it waits for, or its result."""

    step: Step | None = None
    result: T | None = None


def _advance(job: Job[T], answer: Any) -> _Position[T]:
    try:
        return _Position(step=job.send(answer))
    except StopIteration as end:
        return _Position(result=end.value)


def _fail(job: Job[T], error: BaseException) -> _Position[T]:
    try:
        return _Position(step=job.throw(error))
    except StopIteration as end:
        return _Position(result=end.value)


def run(job: Job[T], account: WhatsAppAccount | None) -> T:
    """The result of `job`, whose calls speak for `account`. Missing settings are told before it starts."""
    client = client_for(account)
    position = _advance(job, None)
    while position.step is not None:
        try:
            answer = _perform(client, position.step)
        except BaseException as error:  # noqa: BLE001 - the job decides what an interrupted call means
            position = _fail(job, error)
        else:
            position = _advance(job, answer)
    return cast(T, position.result)


async def arun(job: Job[T], account: WhatsAppAccount | None) -> T:
    """`run`, awaited. The job itself runs in Django's thread for synchronous code."""
    client = async_client_for(account)
    position: _Position[T] = await sync_to_async(_advance)(job, None)
    while position.step is not None:
        try:
            answer = await _aperform(client, position.step)
        except BaseException as error:  # noqa: BLE001 - also a cancelled task: the call may have been made
            position = await sync_to_async(_fail)(job, error)
        else:
            position = await sync_to_async(_advance)(job, answer)
    return cast(T, position.result)


def _perform(client: Client, step: Step) -> Any:
    if isinstance(step, Fetch):
        return client.download(step.url, step.sink, step.max_bytes)
    if isinstance(step, Pause):
        return time.sleep(step.seconds)
    return client.run(step)


async def _aperform(client: AsyncClient, step: Step) -> Any:
    if isinstance(step, Fetch):
        return await client.download(step.url, step.sink, step.max_bytes)
    if isinstance(step, Pause):
        return await asyncio.sleep(step.seconds)
    return await client.run(step)
