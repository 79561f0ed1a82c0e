"""Blocking users on one phone number (Meta's page "block users").

Some users failing is an HTTP 400 whose body still says who was blocked: such an answer is a result, not an error.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON, READ, WRITE, Call, Method, Page, as_is
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.operations.common import page_by_cursor, paging_query, path

USERS_PER_CALL = 1000


def block(phone_number_id: str, users: Sequence[str]) -> Call[JSON]:
    """Blocks up to 1,000 users who wrote to this number in the last 24 hours.

    users: international numbers with `+`, or business-scoped user ids.
    The answer: `{"block_users": {"added_users": [{"input", "wa_id"}], "failed_users": [{"input", "errors"}]}}`.
    """
    return _change("POST", phone_number_id, users)


def unblock(phone_number_id: str, users: Sequence[str]) -> Call[JSON]:
    """Unblocks up to 1,000 users. The answer is as for `block`, with `removed_users`."""
    return _change("DELETE", phone_number_id, users)


def _change(method: Method, phone_number_id: str, users: Sequence[str]) -> Call[JSON]:
    if not 1 <= len(users) <= USERS_PER_CALL:
        raise InvalidMessage("users", f"has {len(users)} items, 1 to {USERS_PER_CALL} are allowed")
    body = {"messaging_product": "whatsapp", "block_users": [_user(user) for user in users]}
    where = path(phone_number_id=phone_number_id, edge="block_users")
    return Call(method, where, as_is, WRITE, body=body, usable=_has_result)


def _user(user: str) -> JSON:
    # A business-scoped user id starts with a country code and a dot; a phone number has neither.
    return {"user_id": user} if user[:2].isalpha() and user[2:3] == "." else {"user": user}


def _has_result(body: JSON) -> bool:
    return isinstance(body.get("block_users"), dict)


def changed_users(body: JSON) -> list[JSON]:
    """The users that a `block` or `unblock` answer reports as done; Meta has used either key for both."""
    return _users(body, "added_users") + _users(body, "removed_users")


def failed_users(body: JSON) -> list[JSON]:
    """The users that a `block` or `unblock` answer reports as failed, each with its `errors`."""
    return _users(body, "failed_users")


def _users(body: JSON, key: str) -> list[JSON]:
    result = body.get("block_users")
    return _objects(result.get(key)) if isinstance(result, dict) else []


def blocked_users(phone_number_id: str, limit: int = 100, after: str | None = None) -> Call[Page]:
    """One page of the block list; see `blocked_entries` for what is on it."""
    where = path(phone_number_id=phone_number_id, edge="block_users")
    return Call("GET", where, page_by_cursor, READ, query=paging_query(limit, after))


def blocked_entries(page: Page) -> Iterator[JSON]:
    """The blocked users on a page (`{"wa_id", …}`), in whichever of Meta's two shapes they come."""
    for entry in page.data:
        nested = entry.get("block_users")
        yield from _objects(nested) if nested is not None else [entry]


def _objects(value: Any) -> list[JSON]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
