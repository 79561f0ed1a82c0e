"""Files: upload, send, find, download, delete. Raw: no gate, no row."""

from collections.abc import Sequence
from typing import Any, BinaryIO

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import Card, MediaCarousel, Sticker
from django_meta_whatsapp.cloud_api.operations import media as operations
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import media
from django_meta_whatsapp.services.accounts import async_client_for, client_for, phone_number_id
from django_meta_whatsapp.services.recipients import address_of
from django_meta_whatsapp.services.steps import arun, run
from django_meta_whatsapp.utils.sending import asend_content, send_content

__all__ = [
    "adelete_media",
    "adownload_media",
    "aget_media_url",
    "asend_media_carousel_message",
    "asend_media_message",
    "asend_sticker_message",
    "aupload_media",
    "aupload_media_handle",
    "delete_media",
    "download_media",
    "get_media_url",
    "send_media_carousel_message",
    "send_media_message",
    "send_sticker_message",
    "upload_media",
    "upload_media_handle",
]


def upload_media(file_obj: Any, mime_type: str, account: WhatsAppAccount | None = None) -> str:
    """Uploads a file and returns its media ID, good for 30 days and for this number.

    file_obj: open in binary mode (a Django upload, `open(path, "rb")`, a stream); read from its beginning, in pieces.
    mime_type: such as `image/jpeg`. Recordings named `.m4a` or of type `audio/x-m4a` or `audio/m4a` go as `audio/mp4`.
    Raises InvalidFile (a ValueError), with nothing sent, for a file that is empty, open as text or above Meta's limit:
    images 5 MB, audio and video 16 MB, stickers 500 KB, documents 100 MB. Raises MetaAPIError.
    Source: the reference; Meta's page "Media".
    """
    return run(media.upload(file_obj, mime_type, account), account)


async def aupload_media(file_obj: Any, mime_type: str, account: WhatsAppAccount | None = None) -> str:
    """`upload_media`, awaited."""
    return await arun(media.upload(file_obj, mime_type, account), account)


def send_media_message(
    phone_number: str,
    media_id: str,
    media_type: str,
    caption: str = "",
    filename: str = "document",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a file that was uploaded.

    media_type: `image`, `video`, `audio` or `document` (also `sticker`).
    caption: up to 1,024 characters; audio and stickers show none, so there it is dropped.
    filename: what the recipient sees, for documents only. Without an extension, which decides the icon, it gets the one
    of the file's MIME type: Meta is asked for that first.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's pages "Image messages", "Document messages" and so on.
    """
    return run(
        media.sending(
            phone_number_id(account),
            address_of(phone_number),
            media_id,
            media_type,
            caption,
            filename,
            reply_message_id or "",
        ),
        account,
    )


async def asend_media_message(
    phone_number: str,
    media_id: str,
    media_type: str,
    caption: str = "",
    filename: str = "document",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_media_message`, awaited."""
    return await arun(
        media.sending(
            phone_number_id(account),
            address_of(phone_number),
            media_id,
            media_type,
            caption,
            filename,
            reply_message_id or "",
        ),
        account,
    )


def send_sticker_message(
    phone_number: str,
    media_id: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a WebP sticker that was uploaded.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Sticker messages".
    """
    return send_content(phone_number, Sticker(id=media_id), reply_message_id, account)


async def asend_sticker_message(
    phone_number: str,
    media_id: str,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_sticker_message`, awaited."""
    return await asend_content(phone_number, Sticker(id=media_id), reply_message_id, account)


def send_media_carousel_message(
    phone_number: str,
    body: str,
    cards: Sequence[Card],
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends 2 to 10 cards side by side, each with a picture or film by link; see `content.Card`.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Media carousel messages".
    """
    return send_content(phone_number, MediaCarousel(body, cards), reply_message_id, account)


async def asend_media_carousel_message(
    phone_number: str,
    body: str,
    cards: Sequence[Card],
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_media_carousel_message`, awaited."""
    return await asend_content(phone_number, MediaCarousel(body, cards), reply_message_id, account)


def get_media_url(media_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """Where a file can be fetched for 5 minutes: `{"url", "mime_type", "sha256", "file_size", "id"}`.

    The address wants the access token: use `download_media`. Raises MetaAPIError. Source: Meta's page "Media".
    """
    return client_for(account).run(operations.media_url(media_id))


async def aget_media_url(media_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """`get_media_url`, awaited."""
    return await async_client_for(account).run(operations.media_url(media_id))


def download_media(
    media_id: str,
    file_obj: BinaryIO,
    account: WhatsAppAccount | None = None,
    max_bytes: int = media.MAX_BYTES["document"],
) -> JSON:
    """Streams a file of Meta's into `file_obj`, which is open for writing bytes.

    max_bytes: a larger file is refused (DownloadRefused); by default Meta's own limit, 100 MB.
    Returns `{"id", "mime_type", "size", "sha256"}`: size in bytes, sha256 in hexadecimal, both of what came.
    Raises MetaAPIError. Source: Meta's page "Media".
    """
    return run(media.download(media_id, file_obj, max_bytes), account)


async def adownload_media(
    media_id: str,
    file_obj: BinaryIO,
    account: WhatsAppAccount | None = None,
    max_bytes: int = media.MAX_BYTES["document"],
) -> JSON:
    """`download_media`, awaited."""
    return await arun(media.download(media_id, file_obj, max_bytes), account)


def delete_media(media_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """Deletes a file at Meta. Returns `{"success": True}`. Raises MetaAPIError. Source: Meta's page "Media"."""
    return client_for(account).run(operations.delete_media(media_id))


async def adelete_media(media_id: str, account: WhatsAppAccount | None = None) -> JSON:
    """`delete_media`, awaited."""
    return await async_client_for(account).run(operations.delete_media(media_id))


def upload_media_handle(
    file_obj: Any, mime_type: str, app_id: str = "", account: WhatsAppAccount | None = None
) -> str:
    """Uploads a sample for a template's header, or a profile picture, and returns its handle.

    mime_type: PDF, JPEG, PNG or MP4. app_id: by default the account's, else the one of the access token.
    Raises InvalidFile as `upload_media` does, and MetaAPIError. Source: the Graph API's "Resumable upload".
    """
    return run(media.upload_handle(file_obj, mime_type, account, app_id), account)


async def aupload_media_handle(
    file_obj: Any, mime_type: str, app_id: str = "", account: WhatsAppAccount | None = None
) -> str:
    """`upload_media_handle`, awaited."""
    return await arun(media.upload_handle(file_obj, mime_type, account, app_id), account)
