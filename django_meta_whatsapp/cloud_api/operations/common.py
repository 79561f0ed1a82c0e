"""What the operations share: paths, and how to read lists and single values out of Meta's answers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from django_meta_whatsapp.cloud_api.calls import JSON, Page
from django_meta_whatsapp.cloud_api.errors import InvalidMessage


def path(**parts: str) -> str:
    """The parts joined with slashes, each quoted. Raises InvalidMessage for an empty part.

    An id that is missing would turn into a call on another object.
    """
    for name, part in parts.items():
        if not part:
            raise InvalidMessage(name, "must not be empty")
    return "/".join(map(_quoted, parts.values()))


@lru_cache
def _quoted(part: str) -> str:
    return quote(str(part), safe=":")


def without_empty(values: Mapping[str, Any]) -> JSON:
    """The entries that hold a value: no None and no empty text."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def paging_query(limit: int, after: str | None = None) -> dict[str, str]:
    """The query parameters for one page of a list."""
    return {"limit": str(limit), **({"after": after} if after else {})}


def page(body: JSON) -> Page:
    """One page of a list that ends where Meta gives no `next` (a short or empty page may still have one)."""
    paging = _mapping(body.get("paging"))
    following = paging.get("next")
    after = _cursor(paging) or _after_of(following) if following else None
    return Page(_entries(body), after, _without_token(body))


def page_by_cursor(body: JSON) -> Page:
    """One page of a list whose answers carry cursors but often no `next`: it ends with an empty page."""
    entries = _entries(body)
    after = _cursor(_mapping(body.get("paging"))) if entries else None
    return Page(entries, after, _without_token(body))


def _without_token(body: JSON) -> JSON:
    """The body without the access token that Meta writes into the links to the pages around this one."""
    paging = dict(_mapping(body.get("paging")))
    for name in ("next", "previous"):
        if isinstance(link := paging.get(name), str):
            parts = urlsplit(link)
            kept = [pair for pair in parts.query.split("&") if not pair.startswith("access_token=")]
            paging[name] = urlunsplit(parts._replace(query="&".join(kept)))
    return {**body, "paging": paging} if paging else body


def first_entry(body: JSON) -> JSON:
    """The single object that Meta wraps into a list of one; the body itself where it does not."""
    entries = _entries(body)
    return entries[0] if entries else {key: value for key, value in body.items() if key != "data"}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _entries(body: JSON) -> list[JSON]:
    data = body.get("data")
    return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []


def _cursor(paging: Mapping[str, Any]) -> str | None:
    after = _mapping(paging.get("cursors")).get("after")
    return after if isinstance(after, str) and after else None


def _after_of(following: object) -> str | None:
    values = parse_qs(urlsplit(following).query).get("after") if isinstance(following, str) else None
    return values[0] if values else None
