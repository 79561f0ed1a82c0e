"""Requests, answers and errors as the handlers see them. Handlers are plain functions: no I/O, no ASGI."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson

from whatsapp_simulator.multipart import FormFile, FormParserError, parse_multipart
from whatsapp_simulator.state import Token

JSON = dict[str, Any]
RawHeaders = list[tuple[bytes, bytes]]

JSON_TYPE = b"application/json; charset=UTF-8"
_VERSION = re.compile(r"v\d{1,3}\.\d$")


def dumps(value: Any) -> bytes:
    """JSON as Meta writes it: compact, pure ASCII (``\\uXXXX`` in lower case) and with escaped slashes.

    A receiver that signs a re-serialised body instead of the raw bytes fails on it, as it does with Meta.
    """
    body = orjson.dumps(value)
    if not body.isascii():
        body = json.dumps(value, separators=(",", ":")).encode()
    # In JSON a slash can only stand inside a string, where the escape is legal.
    return body.replace(b"/", b"\\/")


class GraphError(Exception):
    """An error that the Graph API would answer. ``message`` is the title without the ``(#code)`` prefix.

    ``http_status`` is the status column of Meta's error page; ``details`` goes to ``error_data.details``.
    """

    def __init__(
        self,
        code: int,
        message: str,
        details: str = "",
        *,
        http_status: int = 400,
        subcode: int | None = None,
        type: str = "OAuthException",  # noqa: A002 - the name of the field
        user_title: str = "",
        user_message: str = "",
        is_transient: bool | None = None,
        error_data: JSON | str | None = None,
        prefixed: bool = True,
    ) -> None:
        super().__init__(code, message, details)
        self.code = code
        self.message = message
        self.details = details
        self.http_status = http_status
        self.subcode = subcode
        self.type = type
        self.user_title = user_title
        self.user_message = user_message
        self.is_transient = is_transient
        self.error_data = error_data
        self.prefixed = prefixed

    def envelope(self, trace_id: str) -> JSON:
        """The body ``{"error": {...}}`` of the answer (reference: error envelope)."""
        error: JSON = {
            "message": f"(#{self.code}) {self.message}" if self.prefixed else self.message,
            "type": self.type,
            "code": self.code,
        }
        if self.error_data is not None:
            error["error_data"] = self.error_data
        elif self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.user_title:
            error["error_user_title"] = self.user_title
        if self.user_message:
            error["error_user_msg"] = self.user_message
        if self.is_transient is not None:
            error["is_transient"] = self.is_transient
        error["fbtrace_id"] = trace_id
        return {"error": error}


def unknown_object(object_id: str, method: str) -> GraphError:
    """Meta's answer for an id that does not exist, is not visible or has no such edge (100, subcode 33)."""
    return GraphError(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, cannot be "
        "loaded due to missing permissions, or does not support this operation",
        subcode=33,
        type="GraphMethodException",
        prefixed=False,
    )


@dataclass(slots=True)
class Answer:
    """What goes back. ``body`` is already encoded; use :func:`answer` for JSON."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON_TYPE
    headers: RawHeaders = field(default_factory=list)
    drop: bool = False
    """Close the connection instead of answering."""


@dataclass(slots=True)
class Later:
    """An answer that takes time: ``wait`` is awaited for it."""

    wait: Callable[[], Awaitable[Answer]]


def answer(value: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(dumps(value), status)


SUCCESS = dumps({"success": True})


def success() -> Answer:
    """``{"success": true}``."""
    return Answer(SUCCESS)


class Request:
    """One call. ``segments`` is the path without the version; the rest is parsed when first asked for."""

    __slots__ = (
        "_form",
        "_json",
        "_query",
        "body",
        "headers",
        "method",
        "path",
        "raw_query",
        "segments",
        "token",
        "version",
    )

    def __init__(self, method: str, path: str, raw_query: bytes, headers: RawHeaders, body: bytes) -> None:
        self.method = method
        self.path = path
        self.raw_query = raw_query
        self.headers = headers
        self.body = body
        self.token: Token | None = None
        parts = path.strip("/").split("/")
        self.version = parts.pop(0) if _VERSION.match(parts[0]) else ""
        self.segments = parts or [""]
        self._query: dict[str, str] | None = None
        self._json: Any = None
        self._form: tuple[dict[str, str], dict[str, FormFile]] | None = None

    def header(self, name: bytes) -> str:
        """The header ``name`` (lower case bytes), or ""."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return ""

    @property
    def base_url(self) -> str:
        """Where the caller reached us, e.g. ``http://127.0.0.1:8025``: for URLs inside answers."""
        return f"http://{self.header(b'host')}"

    @property
    def query(self) -> dict[str, str]:
        """The query parameters (the last one of a name wins)."""
        if self._query is None:
            parsed = (
                parse_qs(self.raw_query.decode("latin-1"), keep_blank_values=True) if self.raw_query else {}
            )
            self._query = {name: values[-1] for name, values in parsed.items()}
        return self._query

    def json(self) -> JSON:
        """The JSON object in the body ({} for an empty body); not JSON or not an object is error 100."""
        if self._json is None:
            try:
                self._json = orjson.loads(self.body) if self.body else {}
            except orjson.JSONDecodeError:
                raise GraphError(100, "Invalid parameter", "The request body is not valid JSON.") from None
        if not isinstance(self._json, dict):
            raise GraphError(100, "Invalid parameter", "The request body must be a JSON object.")
        return self._json

    def form(self) -> tuple[dict[str, str], dict[str, FormFile]]:
        """Fields and files of a ``multipart/form-data`` or ``x-www-form-urlencoded`` body."""
        if self._form is None:
            content_type = self.header(b"content-type")
            if content_type.startswith("multipart/form-data"):
                try:
                    self._form = parse_multipart(self.body, content_type)
                except FormParserError as error:
                    raise GraphError(100, "Invalid parameter", f"The form cannot be read: {error}") from None
            else:
                parsed = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
                self._form = ({name: values[-1] for name, values in parsed.items()}, {})
        return self._form

    def params(self) -> JSON:
        """Query parameters and the body's fields (JSON or form) in one: Graph accepts either. The body wins."""
        content_type = self.header(b"content-type")
        if self.body and "form" in content_type:
            return {**self.query, **self.form()[0]}
        return {**self.query, **self.json()}
