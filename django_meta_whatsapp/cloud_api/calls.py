"""A `Call` describes one request to Meta and how to read its answer. It does no I/O.

Operations build calls, the sync and the async driver in `client` run them, so no logic is written twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Generic, Literal, TypeVar

T = TypeVar("T")
Method = Literal["GET", "POST", "DELETE"]
JSON = dict[str, Any]

READ: Literal["read"] = "read"
"""Changes nothing at Meta: the driver may repeat it."""
WRITE: Literal["write"] = "write"
"""Changes something at Meta: sent once."""
MESSAGE: Literal["message"] = "message"
"""Sends a message: sent once, and a 200 counts only when it carries a message id."""
Kind = Literal["read", "write", "message"]


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file to upload as one multipart field, streamed from `file` and never read whole.

    size: bytes from the current position to the end; sent as part of Content-Length.
    """

    file: BinaryIO
    size: int
    filename: str
    content_type: str
    field: str = "file"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to the Graph API.

    path: what follows the version, without a leading slash (`"222/messages"`).
    parse: turns the JSON body of a successful answer into the result.
    form, file: multipart fields; `body`: a JSON body; `raw`: a file that is the whole body. Give one of the three.
    auth_scheme: the word before the token in the Authorization header.
    usable: says whether an answer that carries an error is nevertheless a result
        (blocking users answers HTTP 400 with both).
    """

    method: Method
    path: str
    parse: Callable[[JSON], T]
    kind: Kind
    query: Mapping[str, str] = field(default_factory=dict)
    body: JSON | None = None
    form: Mapping[str, str] | None = None
    file: FilePart | None = None
    raw: FilePart | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    auth_scheme: str = "Bearer"
    usable: Callable[[JSON], bool] | None = None

    def with_query(self, **query: str) -> "Call[T]":
        """The same call with more query parameters."""
        return replace(self, query={**self.query, **query})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `after` is the cursor of the next page, or None at the end.

    raw: Meta's whole answer, without the access token that Meta writes into its links.
    """

    data: list[JSON]
    after: str | None
    raw: JSON


def as_is(body: JSON) -> JSON:
    """Meta's answer, unchanged."""
    return body
