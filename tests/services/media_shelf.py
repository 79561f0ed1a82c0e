"""Meta with one file that somebody sent us: the file, the message with it, and what became of both."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from django_meta_whatsapp.cloud_api.events import MessageEvent, parse
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage
from django_meta_whatsapp.services import inbound_media, inbox
from django_meta_whatsapp.services.delivery import Delivery
from tests.webhooks import posting

CONTENT = b"\x89PNG a picture" * 1000
MEDIA_ID = "900000000000001"


class Shelf:
    """Meta with one file. described: over the answer about it. on_download: called before the file is given."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.described: dict[str, Any] = {}
        self.asked = 0
        self.downloads = 0
        self.status = 200
        self.on_download: Callable[[], None] = lambda: None


@contextmanager
def serving(meta: Shelf) -> Iterator[tuple[str, Shelf]]:
    """The address at which a server answers as the shelf says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/file"):
                meta.downloads += 1
                meta.on_download()
                self.answer(200, meta.content, "application/octet-stream")
                return
            meta.asked += 1
            host = f"http://{self.headers['Host']}"
            known = {"id": MEDIA_ID, "url": f"{host}/file", "mime_type": "image/png", **meta.described}
            error = {"error": {"code": 100, "error_subcode": 33, "message": "No such object"}}
            body = known if meta.status == 200 else error
            self.answer(meta.status, json.dumps(body).encode(), "application/json")

        def answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """No lines on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", meta
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def received(
    account: WhatsAppAccount,
    kind: str = "image",
    *,
    content: bytes = CONTENT,
    at: datetime | None = None,
    **parts: Any,
) -> WhatsAppMessage:
    """The row of an inbound message with a file."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    media = {"id": MEDIA_ID, "mime_type": "image/png", "sha256": digest, **parts}
    stamp = str(int((at or timezone.now()).timestamp()))
    given = {"from": "15550001111", "id": "wamid.M", "timestamp": stamp, "type": kind, kind: media}
    events = [event for event in parse(posting.inbound(given)) if isinstance(event, MessageEvent)]
    inbox.receive(account, events, Delivery(received_at=datetime.now(UTC)))
    return WhatsAppMessage.objects.get(message_id="wamid.M")


def fetched(message: WhatsAppMessage) -> WhatsAppMessage:
    """The row after one try to fetch its file."""
    assert inbound_media.fetch(message.pk)
    message.refresh_from_db()
    return message


def make_due(message: WhatsAppMessage) -> None:
    WhatsAppMessage.objects.filter(pk=message.pk).update(media_due_at=timezone.now() - timedelta(minutes=2))


def files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


class FullDisk(FileSystemStorage):
    """Has room for half of a file."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        super().save(name, content, max_length)
        raise OSError(28, "No space left on device")
