"""What goes over the wire: a request and an answer in plain bytes, the same for both drivers."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from django_meta_whatsapp.cloud_api.calls import FilePart
from django_meta_whatsapp.cloud_api.errors import DownloadRefused

CHUNK = 64 * 1024
MAX_ANSWER = 10 * 1024 * 1024
"""Bytes of an answer that are read at most; Meta's largest JSON answers are far below."""
MIN_SPEED = 128 * 1024
"""Bytes a second: a transfer gets this much more time for its size."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. connect: to get a connection (a free one, TCP, TLS); total: for one request, to its last byte.

    A file gets `size / MIN_SPEED` on top of `total`. `connect` must be the shorter one: then a request that
    runs out of time while it connects is known not to have been sent. Raises ValueError otherwise.
    """

    connect: float = 5.0
    total: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.connect < self.total:
            raise ValueError("The connect timeout must be above 0 and below the total timeout.")

    def for_transfer(self, size: int) -> "Timeouts":
        """The timeouts for a request that carries `size` bytes of a file."""
        return Timeouts(self.connect, self.total + size / MIN_SPEED)


@dataclass(frozen=True, slots=True)
class Upload:
    """A request body around a file, streamed: what comes before the file, the file, what comes after."""

    part: FilePart
    content_type: str
    head: bytes = b""
    tail: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of the whole body: its Content-Length."""
        return len(self.head) + self.part.size + len(self.tail)

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece. Raises OSError when the file is shorter than it said."""
        if self.head:
            yield self.head
        left = self.part.size
        while left:
            chunk = self.part.file.read(min(CHUNK, left))
            if not chunk:
                raise OSError(f"{self.part.filename} ended {left} bytes early")
            left -= len(chunk)
            yield chunk
        if self.tail:
            yield self.tail

    async def achunks(self) -> AsyncIterator[bytes]:
        """The same without blocking the event loop while the disk is read."""
        chunks = self.chunks()
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk


def multipart(form: Mapping[str, str], part: FilePart) -> Upload:
    """The fields and then the file as `multipart/form-data`."""
    boundary = secrets.token_hex(16)
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in form.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(part.field)}"; '
        f'filename="{_quoted(part.filename)}"\r\nContent-Type: {_one_line(part.content_type)}\r\n\r\n'
    )
    return Upload(
        part,
        f"multipart/form-data; boundary={boundary}",
        head="".join(lines).encode(),
        tail=f"\r\n--{boundary}--\r\n".encode(),
    )


def _quoted(name: str) -> str:
    """A name inside quotes, escaped as browsers do (WHATWG HTML, "multipart/form-data encoding")."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _one_line(value: str) -> str:
    return value.replace("\r", "").replace("\n", "")


class Sink:
    """Where a download goes: counts and hashes what passes, and stops at `max_bytes`."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self.size = 0
        self.max_bytes = max_bytes
        self._file = file
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of all that passed, in lowercase hex: what Meta gives as the media's `sha256`."""
        return self._sha256.hexdigest()

    def expect(self, content_length: str | None) -> None:
        """Raises DownloadRefused at once when the answer announces too much."""
        if content_length and content_length.isdigit():
            self._check(int(content_length))

    def write(self, chunk: bytes) -> None:
        """Raises DownloadRefused instead of passing the limit."""
        self._check(self.size + len(chunk))
        self._file.write(chunk)
        self._sha256.update(chunk)
        self.size += len(chunk)

    def _check(self, size: int) -> None:
        if size > self.max_bytes:
            raise DownloadRefused(f"The file is larger than the {self.max_bytes} bytes that are allowed.")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Its address, headers and body stay out of its repr: they carry secrets and people."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    timeouts: Timeouts
    body: bytes | Upload | None = field(default=None, repr=False)
    sink: Sink | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer. headers: lowercase names. body: empty where a sink took it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
