"""Media: upload, find, delete; and the resumable upload for template headers and profile pictures.

Downloading is the client's `download`. Source: Meta's pages "media", and the Graph API's "resumable upload".
"""

from urllib.parse import parse_qsl

from django_meta_whatsapp.cloud_api.calls import JSON, READ, WRITE, Call, FilePart, as_is
from django_meta_whatsapp.cloud_api.operations.common import path

M4A_TYPES = ("audio/x-m4a", "audio/m4a")


def uploadable_type(filename: str, mime_type: str) -> str:
    """`mime_type` as Meta takes it: `.m4a` recordings go as `audio/mp4`."""
    if filename.lower().endswith(".m4a") or mime_type.lower() in M4A_TYPES:
        return "audio/mp4"
    return mime_type


def upload(phone_number_id: str, part: FilePart) -> Call[str]:
    """Uploads a file; the result is its media id, good for 30 days and for this phone number."""
    form = {"messaging_product": "whatsapp", "type": part.content_type}
    where = path(phone_number_id=phone_number_id, edge="media")
    return Call("POST", where, _identifier, WRITE, form=form, file=part)


def _identifier(body: JSON) -> str:
    return str(body["id"])


def media_url(media_id: str, phone_number_id: str = "") -> Call[JSON]:
    """Where a file can be fetched for 5 minutes: `{"url", "mime_type", "sha256", "file_size", "id"}`.

    phone_number_id: when given, Meta answers only if the file belongs to that number.
    """
    return Call("GET", path(media_id=media_id), as_is, READ, query=_owner(phone_number_id))


def delete_media(media_id: str, phone_number_id: str = "") -> Call[JSON]:
    """Deletes a file at Meta."""
    return Call("DELETE", path(media_id=media_id), as_is, WRITE, query=_owner(phone_number_id))


def _owner(phone_number_id: str) -> dict[str, str]:
    return {"phone_number_id": phone_number_id} if phone_number_id else {}


def start_upload(app_id: str, filename: str, size: int, content_type: str) -> Call[str]:
    """Opens a resumable upload; the result is the session's id (`upload:…`).

    size: bytes. content_type: PDF, JPEG, PNG or MP4.
    """
    query = {"file_name": filename, "file_length": str(size), "file_type": content_type}
    return Call("POST", path(app_id=app_id, edge="uploads"), _identifier, WRITE, query=query)


def upload_chunk(session_id: str, part: FilePart, *, offset: int = 0) -> Call[str]:
    """Sends a file, or its rest from byte `offset` on, to an upload session; the result is the file's handle."""
    # A session's id may end in a query (`upload:MTph…?sig=…`) that belongs to the address.
    session, _, signature = session_id.partition("?")
    # Uploads alone want the token under another word than every other call.
    return Call(
        "POST",
        path(session_id=session),
        _handle,
        WRITE,
        query=dict(parse_qsl(signature)),
        headers={"file_offset": str(offset)},
        raw=part,
        auth_scheme="OAuth",
    )


def _handle(body: JSON) -> str:
    return str(body["h"])
