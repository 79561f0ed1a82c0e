"""Text and media messages (Meta's pages "text messages", "image messages" and the other media pages)."""

import re
from dataclasses import dataclass
from typing import ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised

CAPTION_LIMIT = 1024
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,5}$")
_EXTENSIONS = {
    "application/json": ".json",
    "application/msword": ".doc",
    "application/pdf": ".pdf",
    "application/rtf": ".rtf",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/zip": ".zip",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "video/3gpp": ".3gp",
    "video/mp4": ".mp4",
}


def filename_with_extension(filename: str, mime_type: str) -> str:
    """`filename`, with the extension of `mime_type` when it has none: WhatsApp picks the icon by it.

    A name stays as it is when the MIME type is not known. Parameters of the type do not count.
    """
    if not filename or _EXTENSION.search(filename):
        return filename
    return filename + _EXTENSIONS.get(mime_type.partition(";")[0].strip().lower(), "")


@dataclass(frozen=True, slots=True)
class Text(Summarised):
    """A text of at most 4,096 characters. `preview_url` asks for a preview of the first link."""

    type: ClassVar[str] = "text"
    body: str
    preview_url: bool = False

    def payload(self) -> JSON:
        """See `Content.payload`."""
        return {"body": checks.text("body", self.body, 4096), "preview_url": self.preview_url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(Summarised):
    """A file that is at Meta (`id`, from an upload) or that Meta is to fetch (`link`): one of the two."""

    shows_caption: ClassVar[bool] = True
    id: str = ""
    link: str = ""
    caption: str = ""

    def source(self) -> JSON:
        """The `id` or the `link` under its name. Raises InvalidMessage unless exactly one is given."""
        if bool(self.id) == bool(self.link):
            raise checks.invalid("id", "give either the id of an upload or a link, not both and not neither")
        return {"id": self.id} if self.id else {"link": checks.url("link", self.link)}

    def medium(self) -> JSON:
        """The source, with the caption when there is one and this kind of file shows it."""
        caption = checks.optional_text("caption", self.caption, CAPTION_LIMIT) if self.shows_caption else ""
        return {**self.source(), "caption": caption} if caption else self.source()

    def payload(self) -> JSON:
        """See `Content.payload`."""
        return self.medium()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Media):
    """A picture (JPEG or PNG, up to 5 MB)."""

    type: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Media):
    """A film (MP4 or 3GPP, up to 16 MB)."""

    type: ClassVar[str] = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(Media):
    """A recording (up to 16 MB). `voice` shows it as a voice message and wants OGG with OPUS.

    WhatsApp shows no caption under audio: a caption is dropped without a word.
    """

    type: ClassVar[str] = "audio"
    shows_caption: ClassVar[bool] = False
    voice: bool = False

    def payload(self) -> JSON:
        """See `Content.payload`."""
        medium = self.medium()
        return {**medium, "voice": True} if self.voice else medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Media):
    """A file of any kind (up to 100 MB).

    filename: what the recipient sees; without an extension it gets that of `mime_type`, where known.
    """

    type: ClassVar[str] = "document"
    filename: str = ""
    mime_type: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        filename = filename_with_extension(self.filename, self.mime_type)
        medium = self.medium()
        return {**medium, "filename": filename} if filename else medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticker(Media):
    """A WebP picture of 512 by 512 pixels (100 KB, animated 500 KB). A caption is dropped without a word."""

    type: ClassVar[str] = "sticker"
    shows_caption: ClassVar[bool] = False
