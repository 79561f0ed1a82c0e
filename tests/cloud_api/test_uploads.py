"""Files are streamed: never whole in memory, and with their length said beforehand."""

import hashlib
import io
import tracemalloc
from typing import Any, cast

import pytest

from django_meta_whatsapp.cloud_api.calls import WRITE, Call, FilePart
from django_meta_whatsapp.cloud_api.client import Timeouts
from django_meta_whatsapp.cloud_api.errors import MaybeSentError
from tests.cloud_api.callers import Connect
from tests.cloud_api.raw_server import Peer, RawServer, Received


class Generated(io.RawIOBase):
    """A file of `size` bytes that exist only while they are read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.largest_read = 0

    def read(self, size: int = -1) -> bytes:
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        self.largest_read = max(self.largest_read, size)
        return b"w" * size


def accept(peer: Peer, received: Received) -> None:
    peer.read_body(received, keep=2000)
    peer.answer({"id": "900"})


def upload(part: FilePart) -> Call[str]:
    form = {"messaging_product": "whatsapp", "type": part.content_type}
    return Call("POST", "222/media", lambda body: str(body["id"]), WRITE, form=form, file=part)


def part(file: Any, size: int, filename: str = "film.mp4") -> FilePart:
    return FilePart(cast(Any, file), size, filename, "video/mp4")


def test_a_large_file_is_never_whole_in_memory(connect: Connect) -> None:
    size = 60_000_000
    file = Generated(size)
    with RawServer(accept) as server:
        caller = connect(server.url)
        tracemalloc.start()
        try:
            assert caller.run(upload(part(file, size))) == "900"
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        (received,) = server.requests
    assert peak < 8_000_000
    assert file.largest_read <= 65536
    assert received.size == int(received.headers["content-length"]) > size
    assert "transfer-encoding" not in received.headers


def test_a_file_goes_as_multipart_with_its_fields(connect: Connect) -> None:
    with RawServer(accept) as server:
        connect(server.url).run(upload(part(io.BytesIO(b"bytes"), 5, 'a "b"\r\nc.mp4')))
        (received,) = server.requests
    boundary = received.headers["content-type"].removeprefix("multipart/form-data; boundary=")
    assert received.body.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\nvideo/mp4\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a %22b%22%0D%0Ac.mp4"\r\n'
        f"Content-Type: video/mp4\r\n\r\nbytes\r\n--{boundary}--\r\n"
    )


def test_a_chunk_of_a_resumable_upload_is_the_whole_body(connect: Connect) -> None:
    file = Generated(200_000)
    call: Call[str] = Call(
        "POST",
        "upload:MTph?sig=ARZ",
        lambda body: str(body["id"]),
        WRITE,
        raw=part(file, 200_000),
        headers={"file_offset": "0"},
        auth_scheme="OAuth",
    )
    with RawServer(accept) as server:
        connect(server.url).run(call)
        (received,) = server.requests
    assert received.path == "/v22.0/upload:MTph?sig=ARZ"
    assert received.headers["authorization"].startswith("OAuth ")
    assert received.headers["content-length"] == "200000"
    assert received.headers["content-type"] == "video/mp4"
    assert received.sha256 == hashlib.sha256(b"w" * 200_000).hexdigest()


def test_a_file_that_is_shorter_than_it_said_ends_at_once(connect: Connect) -> None:
    with RawServer(accept) as server, pytest.raises(MaybeSentError):
        connect(server.url, timeout=Timeouts(1, 60)).run(upload(part(io.BytesIO(b"short"), 100_000)))


def test_a_file_gets_more_time_for_its_size() -> None:
    assert Timeouts(5, 30).for_transfer(128 * 1024 * 60) == Timeouts(5, 90)


@pytest.mark.parametrize(("connect_time", "total"), [(5, 5), (6, 5), (0, 5), (-1, 5)])
def test_the_connect_timeout_is_shorter_than_the_total(connect_time: float, total: float) -> None:
    with pytest.raises(ValueError, match="connect timeout"):
        Timeouts(connect_time, total)
