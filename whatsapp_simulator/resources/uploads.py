"""Resumable uploads: samples of template headers and profile pictures (Graph API: resumable upload page)."""

import base64
import secrets

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.http import Answer, Request, answer
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Node
from whatsapp_simulator.stores import UploadSession
from whatsapp_simulator.world import World

_TYPES = frozenset({"application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"})
_LENGTH_MAX = 100 * 1024 * 1024
_SESSIONS_MAX = 50


@route("POST", "/{app_id}/uploads", permission="")
def start(world: World, request: Request, app_id: str) -> Answer:
    """Open a session for a file of a known type and length.

    Omits: more than 50 open sessions (the oldest is closed).
    """
    params = request.params()
    file_type, length = str(params.get("file_type", "")), str(params.get("file_length", ""))
    if not length:
        raise missing("file_length")
    if not length.isdecimal() or not 1 <= int(length) <= _LENGTH_MAX:
        raise malformed(f"Param file_length must be between 1 and {_LENGTH_MAX} bytes.")
    if file_type not in _TYPES:
        raise malformed(f"Param file_type must be one of {', '.join(sorted(_TYPES))}.")
    label = base64.urlsafe_b64encode(b"attachment:" + secrets.token_hex(12).encode()).decode().rstrip("=")
    session = UploadSession(f"upload:{label}", secrets.token_urlsafe(12), file_type, int(length))
    sessions = world.stores.uploads
    while len(sessions) >= _SESSIONS_MAX:
        _close(world, next(iter(sessions)))
    sessions[session.id] = session
    world.nodes[session.id] = Node("upload_session", "")
    return answer({"id": f"{session.id}?sig={session.signature}"})


def _close(world: World, session_id: str) -> None:
    del world.stores.uploads[session_id]
    del world.nodes[session_id]


def _session(world: World, request: Request, session_id: str) -> UploadSession:
    session = world.stores.uploads[session_id]
    if request.query.get("sig") != session.signature:
        raise malformed("The signature of the upload session is missing or wrong.")
    return session


@route("GET", "/{upload_session_id}", permission="")
def progress(world: World, request: Request, upload_session_id: str) -> Answer:
    """How many bytes have arrived: an interrupted upload goes on from there."""
    session = _session(world, request, upload_session_id)
    return answer({"id": session.id, "file_offset": len(session.content)})


@route("POST", "/{upload_session_id}", permission="")
def send(world: World, request: Request, upload_session_id: str) -> Answer:
    """Take bytes at ``file_offset``; the last ones close the session and return the handle of the file.

    Omits: the bytes of a finished file: only its handle and type are remembered.
    """
    session = _session(world, request, upload_session_id)
    offset = request.header(b"file_offset")
    if offset != str(len(session.content)):
        raise malformed(f"file_offset must be {len(session.content)}.")
    if len(session.content) + len(request.body) > session.file_length:
        raise malformed(f"The file was announced with {session.file_length} bytes, more have been sent.")
    session.content += request.body
    if len(session.content) < session.file_length:
        return answer({"id": session.id, "file_offset": len(session.content)})
    _close(world, session.id)
    name = base64.b64encode(session.file_type.encode()).decode()
    handle = f"4::{name}:{secrets.token_urlsafe(48)}:e:{int(world.clock.now())}:{world.app_id}"
    world.stores.handles[handle] = session.file_type
    return answer({"h": handle})
