"""Whether a file on the web can be fetched, as Meta would fetch it: asked for, not downloaded.

The address is the host's or a campaign's, so no token goes along, redirects are few, and private addresses are not asked
unless that is allowed: Meta could not reach them either.
"""

import ipaddress
import socket
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urljoin, urlsplit

from django_meta_whatsapp.cloud_api import transport
from django_meta_whatsapp.cloud_api.errors import DownloadRefused, NotSentError
from django_meta_whatsapp.cloud_api.exchange import REDIRECTS, USER_AGENT
from django_meta_whatsapp.cloud_api.wire import Answer, Request, Sink, Timeouts

MAX_REDIRECTS = 3
TIMEOUTS = Timeouts(connect=5.0, total=10.0)
_NO_HEAD = (403, 404, 405, 501)
"""What servers answer to HEAD that would answer a GET."""
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Reached:
    """What the server says of the file. size: bytes, None when it does not say."""

    status: int
    content_type: str
    size: int | None

    @property
    def is_there(self) -> bool:
        return self.status in (200, 206)


def reach(url: str, *, private: bool = False, timeouts: Timeouts = TIMEOUTS) -> Reached:
    """Asks for a file by HEAD, else for its first byte. private: whether addresses inside the own network may be asked.

    Raises DownloadRefused for an address that Meta could not use, NotSentError or MaybeSentError when no answer comes.
    """
    for _ in range(MAX_REDIRECTS + 1):
        _check(url, private=private)
        answer = transport.send(Request("HEAD", url, _HEADERS, timeouts))
        if answer.status in _NO_HEAD:
            answer = _first_byte(url, timeouts)
        if answer.status not in REDIRECTS or "location" not in answer.headers:
            return Reached(answer.status, answer.headers.get("content-type", ""), _size(answer))
        url = urljoin(url, answer.headers["location"])
    raise DownloadRefused("The address redirects too often.")


def _first_byte(url: str, timeouts: Timeouts) -> Answer:
    sink = _Nowhere()
    request = Request("GET", url, {**_HEADERS, "Range": "bytes=0-0"}, timeouts, sink=sink)
    try:
        return transport.send(request)
    except _HeadSeenError:
        # A server that knows no ranges would send the whole file.
        size = {} if sink.announced is None else {"content-length": sink.announced}
        return Answer(200, size)


class _HeadSeenError(Exception):
    """The answer has begun, which is all that is asked."""


class _Nowhere(Sink):
    """Takes nothing: ends the answer as soon as its head is there."""

    announced: str | None = None

    def __init__(self) -> None:
        super().__init__(BytesIO(), 0)

    def expect(self, content_length: str | None) -> None:
        self.announced = content_length
        raise _HeadSeenError


def _size(answer: Answer) -> int | None:
    length = answer.headers.get("content-length", "")
    if answer.status == 206:
        length = answer.headers.get("content-range", "").rpartition("/")[2]
    return int(length) if length.isascii() and length.isdecimal() else None


def _check(url: str, *, private: bool) -> None:
    parts = urlsplit(url)
    usable = all("!" <= character <= "~" and character != "\\" for character in url)
    schemes = ("https", "http") if private else ("https",)
    if not usable or not parts.hostname or "@" in parts.netloc or parts.scheme not in schemes:
        raise DownloadRefused("The address is not one that begins with https://.")
    if private:
        return
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise NotSentError(f"The host {parts.hostname} is not known") from error
    if not all(ipaddress.ip_address(entry[4][0]).is_global for entry in found):
        raise DownloadRefused(f"{parts.hostname} is an address inside a network, which Meta cannot reach.")
