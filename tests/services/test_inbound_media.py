"""Files that people send: all of a file with the right hash is stored, under a name of ours, or nothing."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import clock, inbound_media
from tests.services.media_shelf import CONTENT, Shelf, fetched, files, make_due, received

pytestmark = pytest.mark.django_db


def test_a_file_is_stored_with_its_hash_and_size(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path
) -> None:
    message = received(account, at=datetime(2026, 3, 1, tzinfo=UTC))
    with clock.moved(datetime(2026, 3, 2, tzinfo=UTC) - timezone.now()):
        fetched(message)
    assert (message.media_state, message.media_error, message.media_due_at) == ("fetched", "", None)
    assert message.media_file.read() == CONTENT
    message.media_file.close()
    assert (message.media_sha256, message.media_size) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    name = f"whatsapp_media/2026/03/{message.pk}-{message.media_sha256[:32]}-1.png"
    assert message.media_file.name == name
    assert files(tmp_path) == [tmp_path / name]


def test_what_is_fetched_is_not_fetched_again(shelf: Shelf, account: WhatsAppAccount) -> None:
    message = fetched(received(account))
    assert not inbound_media.fetch(message.pk)
    received(account)
    assert not inbound_media.is_due()
    assert shelf.downloads == 1


@pytest.mark.parametrize(
    ("mime_type", "suffix"),
    [
        ("image/jpeg", ".jpg"),
        ("audio/ogg; codecs=opus", ".ogg"),
        ("video/mp4", ".mp4"),
        ("image/webp", ".webp"),
        ("application/pdf", ".pdf"),
        ("text/html", ".bin"),
        ("image/svg+xml", ".bin"),
        ("../../x", ".bin"),
        ("x" * 600, ".bin"),
    ],
)
def test_a_name_is_made_of_nothing_that_the_sender_chose(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path, mime_type: str, suffix: str
) -> None:
    message = received(account, "document", mime_type=mime_type, filename="../../../etc/passwd.html")
    fetched(message)
    [path] = files(tmp_path)
    assert path.parent.parent.parent == tmp_path / "whatsapp_media"
    assert path.name == f"{message.pk}-{message.media_sha256[:32]}-1{suffix}"
    assert message.media_filename == "../../../etc/passwd.html"
    assert message.media_mime_type == mime_type[:255]


def test_a_type_that_the_message_does_not_tell_is_metas(shelf: Shelf, account: WhatsAppAccount) -> None:
    message = fetched(received(account, mime_type=None))
    assert message.media_mime_type == "image/png"


@pytest.mark.parametrize("hexadecimal", [True, False])
def test_a_file_with_another_hash_is_not_stored_and_tried_again(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path, hexadecimal: bool
) -> None:
    digest = hashlib.sha256(CONTENT)
    told = digest.hexdigest() if hexadecimal else base64.b64encode(digest.digest()).decode()
    message = received(account, sha256=None)
    shelf.described, shelf.content = {"sha256": told}, CONTENT[:-1] + b"?"
    fetched(message)
    assert (message.media_state, message.media_attempts, bool(message.media_file)) == ("pending", 1, False)
    assert "hash" in message.media_error
    assert files(tmp_path) == []
    assert not inbound_media.fetch(message.pk)
    shelf.content = CONTENT
    make_due(message)
    assert (fetched(message).media_state, message.media_error) == ("fetched", "")


def test_without_a_hash_from_meta_the_file_is_stored(shelf: Shelf, account: WhatsAppAccount) -> None:
    assert fetched(received(account, sha256="not a hash")).media_state == "fetched"


def test_a_file_that_is_too_large_is_given_up_at_once(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "INBOUND_MEDIA_MAX_BYTES": len(CONTENT) - 1}
    message = fetched(received(account))
    assert (message.media_state, message.media_due_at) == ("failed", None)
    assert "larger than" in message.media_error
    assert files(tmp_path) == []
    assert not inbound_media.is_due()


def test_a_storage_that_fails_keeps_nothing_and_is_tried_again(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path, settings: Any
) -> None:
    message = received(account)
    good = settings.STORAGES
    settings.STORAGES = {**good, "default": {"BACKEND": "tests.services.media_shelf.FullDisk"}}
    fetched(message)
    assert (message.media_state, bool(message.media_file)) == ("pending", False)
    assert "No space left" in message.media_error
    assert files(tmp_path) == []
    settings.STORAGES = good
    make_due(message)
    assert fetched(message).media_state == "fetched"


@pytest.mark.parametrize(
    ("kind", "parts"), [("image", {"id": ""}), ("text", {}), ("location", {}), ("image", {"id": None})]
)
def test_without_a_file_nothing_is_to_be_fetched(
    shelf: Shelf, account: WhatsAppAccount, kind: str, parts: dict[str, Any]
) -> None:
    message = received(account, kind, **parts)
    assert (message.media_state, message.media_due_at) == ("none", None)
    assert not inbound_media.fetch(message.pk)


def test_a_host_that_wants_no_files_gets_none(shelf: Shelf, account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "FETCH_INBOUND_MEDIA": False}
    assert received(account).media_state == "none"
