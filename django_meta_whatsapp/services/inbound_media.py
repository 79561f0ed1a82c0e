"""The files that people send: fetched at once into the default storage, because Meta keeps them for seven days only.

A message whose file is to be fetched is `pending` with a due time on the database's clock. Whoever fetches it claims it first:
the count of tries is the fence, and the due time moves to when somebody else may try. The message names its file only
when all of it is stored and its hash is right.
"""

import base64
import binascii
import logging
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.client import Download
from django_meta_whatsapp.cloud_api.content.text_media import filename_with_extension
from django_meta_whatsapp.cloud_api.errors import DownloadRefused
from django_meta_whatsapp.cloud_api.events.reading import mapping
from django_meta_whatsapp.cloud_api.operations import media as operations
from django_meta_whatsapp.cloud_api.wire import MIN_SPEED
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.models import MediaState, WhatsAppMessage
from django_meta_whatsapp.models.bulk.claims import ends_in
from django_meta_whatsapp.services import clock, message_columns
from django_meta_whatsapp.services.media import MAX_BYTES
from django_meta_whatsapp.services.steps import Job, ask, run
from django_meta_whatsapp.services.steps import fetch as fetch_file
from django_meta_whatsapp.services.transactions import database

logger = logging.getLogger(__name__)

WORK = "media"
MAX_ATTEMPTS = 20
"""Over about three days, with the default pauses."""
LONGEST_PAUSE = 6 * 3600.0
KEPT = timedelta(days=7)
"""Meta's ids of received files are good for so long (its page "Media")."""
_LEAST_LEASE = 300.0
_SKEW = timedelta(minutes=1)
"""So far the database's clock may be behind ours: a file is due at once all the same."""
_SPOOL = 1024 * 1024
_ERROR_LENGTH = 2000
_GONE = "Meta keeps received files for seven days, and these are over."
_DIED = "Whoever fetched this stopped in the middle, each time."


def columns_of(type_: str, content: Any, at: datetime) -> dict[str, Any]:
    """The columns of a new inbound row that say whether a file is to be fetched. at: when the message came."""
    has_file = type_ in message_columns.MEDIA and isinstance(content, Mapping) and bool(content.get("id"))
    if has_file and whatsapp_settings.FETCH_INBOUND_MEDIA:
        return {"media_state": MediaState.PENDING, "media_due_at": at - _SKEW}
    return {}


def announce(rows: Sequence[WhatsAppMessage]) -> None:
    """Lets the clock know, after the commit, of those of `rows` whose files are to be fetched."""
    due = [row.pk for row in rows if row.media_state == MediaState.PENDING]
    if due:
        key = due[0] if len(due) == 1 else None
        send = partial(signals.work_due.send_robust, sender=WhatsAppMessage, kind=WORK, key=key)
        transaction.on_commit(send, using=database())


def is_due() -> bool:
    """Whether there are files to fetch now."""
    return _due().exists()


def fetch_due(limit: int = 20) -> int:
    """Fetches up to `limit` files whose time has come, one after the other; how many were tried."""
    keys = list(_due().order_by("media_due_at").values_list("pk", flat=True)[:limit])
    return sum(fetch(key) for key in keys)


def fetch(message_id: int) -> bool:
    """Fetches the file of one message, unless it is not due or somebody else's at the moment. Whether it was tried.

    What goes wrong is written on the message, which is tried again unless that is of no use.
    """
    message = _claim(message_id)
    if message is None:
        return False
    try:
        reason = _hopeless(message)
        if not reason:
            _fetch(message)
    except DownloadRefused as error:
        reason = str(error)
    except Exception as error:
        logger.warning("The file of message #%s was not fetched", message_id, exc_info=True)
        _postpone(message, error)
    if reason:
        _give_up(message, reason)
    return True


def _due() -> QuerySet[WhatsAppMessage]:
    return WhatsAppMessage.objects.filter(media_due_at__lte=Now(), media_state=MediaState.PENDING)


def _claim(message_id: int) -> WhatsAppMessage | None:
    message = _due().filter(pk=message_id).first()
    if message is None:
        return None
    lease = _LEAST_LEASE + MAX_BYTES.get(message.message_type, 0) / MIN_SPEED
    # Of two who have read the same row, one gets it.
    claimed = _mine(message).update(
        media_attempts=message.media_attempts + 1, media_due_at=ends_in(lease), media_error=""
    )
    message.media_attempts += 1
    return message if claimed else None


def _mine(message: WhatsAppMessage) -> QuerySet[WhatsAppMessage]:
    return WhatsAppMessage.objects.filter(
        pk=message.pk, media_state=MediaState.PENDING, media_attempts=message.media_attempts
    )


def _hopeless(message: WhatsAppMessage) -> str:
    """Why there is no use in trying; empty when there may be."""
    # Of shared history, Meta makes ids of files that are older.
    is_history = "history_context" in mapping(message.raw_payload)
    if not is_history and clock.now() - message.timestamp > KEPT:
        return _GONE
    return _DIED if message.media_attempts > MAX_ATTEMPTS else ""


def _postpone(message: WhatsAppMessage, error: Exception) -> None:
    why = str(error) or repr(error)
    if message.media_attempts >= MAX_ATTEMPTS:
        _give_up(message, why)
        return
    first = float(whatsapp_settings.INBOUND_MEDIA_RETRY_SECONDS)
    pause = min(first * 2 ** (message.media_attempts - 1), LONGEST_PAUSE)
    _mine(message).update(media_error=why[:_ERROR_LENGTH], media_due_at=ends_in(pause))


def _give_up(message: WhatsAppMessage, why: str) -> None:
    _mine(message).update(media_state=MediaState.FAILED, media_error=why[:_ERROR_LENGTH], media_due_at=None)


def _fetch(message: WhatsAppMessage) -> None:
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as file:
        sink = cast(BinaryIO, file)
        described, got = run(_download(message, sink), message.account)
        if not _is_right(got, message.content, described):
            raise InvalidFile("media", "What came does not have the hash that Meta gave.")
        mime_type = message.media_mime_type or str(described.get("mime_type") or got.content_type)
        sink.seek(0)
        _keep(message, sink, got, mime_type)


def _download(message: WhatsAppMessage, sink: BinaryIO) -> Job[tuple[JSON, Download]]:
    described = yield from ask(operations.media_url(message.media_id))
    limit = whatsapp_settings.INBOUND_MEDIA_MAX_BYTES
    got = yield from fetch_file(str(described.get("url") or ""), sink, limit)
    return described, got


def _is_right(got: Download, *told: Mapping[str, Any]) -> bool:
    """Whether the hash is one that Meta gave, if it gave any."""
    hashes = {known for each in told if (known := _hash(each.get("sha256")))}
    return not hashes or got.sha256 in hashes


def _hash(value: Any) -> str:
    """A SHA-256 in hexadecimal, which Meta writes in base64 (webhooks) or so (Graph API); empty for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        raw = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return ""
    return raw.hex() if len(raw) == 32 else ""


def _keep(message: WhatsAppMessage, file: BinaryIO, got: Download, mime_type: str) -> None:
    storage = message.media_file.storage
    if message.media_attempts > 1:
        # Whoever tried before us may have died after storing the file.
        _discard(storage, _name(message, got, mime_type, message.media_attempts - 1))
    name = _name(message, got, mime_type, message.media_attempts)
    try:
        stored = storage.save(name, File(file))
    except Exception:
        _discard(storage, name)
        raise
    kept = _mine(message).update(
        media_state=MediaState.FETCHED,
        media_file=stored,
        media_sha256=got.sha256,
        media_size=got.size,
        media_mime_type=mime_type[:255],
        media_error="",
        media_due_at=None,
    )
    if not kept:
        _discard(storage, stored)


def _name(message: WhatsAppMessage, got: Download, mime_type: str, attempt: int) -> str:
    """Where the file goes. Nothing in it is the sender's: a type that we do not know, which browsers might run, is `.bin`."""
    stem = f"{message.pk}-{got.sha256[:32]}-{attempt}"
    name = filename_with_extension(stem, mime_type)
    folder = message.timestamp.strftime(str(message.media_file.field.upload_to))
    return str(PurePosixPath(folder, name if name != stem else f"{stem}.bin"))


def _discard(storage: Storage, name: str) -> None:
    try:
        storage.delete(name)
    except Exception:
        logger.warning("%s is left in the storage, and belongs to nothing", name, exc_info=True)
