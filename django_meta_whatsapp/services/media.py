"""Files to and from Meta, streamed: no large file is ever whole in memory."""

import logging
import mimetypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO, cast

from django_meta_whatsapp.cloud_api.calls import JSON, FilePart
from django_meta_whatsapp.cloud_api.content import Audio, Document, Image, Media, Sticker, Video
from django_meta_whatsapp.cloud_api.content.text_media import filename_with_extension
from django_meta_whatsapp.cloud_api.operations import business, media, messages
from django_meta_whatsapp.errors import InvalidFile, InvalidInput, InvalidMessage, MetaAPIError
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import accounts
from django_meta_whatsapp.services.steps import Job, ask, fetch

logger = logging.getLogger(__name__)

_MB = 1024 * 1024
MAX_BYTES = {
    "image": 5 * _MB,
    "sticker": 500 * 1024,
    "audio": 16 * _MB,
    "video": 16 * _MB,
    "document": 100 * _MB,
}
"""Meta's limits, in bytes (Meta's page "media"). A still sticker has 100 KB; only Meta can tell the two apart."""
_CONTENT: dict[str, type[Media]] = {
    "image": Image,
    "video": Video,
    "audio": Audio,
    "document": Document,
    "sticker": Sticker,
}
_SPOOL = 1 * _MB
_CHUNK = 64 * 1024


def kind_of(mime_type: str) -> str:
    """As what Meta treats a file: `image`, `sticker`, `audio`, `video` or `document`."""
    plain = mime_type.partition(";")[0].strip().lower()
    if plain in ("image/jpeg", "image/png"):
        return "image"
    if plain == "image/webp":
        return "sticker"
    family = plain.partition("/")[0]
    return family if family in ("audio", "video") else "document"


def upload(file_obj: Any, mime_type: str, account: WhatsAppAccount | None) -> Job[str]:
    """Uploads a file from its beginning; the result is its media id, good for 30 days and for this number."""
    with opened(file_obj, mime_type) as part:
        return (yield from ask(media.upload(accounts.phone_number_id(account), part)))


def upload_handle(file_obj: Any, mime_type: str, account: WhatsAppAccount | None, app_id: str) -> Job[str]:
    """Uploads a sample file for a template header or a profile picture; the result is its handle."""
    app_id = app_id or (account.app_id if account else "")
    if not app_id:
        token = yield from ask(business.debug_token(accounts.credentials(account).access_token))
        app_id = str(token.get("app_id") or "")
    with opened(file_obj, mime_type) as part:
        session = yield from ask(media.start_upload(app_id, part.filename, part.size, part.content_type))
        return (yield from ask(media.upload_chunk(session, part)))


def download(media_id: str, sink: BinaryIO, max_bytes: int) -> Job[JSON]:
    """Streams a file of Meta's into `sink`: `{"id", "mime_type", "size", "sha256"}` of what came."""
    described = yield from ask(media.media_url(media_id))
    got = yield from fetch(str(described.get("url") or ""), sink, max_bytes)
    mime_type = described.get("mime_type") or got.content_type
    return {"id": media_id, "mime_type": mime_type, "size": got.size, "sha256": got.sha256}


@contextmanager
def opened(file_obj: Any, mime_type: str) -> Iterator[FilePart]:
    """`file_obj` as something to upload: measured, named and within Meta's limit for its kind.

    A file that cannot go back to its beginning is first copied to disk. Raises InvalidFile for one that is too
    large, empty or opened as text, InvalidInput for a MIME type that is none.
    """
    name = _filename(file_obj, mime_type)
    content_type = media.uploadable_type(name, mime_type or mimetypes.guess_type(name)[0] or "")
    if "/" not in content_type:
        raise InvalidInput("mime_type", f"{mime_type!r} is no MIME type.")
    limit = MAX_BYTES[kind_of(content_type)]
    with _at_the_beginning(file_obj, limit) as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(0)
        if not size:
            raise InvalidFile("file_obj", "The file is empty.")
        if size > limit:
            raise _too_large(kind_of(content_type), limit)
        yield FilePart(file, size, name, content_type)


def _too_large(kind: str, limit: int) -> InvalidFile:
    return InvalidFile("file_obj", f"The {kind} is larger than Meta's {limit:,} bytes.")


def _filename(file_obj: Any, mime_type: str) -> str:
    """The last part of the file's name; `file` for one without, such as a stream or a file descriptor."""
    name = getattr(file_obj, "name", None)
    base = PureWindowsPath(PurePosixPath(name).name).name if isinstance(name, str) else ""
    return base or filename_with_extension("file", mime_type)


@contextmanager
def _at_the_beginning(file_obj: Any, limit: int) -> Iterator[BinaryIO]:
    """`file_obj` itself when it can be rewound, else a copy of at most a little more than `limit` bytes."""
    if isinstance(file_obj.read(0), str):
        raise InvalidFile("file_obj", "The file is open as text: open it with mode 'rb'.")
    if _seekable(file_obj):
        yield cast(BinaryIO, file_obj)
        return
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as copy:
        copied = 0
        while copied <= limit and (chunk := file_obj.read(_CHUNK)):
            copied += copy.write(chunk)
        yield cast(BinaryIO, copy)


def _seekable(file_obj: Any) -> bool:
    seekable = getattr(file_obj, "seekable", None)
    return bool(seekable()) if seekable else hasattr(file_obj, "seek")


def sending(
    phone_number_id: str, to: str, media_id: str, media_type: str, caption: str, filename: str, reply_to: str
) -> Job[JSON]:
    """Sends an uploaded file. A document's name without an extension first gets that of the file's MIME type."""
    if media_type not in _CONTENT:
        raise InvalidMessage("media_type", f"is {media_type!r}, allowed are: {', '.join(_CONTENT)}")
    content: Media = _CONTENT[media_type](id=media_id, caption=caption)
    if media_type == "document":
        content = Document(id=media_id, caption=caption, filename=filename)
        # What can be refused is refused before Meta is asked anything.
        messages.send_message(phone_number_id, to, content, reply_to=reply_to)
        mime_type = yield from _mime_type(filename, media_id)
        content = replace(content, mime_type=mime_type)
    return (yield from ask(messages.send_message(phone_number_id, to, content, reply_to=reply_to)))


def _mime_type(filename: str, media_id: str) -> Job[str]:
    """The MIME type of an uploaded file, when the name needs it. Not knowing it must not stop the message."""
    if not filename or filename_with_extension(filename, "application/pdf") == filename:
        return ""
    try:
        described = yield from ask(media.media_url(media_id))
    except MetaAPIError as error:
        logger.info("The MIME type of media %s is not known: %s", media_id, error)
        return ""
    return str(described.get("mime_type") or "")
