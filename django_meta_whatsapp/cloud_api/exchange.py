"""The conversation with Meta, written once for both drivers and without I/O.

A conversation is a generator: it yields a `Request` (the driver sends it and gives back the `Answer`, or throws
the transport's NotSentError or MaybeSentError into it) or a `Pause` (the driver waits), and returns the result.
"""

import json
import logging
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, TypeVar
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from django_meta_whatsapp.cloud_api.calls import JSON, MESSAGE, READ, Call, Page
from django_meta_whatsapp.cloud_api.error_codes import error_from_envelope, has_code
from django_meta_whatsapp.cloud_api.errors import (
    AuthError,
    DownloadRefused,
    MaybeSentError,
    MetaAPIError,
    NotSentError,
    ThrottledError,
)
from django_meta_whatsapp.cloud_api.signature import appsecret_proof
from django_meta_whatsapp.cloud_api.wire import Answer, Request, Sink, Timeouts, Upload, multipart

logger = logging.getLogger(__name__)

T = TypeVar("T")

READ_ATTEMPTS = 3
FIRST_PAUSE = 0.5
"""Seconds before a read is repeated; doubles each time, give or take a quarter."""
LONGEST_PAUSE = 5.0
"""Seconds. Where Meta asks for a longer wait, a read is not repeated here."""
MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
MEDIA_HOSTS = (".fbsbx.com", ".facebook.com")
USER_AGENT = "django-meta-whatsapp"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Download:
    """What was fetched. size: bytes. sha256: lowercase hex of the bytes, to compare with Meta's own."""

    content_type: str
    size: int
    sha256: str


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Conversation = Generator[Request | Pause, Any, T]


@dataclass(frozen=True)
class Endpoint:
    """Where and as whom to call. Neither the token nor the app secret is in its repr.

    access_token: Meta's; AuthError when it is empty or has characters that no token has.
    app_secret: when given, each call carries Meta's `appsecret_proof`.
    timeout: of one request; a repeated read gets it each time.
    watch: called with the headers of each answer (names in lower case), such as those of `usage`; must be quick.
    """

    access_token: str = field(repr=False)
    base_url: str = field(default="https://graph.facebook.com", kw_only=True)
    version: str = field(default="v22.0", kw_only=True)
    app_secret: str = field(default="", repr=False, kw_only=True)
    timeout: Timeouts = field(default_factory=Timeouts, kw_only=True)
    watch: Callable[[Mapping[str, str]], None] | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not self.access_token or not all("!" <= character <= "~" for character in self.access_token):
            raise AuthError("The access token is empty or has characters that no token has")

    def conversation(self, call: Call[T]) -> Conversation[T]:
        """Runs a call: a read up to READ_ATTEMPTS times, everything else once."""
        request = self.request(call)
        if call.kind == READ:
            return (yield from _repeating(lambda: self._once(call, request), lambda: True, call.path))
        return (yield from self._once(call, request))

    def result(self, call: Call[T], answer: Answer) -> T:
        """What Meta's answer to the call says. Raises MetaAPIError when that is a refusal, or nothing that can be used."""
        if self.watch is not None:
            self.watch(answer.headers)
        return self._result(call, answer)

    def fetching(self, url: str, file: BinaryIO, max_bytes: int) -> Conversation[Download]:
        """Fetches a media file, following redirects. Repeated only while nothing has reached `file`."""
        sink = Sink(file, max_bytes)
        return (yield from _repeating(lambda: self._fetch(url, sink), lambda: not sink.size, "media"))

    def _once(self, call: Call[T], request: Request) -> Conversation[T]:
        answer: Answer = yield request
        return self.result(call, answer)

    def _fetch(self, url: str, sink: Sink) -> Conversation[Download]:
        for _ in range(MAX_REDIRECTS + 1):
            answer: Answer = yield self._media_request(url, sink)
            if answer.status == 200:
                return Download(answer.headers.get("content-type", ""), sink.size, sink.sha256)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                raise self._failure(answer)
            url = urljoin(url, answer.headers["location"])
        raise DownloadRefused("The media's address redirects too often.")

    def request(self, call: Call[Any]) -> Request:
        """What goes to Meta for the call."""
        query = urlencode({**call.query, **self._proof}) if call.query else self._signature
        url = f"{self._root}{call.path}"
        body = _body(call)
        headers = {**self._headers(call.auth_scheme), "Accept": "application/json", **call.headers}
        timeouts = self.timeout
        if isinstance(body, Upload):
            headers["Content-Type"] = body.content_type
            timeouts = timeouts.for_transfer(body.size)
        elif body:
            headers["Content-Type"] = "application/json"
        if body is not None:
            headers["Content-Length"] = str(body.size if isinstance(body, Upload) else len(body))
        return Request(call.method, f"{url}?{query}" if query else url, headers, timeouts, body)

    @cached_property
    def _root(self) -> str:
        return f"{self.base_url.rstrip('/')}/{self.version}/"

    @cached_property
    def _proof(self) -> Mapping[str, str]:
        proof = appsecret_proof(self.app_secret, self.access_token) if self.app_secret else ""
        return {"appsecret_proof": proof} if proof else {}

    @cached_property
    def _signature(self) -> str:
        return urlencode(self._proof)

    def _headers(self, scheme: str = "Bearer") -> dict[str, str]:
        # No compression: an answer's size is then what was read, and no small answer can unfold into a huge one.
        return {
            "Authorization": f"{scheme} {self.access_token}",
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
        }

    def _media_request(self, url: str, sink: Sink) -> Request:
        headers = self._headers()
        if not self._trusts(url):
            del headers["Authorization"]
        return Request("GET", url, headers, self.timeout.for_transfer(sink.max_bytes), sink=sink)

    def _trusts(self, url: str) -> bool:
        """May the token go there? Raises DownloadRefused for an address that nobody should be sent to.

        Backslashes, spaces and user parts go out first: programs disagree about the host of such an address.
        """
        base, target = urlsplit(self.base_url), urlsplit(url)
        usable = all("!" <= character <= "~" and character != "\\" for character in url)
        if not usable or not target.hostname or "@" in target.netloc:
            raise DownloadRefused("The media's address is not usable.")
        if target.scheme != "https" and (target.scheme, base.scheme) != ("http", "http"):
            raise DownloadRefused("The media's address is not https.")
        return _origin(target) == _origin(base) or (
            target.scheme == "https" and target.hostname.endswith(MEDIA_HOSTS)
        )

    def _result(self, call: Call[T], answer: Answer) -> T:
        body = _json_object(answer.body)
        if body is None or not _usable(call, answer.status, body):
            raise self._failure(answer, of_message=call.kind == MESSAGE)
        if call.kind == MESSAGE and not _has_message_id(body):
            raise MaybeSentError("Meta's answer carries no message id", http_status=answer.status)
        try:
            return call.parse(body)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise MaybeSentError(
                "Meta's answer lacks what was asked for", http_status=answer.status
            ) from error

    def _failure(self, answer: Answer, *, of_message: bool = False) -> MetaAPIError:
        # Meta repeats a malformed token in its text: it must not get into logs and error pages.
        body = _json_object(answer.body.replace(self.access_token.encode(), b"[access token]"))
        envelope = body.get("error") if body else None
        if isinstance(envelope, dict) and has_code(envelope):
            return error_from_envelope(envelope, answer.status, answer.headers, of_message=of_message)
        return MaybeSentError("The answer is not one of Meta's", http_status=answer.status)


def following(call: Call[Page], page: Page, seen: set[str]) -> Call[Page] | None:
    """The call for the page after this one; None at the end, and when Meta repeats a cursor. Adds to `seen`."""
    if page.after is None or page.after in seen:
        return None
    seen.add(page.after)
    return call.with_query(after=page.after)


def _repeating(
    attempt: Callable[[], Conversation[T]], safe: Callable[[], bool], what: str
) -> Conversation[T]:
    for number in range(1, READ_ATTEMPTS):
        try:
            return (yield from attempt())
        except MetaAPIError as error:
            if not safe() or not _may_pass(error):
                raise
            logger.info("Reading %s again (attempt %d failed: %s)", what, number, error)
            backoff = FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.75, 1.25)  # noqa: S311
            pause = Pause(max(backoff, error.retry_after or 0.0))
        yield pause
    return (yield from attempt())


def _may_pass(error: MetaAPIError) -> bool:
    """May the same read succeed in a moment?"""
    status = error.http_status
    if isinstance(error, MaybeSentError):
        return status is None or status < 300 or status == 429 or status >= 500
    if (error.retry_after or 0.0) > LONGEST_PAUSE:
        return False
    return isinstance(error, NotSentError | ThrottledError) or (status is not None and status >= 500)


def _body(call: Call[Any]) -> bytes | Upload | None:
    if call.file is not None:
        return multipart(call.form or {}, call.file)
    if call.raw is not None:
        return Upload(call.raw, call.raw.content_type)
    if call.body is not None:
        return _JSON.encode(call.body).encode()
    # A POST without a body says so: some servers answer 411 otherwise.
    return b"" if call.method == "POST" else None


def _json_object(body: bytes) -> JSON | None:
    """The body as an object, None when it is anything else."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _usable(call: Call[Any], status: int, body: JSON) -> bool:
    if body.get("error"):
        return has_code(body["error"]) and call.usable is not None and call.usable(body)
    return 200 <= status < 300


def _has_message_id(body: JSON) -> bool:
    match body.get("messages"):
        case [{"id": str(message_id)}, *_]:
            return bool(message_id)
    return False


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    try:
        return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DownloadRefused("The media's address is not usable.") from error
