"""Image, video, audio, document and sticker; also the media of headers and template parameters."""

from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.checks import Context, flag, only, optional_text, web_url

KINDS = ("image", "video", "audio", "document", "sticker")
_ALLOWED = {
    "image": ("id", "link", "caption"),
    "video": ("id", "link", "caption"),
    "audio": ("id", "link", "voice"),
    "document": ("id", "link", "caption", "filename"),
    "sticker": ("id", "link"),
}
_MIME_PREFIXES = {
    "image": ("image/jpeg", "image/png"),
    "video": ("video/mp4", "video/3gp"),
    "audio": ("audio/",),
    "document": ("",),
    "sticker": ("image/webp",),
}
_CAPTION_MAX = 1024


def check_media(context: Context, kind: str, content: JSON) -> None:
    """A media message of ``kind``: exactly one of ``id`` and ``link``, and what else the kind allows."""
    only(content, _ALLOWED[kind], kind)
    check_source(context, kind, content, kind)
    optional_text(content, "caption", f"{kind}['caption']", _CAPTION_MAX)
    optional_text(content, "filename", f"{kind}['filename']", 240)
    flag(content, "voice", f"{kind}['voice']")


def check_source(context: Context, kind: str, content: JSON, path: str) -> None:
    """Exactly one of ``id`` and ``link``; an id must be a live upload of the same business number.

    Media of a wrong type is accepted and reported by webhook (131053).
    """
    media_id = content.get("id")
    if media_id is None:
        if content.get("link") is None:
            raise missing(f"{path}['id'] or {path}['link']")
        web_url(content, "link", f"{path}['link']", 4096)
        return
    if content.get("link") is not None:
        raise invalid(f"{path}: only one of 'id' and 'link' may be given.")
    media = context.world.media.get(str(media_id))
    known = media is not None and media.phone_number_id == context.number.id
    if media is None or not known or media.expires_at <= context.world.clock.now():
        raise malformed(f"Param {path}['id'] is not a valid whatsapp business account media attachment ID")
    if not media.mime_type.startswith(_MIME_PREFIXES[kind]):
        context.late_failure = (131053, f"{media.mime_type} cannot be sent as {kind}.")
