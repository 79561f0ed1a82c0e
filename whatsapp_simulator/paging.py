"""Pages of a list with opaque cursors (Graph API: paginated results)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from whatsapp_simulator.http import JSON, GraphError, Request

DEFAULT_LIMIT = 25
LARGEST_LIMIT = 1000

T = TypeVar("T")


def page(
    request: Request,
    items: Sequence[T],
    render: Callable[[T], JSON],
    *,
    links: bool = True,
    mark: str = "",
    stale: GraphError | None = None,
) -> JSON:
    """``{"data", "paging"}`` for the ``limit``, ``after`` and ``before`` of ``request``.

    ``links`` adds the ``next`` and ``previous`` URLs; some edges have cursors only. A cursor carries ``mark``: when
    the caller's cursor has another one, the list has changed meanwhile and ``stale`` is raised.
    """
    limit = _limit(request)
    start = _start(request, limit, mark, stale)
    chosen = items[start : start + limit]
    body: JSON = {"data": [render(item) for item in chosen]}
    if not chosen:
        return body
    end = start + len(chosen)
    before, after = _cursor(mark, start), _cursor(mark, end)
    body["paging"] = {"cursors": {"before": before, "after": after}}
    if links and end < len(items):
        body["paging"]["next"] = _link(request, after=after)
    if links and start:
        body["paging"]["previous"] = _link(request, before=before)
    return body


def _limit(request: Request) -> int:
    text = request.query.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal() or not int(text):
        raise GraphError(100, "Param limit must be an integer greater than 0")
    return min(int(text), LARGEST_LIMIT)


def _start(request: Request, limit: int, mark: str, stale: GraphError | None) -> int:
    after, before = request.query.get("after", ""), request.query.get("before", "")
    if not after and not before:
        return 0
    given, position = _read(after or before)
    if stale is not None and given != mark:
        raise stale
    return position if after else max(0, position - limit)


def _cursor(mark: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{mark}:{position}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        mark, _, position = text.rpartition(":")
        return mark, max(0, int(position))
    except (binascii.Error, ValueError):
        raise GraphError(100, "Invalid parameter", "The cursor is not valid.") from None


def _link(request: Request, **cursor: str) -> str:
    # Graph puts the caller's token into these URLs, however it was sent.
    query = {name: value for name, value in request.query.items() if name not in {"after", "before"}}
    if request.token is not None:
        query["access_token"] = request.token.value
    return f"{request.base_url}{request.path}?{urlencode({**query, **cursor})}"
