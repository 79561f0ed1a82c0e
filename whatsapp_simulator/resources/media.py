"""Media: upload, find, download, delete (Meta: media page)."""

import hashlib
import mimetypes
import secrets
from urllib.parse import urlencode

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.http import Answer, GraphError, Request, answer, success, unknown_object
from whatsapp_simulator.media_rules import check_file
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import MESSAGING, Media
from whatsapp_simulator.world import World

_UPLOADED_SECONDS = 30 * 24 * 3600
_URL_SECONDS = 300
_TOTAL_MAX = 512 * 1024 * 1024
"""Bytes kept in memory: the oldest files go first when more is uploaded."""


@route("POST", "/{phone_number_id}/media", permission=MESSAGING)
def upload(world: World, request: Request, phone_number_id: str) -> Answer:
    """Keep a file for 30 days (or ``ttl_minutes``); wrong types are error 100, too large files 131053.

    Omits: a look inside the file (codecs, pixels), and more than 512 MB in all (the oldest files go).
    """
    fields, files = request.form()
    if fields.get("messaging_product") != "whatsapp":
        raise missing("messaging_product")
    file = files.get("file")
    if file is None:
        raise missing("file")
    mime_type = file.content_type or fields.get("type", "")
    check_file(mime_type, file.content)
    now = world.clock.now()
    _make_room(world, len(file.content), now)
    media = Media(
        world.new_id(),
        phone_number_id,
        mime_type,
        file.content,
        hashlib.sha256(file.content).hexdigest(),
        file.filename,
        now,
        now + _lifetime(fields.get("ttl_minutes", "")),
    )
    world.add_media(media)
    return answer({"id": media.id})


def _lifetime(minutes: str) -> int:
    if not minutes:
        return _UPLOADED_SECONDS
    if not minutes.isdecimal() or not 1 <= int(minutes) * 60 <= _UPLOADED_SECONDS:
        raise malformed("Param ttl_minutes must be a number of minutes of at most 30 days.")
    return int(minutes) * 60


def _make_room(world: World, size: int, now: float) -> None:
    for media in [media for media in world.media.values() if media.expires_at <= now]:
        world.remove_media(media.id)
    total = size + sum(len(media.content) for media in world.media.values())
    for media in list(world.media.values()):
        if total <= _TOTAL_MAX:
            return
        total -= len(media.content)
        world.remove_media(media.id)


def _live(world: World, request: Request, media_id: str) -> Media:
    """The file, unless its time is over or it belongs to another number than the one that was asked for."""
    media = world.media[media_id]
    number_id = request.query.get("phone_number_id", media.phone_number_id)
    if media.expires_at <= world.clock.now() or number_id != media.phone_number_id:
        raise unknown_object(media_id, request.method)
    return media


@route("GET", "/{media_id}", permission=MESSAGING)
def resolve(world: World, request: Request, media_id: str) -> Answer:
    """Where a file can be downloaded for the next five minutes."""
    media = _live(world, request, media_id)
    now = world.clock.now()
    secret, until = secrets.token_urlsafe(24), now + _URL_SECONDS
    media.urls = {key: end for key, end in media.urls.items() if end > now} | {secret: until}
    query = urlencode({"mid": media.id, "ext": int(until), "hash": secret})
    return answer(
        {
            "messaging_product": "whatsapp",
            "url": f"{request.base_url}/whatsapp_business/attachments/?{query}",
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": len(media.content),
            "id": media.id,
        }
    )


@route("GET", "/whatsapp_business/attachments", permission=MESSAGING)
def download(world: World, request: Request) -> Answer:
    """The bytes of a file, for a bearer token and an address that is not older than five minutes (else 404)."""
    media = world.media.get(request.query.get("mid", ""))
    now = world.clock.now()
    if media is None or media.expires_at <= now:
        return _gone()
    if request.token is not None and not request.token.sees(world.nodes[media.id].waba_id):
        raise GraphError(200, "You do not have the necessary permissions to use this asset", http_status=403)
    if media.urls.get(request.query.get("hash", ""), 0) <= now:
        return _gone()
    suffix = mimetypes.guess_extension(media.mime_type.partition(";")[0]) or ""
    disposition = f'attachment; filename="{media.id}{suffix}"'.encode()
    return Answer(
        media.content,
        content_type=media.mime_type.encode("latin-1", "replace"),
        headers=[(b"content-disposition", disposition)],
    )


def _gone() -> Answer:
    return Answer(b"<html><body>Not found</body></html>", 404, b"text/html; charset=utf-8")


@route("DELETE", "/{media_id}", permission=MESSAGING)
def delete(world: World, request: Request, media_id: str) -> Answer:
    """Forget a file."""
    world.remove_media(_live(world, request, media_id).id)
    return success()
