"""Blocking people on one number."""

from collections.abc import Sequence

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations import blocking as operations
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import block_list, blocking
from django_meta_whatsapp.services.accounts import async_client_for, client_for, phone_number_id
from django_meta_whatsapp.services.steps import arun, run

__all__ = [
    "ablock_users",
    "aget_blocked_users",
    "async_blocked_users_from_meta",
    "aunblock_users",
    "block_users",
    "get_blocked_users",
    "sync_blocked_users_from_meta",
    "unblock_users",
]


def block_users(phone_numbers: Sequence[str], account: WhatsAppAccount | None = None) -> JSON:
    """Blocks people at Meta, who must have written to this number in the last 24 hours.

    phone_numbers: as people type them, or business-scoped user IDs. More than 1,000 are split into several calls and the
    answers merged.
    Notes each success and each failure as a WhatsAppBlockedUser row, and marks the contacts (`is_blocked`).
    Returns `{"messaging_product", "block_users": {"added_users": [{"input", "wa_id"}], "failed_users": [{"input",
    "errors"}]}}`, with Meta's `error` beside it when somebody failed: that alone raises nothing.
    Raises InvalidPhoneNumber and, for an empty list, InvalidMessage (both ValueError), with nothing sent; MetaAPIError
    when a call fails as a whole (calls made before it count, and are noted).
    Source: the reference; Meta's page "Block users".
    """
    return run(blocking.block(phone_numbers, account), account)


async def ablock_users(phone_numbers: Sequence[str], account: WhatsAppAccount | None = None) -> JSON:
    """`block_users`, awaited."""
    return await arun(blocking.block(phone_numbers, account), account)


def unblock_users(phone_numbers: Sequence[str], account: WhatsAppAccount | None = None) -> JSON:
    """Unblocks people; likewise, with `removed_users` in the answer.

    Their rows become inactive and get `unblocked_at`; a contact whom no other number of ours blocks is unmarked.
    Raises as `block_users` does. Source: the reference; Meta's page "Block users".
    """
    return run(blocking.unblock(phone_numbers, account), account)


async def aunblock_users(phone_numbers: Sequence[str], account: WhatsAppAccount | None = None) -> JSON:
    """`unblock_users`, awaited."""
    return await arun(blocking.unblock(phone_numbers, account), account)


def get_blocked_users(
    limit: int = 100, after_cursor: str | None = None, account: WhatsAppAccount | None = None
) -> JSON:
    """One page of Meta's block list, as it comes: `{"data": [{"wa_id"}], "paging": {"cursors": {"after"}}}`.

    after_cursor: `paging.cursors.after` of the page before. Raises MetaAPIError.
    Source: the reference; Meta's page "Block users".
    """
    return (
        client_for(account).run(operations.blocked_users(phone_number_id(account), limit, after_cursor)).raw
    )


async def aget_blocked_users(
    limit: int = 100, after_cursor: str | None = None, account: WhatsAppAccount | None = None
) -> JSON:
    """`get_blocked_users`, awaited."""
    page = await async_client_for(account).run(
        operations.blocked_users(phone_number_id(account), limit, after_cursor)
    )
    return page.raw


def sync_blocked_users_from_meta(account: WhatsAppAccount | None = None) -> int:
    """Reads Meta's whole block list and makes our rows and contacts say the same; how many people are on it.

    People who are no longer on it are noted as unblocked. Raises MetaAPIError, with nothing changed.
    Source: the reference; Meta's page "Block users".
    """
    return run(block_list.sync(account), account)


async def async_blocked_users_from_meta(account: WhatsAppAccount | None = None) -> int:
    """`sync_blocked_users_from_meta`, awaited."""
    return await arun(block_list.sync(account), account)
