"""Files to and from Meta. None of these tests may touch the database."""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile, TemporaryUploadedFile

from django_meta_whatsapp.cloud_api.errors import DownloadRefused
from django_meta_whatsapp.errors import AuthError, InvalidFile, InvalidInput, InvalidMessage, MetaAPIError
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import media
from tests.utils.conftest import Call
from whatsapp_simulator.testing import SimulatorServer

HER = "+4512345678"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


def named(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


class Stream(io.RawIOBase):
    """A file that cannot go back, such as an answer that is being received."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


def open_window(simulator: SimulatorServer) -> None:
    simulator.control.inbound(HER[1:], {"type": "text", "text": {"body": "hi"}})


def last_body(simulator: SimulatorServer) -> dict[str, Any]:
    body: dict[str, Any] = list(simulator.control.messages())[-1]["body"]
    return body


def test_a_file_goes_up_and_comes_down_the_same(simulator: SimulatorServer, call: Call) -> None:
    media_id = call("upload_media", named(PNG, "mug.png"), "image/png")
    described = call("get_media_url", media_id)
    assert (described["id"], described["mime_type"]) == (media_id, "image/png")
    sink = io.BytesIO()
    got = call("download_media", media_id, sink)
    assert sink.getvalue() == PNG
    assert got == {
        "id": media_id,
        "mime_type": "image/png",
        "size": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
    }
    assert call("delete_media", media_id) == {"success": True}
    with pytest.raises(MetaAPIError):
        call("get_media_url", media_id)


def test_any_kind_of_file_object_is_taken_from_its_beginning(
    simulator: SimulatorServer, call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "mug.png"
    path.write_bytes(PNG)
    temporary = TemporaryUploadedFile("mug.png", "image/png", len(PNG), None)
    temporary.write(PNG)
    half_read = named(PNG, "mug.png")
    half_read.read(100)
    with path.open("rb") as opened, os.fdopen(os.open(path, os.O_RDONLY), "rb") as numbered:
        files = [
            opened,
            numbered,
            half_read,
            temporary,
            SimpleUploadedFile("mug.png", PNG),
            InMemoryUploadedFile(io.BytesIO(PNG), "f", "mug.png", "image/png", len(PNG), None),
            io.BytesIO(PNG),
            Stream(PNG),
        ]
        for file in files:
            sink = io.BytesIO()
            call("download_media", call("upload_media", file, "image/png"), sink)
            assert sink.getvalue() == PNG, file


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [("memo.m4a", "audio/mpeg"), ("memo.M4A", ""), ("memo", "audio/x-m4a"), ("memo", "audio/m4a")],
)
def test_m4a_recordings_go_as_mp4(simulator: SimulatorServer, call: Call, name: str, mime_type: str) -> None:
    media_id = call("upload_media", named(b"\x00" * 100, name), mime_type)
    assert call("get_media_url", media_id)["mime_type"] == "audio/mp4"


def test_a_type_that_is_not_given_is_guessed_from_the_name(simulator: SimulatorServer, call: Call) -> None:
    media_id = call("upload_media", named(b"%PDF-1.4 ...", "C:\\docs\\bill.pdf"), "")
    assert call("get_media_url", media_id)["mime_type"] == "application/pdf"
    with pytest.raises(InvalidInput, match="mime_type"):
        call("upload_media", io.BytesIO(b"x"), "")


class Large(io.RawIOBase):
    """So many bytes, of which none is there: a file that would be too large is refused unread."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = self._size if whence == os.SEEK_END else offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        assert not len(buffer), "read before it was measured"
        return 0


@pytest.mark.parametrize(
    ("mime_type", "kind", "limit"),
    [
        ("image/jpeg", "image", 5 * 1024**2),
        ("image/PNG; q=1", "image", 5 * 1024**2),
        ("image/webp", "sticker", 500 * 1024),
        ("audio/ogg; codecs=opus", "audio", 16 * 1024**2),
        ("video/mp4", "video", 16 * 1024**2),
        ("application/pdf", "document", 100 * 1024**2),
        ("image/tiff", "document", 100 * 1024**2),
    ],
)
def test_a_file_above_metas_limit_for_its_kind_is_refused(
    simulator: SimulatorServer, call: Call, mime_type: str, kind: str, limit: int
) -> None:
    assert media.kind_of(mime_type) == kind
    with media.opened(Large(limit), mime_type) as part:
        assert part.size == limit
    with pytest.raises(InvalidFile, match=kind) as refused:
        call("upload_media", Large(limit + 1), mime_type)
    assert f"{limit:,} bytes" in str(refused.value)
    assert isinstance(refused.value, ValueError)


def test_a_stream_above_the_limit_is_refused(simulator: SimulatorServer, call: Call) -> None:
    with pytest.raises(InvalidFile, match="sticker"):
        call("upload_media", Stream(bytes(500 * 1024 + 1)), "image/webp")


def test_an_empty_file_and_a_text_file_are_refused(simulator: SimulatorServer, call: Call) -> None:
    with pytest.raises(InvalidFile, match="empty"):
        call("upload_media", io.BytesIO(), "image/png")
    with pytest.raises(InvalidFile, match="rb"):
        call("upload_media", io.StringIO("text"), "text/plain")


def test_a_wrong_token_is_190(simulator: SimulatorServer, call: Call) -> None:
    account = WhatsAppAccount(phone_number_id="222000222000222", access_token="wrong")
    with pytest.raises(AuthError):
        call("upload_media", io.BytesIO(PNG), "image/png", account)


def test_a_download_that_is_too_large_is_refused(simulator: SimulatorServer, call: Call) -> None:
    media_id = call("upload_media", named(PNG, "mug.png"), "image/png")
    with pytest.raises(DownloadRefused):
        call("download_media", media_id, io.BytesIO(), max_bytes=100)


@pytest.mark.parametrize(
    ("media_type", "mime_type", "expected"),
    [
        ("image", "image/png", {"caption": "Look"}),
        ("video", "video/mp4", {"caption": "Look"}),
        ("audio", "audio/mpeg", {}),
        ("document", "application/pdf", {"caption": "Look", "filename": "document.pdf"}),
        ("sticker", "image/webp", {}),
    ],
)
def test_an_uploaded_file_is_sent(
    simulator: SimulatorServer, call: Call, media_type: str, mime_type: str, expected: dict[str, str]
) -> None:
    open_window(simulator)
    media_id = call("upload_media", io.BytesIO(PNG), mime_type)
    answer = call("send_media_message", HER, media_id, media_type, "Look")
    assert answer["messages"][0]["id"]
    body = last_body(simulator)
    assert (body["type"], body[media_type]) == (media_type, {"id": media_id, **expected})


def test_a_sticker_is_sent(simulator: SimulatorServer, call: Call) -> None:
    open_window(simulator)
    media_id = call("upload_media", io.BytesIO(PNG), "image/webp")
    call("send_sticker_message", HER, media_id)
    assert last_body(simulator)["sticker"] == {"id": media_id}


def test_a_document_keeps_the_name_that_it_has(simulator: SimulatorServer, call: Call) -> None:
    open_window(simulator)
    media_id = call("upload_media", io.BytesIO(PNG), "application/pdf")
    call("send_media_message", HER, media_id, "document", filename="invoice-77.pdf")
    assert last_body(simulator)["document"] == {"id": media_id, "filename": "invoice-77.pdf"}


def test_a_type_that_cannot_be_found_out_does_not_stop_the_document(
    simulator: SimulatorServer, call: Call
) -> None:
    open_window(simulator)
    media_id = call("upload_media", io.BytesIO(PNG), "application/pdf")
    simulator.control.fail(10, path=media_id)
    call("send_media_message", HER, media_id, "document")
    assert last_body(simulator)["document"] == {"id": media_id, "filename": "document"}


def test_a_file_message_that_meta_would_refuse_is_not_sent(simulator: SimulatorServer, call: Call) -> None:
    with pytest.raises(InvalidMessage, match="media_type"):
        call("send_media_message", HER, "900", "hologram")
    with pytest.raises(InvalidMessage, match="caption"):
        call("send_media_message", HER, "900", "document", "x" * 1025)
    assert list(simulator.control.messages()) == []


def test_an_unknown_media_id_is_metas_error(simulator: SimulatorServer, call: Call) -> None:
    open_window(simulator)
    with pytest.raises(MetaAPIError):
        call("send_media_message", HER, "900000000000000", "image")


def test_a_sample_gets_a_handle(simulator: SimulatorServer, call: Call) -> None:
    account = WhatsAppAccount(phone_number_id="222000222000222", app_id="100000000000001")
    for options in ({}, {"account": account}, {"app_id": "100000000000001"}):
        assert call("upload_media_handle", named(PNG, "mug.png"), "image/png", **options)
