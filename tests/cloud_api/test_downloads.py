"""Media files are streamed, measured and hashed; the token goes nowhere but to Meta."""

import hashlib
import io
import time

import pytest

from django_meta_whatsapp.cloud_api import exchange
from django_meta_whatsapp.cloud_api.client import Download, Timeouts
from django_meta_whatsapp.cloud_api.errors import DownloadRefused, MaybeSentError, RequestError
from django_meta_whatsapp.cloud_api.exchange import Endpoint
from django_meta_whatsapp.cloud_api.wire import Answer, Request
from tests.cloud_api.callers import TOKEN, Connect
from tests.cloud_api.raw_server import Peer, RawServer, Received

FILE = bytes(range(256)) * 2000


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_PAUSE", 0.01)


def serve(peer: Peer, received: Received) -> None:
    peer.answer(FILE, Content_Type="image/jpeg")


def test_a_file_arrives_whole_with_its_hash(connect: Connect) -> None:
    sink = io.BytesIO()
    with RawServer(serve) as server:
        got = connect(server.url).download(f"{server.url}/media?mid=1&hash=a%2Fb", sink, 1_000_000)
        (received,) = server.requests
    assert got == Download("image/jpeg", len(FILE), hashlib.sha256(FILE).hexdigest())
    assert sink.getvalue() == FILE
    assert received.path == "/media?mid=1&hash=a%2Fb"
    assert received.headers["authorization"] == f"Bearer {TOKEN}"


def test_an_announced_size_above_the_limit_is_refused_before_a_byte_is_written(connect: Connect) -> None:
    sink = io.BytesIO()
    with RawServer(serve) as server, pytest.raises(DownloadRefused, match="1000 bytes"):
        connect(server.url).download(f"{server.url}/media", sink, 1000)
    assert sink.getvalue() == b""


def test_a_file_that_hides_its_size_is_cut_off_at_the_limit(connect: Connect) -> None:
    def endless(peer: Peer, received: Received) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    sink = io.BytesIO()
    with RawServer(endless) as server, pytest.raises(DownloadRefused):
        connect(server.url).download(f"{server.url}/media", sink, 300_000)
    assert len(sink.getvalue()) <= 300_000


def test_a_redirect_is_followed_and_the_token_stays_with_its_host(connect: Connect) -> None:
    with RawServer(serve) as store:

        def redirect(peer: Peer, received: Received) -> None:
            if received.path == "/media":
                peer.answer(b"", 302, Location="/again")
            else:
                peer.answer(b"", 307, Location=f"{store.url}/file")

        with RawServer(redirect) as server:
            got = connect(server.url).download(f"{server.url}/media", io.BytesIO(), 1_000_000)
            assert got.size == len(FILE)
            assert ["authorization" in received.headers for received in server.requests] == [True, True]
        assert ["authorization" in received.headers for received in store.requests] == [False]


def test_redirects_that_never_end_are_refused(connect: Connect) -> None:
    with RawServer(lambda peer, received: peer.answer(b"", 302, Location="/media")) as server:
        with pytest.raises(DownloadRefused):
            connect(server.url).download(f"{server.url}/media", io.BytesIO(), 1000)
        assert server.count("GET") == 6


def test_an_address_that_has_expired_tells_its_status(connect: Connect) -> None:
    with RawServer(lambda peer, received: peer.answer(b"", 404)) as server:
        with pytest.raises(MaybeSentError) as told:
            connect(server.url).download(f"{server.url}/media", io.BytesIO(), 1000)
        assert told.value.http_status == 404
        assert server.count("GET") == 1


def test_meta_s_error_comes_through_a_download(connect: Connect) -> None:
    error = {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}
    sink = io.BytesIO()
    with RawServer(lambda peer, received: peer.answer(error, 400)) as server, pytest.raises(RequestError):
        connect(server.url).download(f"{server.url}/media", sink, 1000)
    assert sink.getvalue() == b""


def test_a_download_is_repeated_while_nothing_was_written(connect: Connect) -> None:
    def script(peer: Peer, received: Received) -> bool:
        if server.count("GET") < 3:
            return True
        serve(peer, received)
        return False

    sink = io.BytesIO()
    with RawServer(script) as server:
        connect(server.url).download(f"{server.url}/media", sink, 1_000_000)
    assert sink.getvalue() == FILE


def test_a_file_that_breaks_off_is_not_begun_again(connect: Connect) -> None:
    def half(peer: Peer, received: Received) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400)
        return True

    sink = io.BytesIO()
    with RawServer(half) as server:
        with pytest.raises(MaybeSentError):
            connect(server.url).download(f"{server.url}/media", sink, 1_000_000)
        assert server.count("GET") == 1


def test_a_file_that_trickles_ends_when_its_time_is_over(connect: Connect) -> None:
    def trickle(peer: Peer, received: Received) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            peer.send(b"x")
            time.sleep(0.05)

    with RawServer(trickle) as server, pytest.raises(MaybeSentError):
        connect(server.url, timeout=Timeouts(0.4, 0.5)).download(f"{server.url}/media", io.BytesIO(), 1000)


def request_for(url: str, base_url: str = "https://graph.facebook.com") -> Request:
    step = next(Endpoint(TOKEN, base_url=base_url).fetching(url, io.BytesIO(), 1000))
    assert isinstance(step, Request)
    return step


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
        "https://graph.facebook.com/v22.0/1",
        "https://LOOKASIDE.fbsbx.com:443/x",
    ],
)
def test_meta_s_hosts_get_the_token(url: str) -> None:
    assert request_for(url).headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/media",
        "https://fbsbx.com.evil.example/media",
        "https://evilfbsbx.com/media",
        "https://127.0.0.1:9999/media",
    ],
)
def test_another_host_never_gets_the_token(url: str) -> None:
    request = request_for(url)
    assert TOKEN not in str(request.headers)
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/x",
        "http://graph.facebook.com/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://evil.example\\@lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com/a b",
        "https://lookaside.fbsbx.com:port/x",
        "https:///x",
        "file:///etc/passwd",
        "gopher://lookaside.fbsbx.com/x",
        "",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(DownloadRefused):
        request_for(url)


def test_a_redirect_to_an_address_that_is_refused_is_refused() -> None:
    steps = Endpoint(TOKEN).fetching("https://lookaside.fbsbx.com/x", io.BytesIO(), 1000)
    next(steps)
    with pytest.raises(DownloadRefused):
        steps.send(Answer(302, {"location": "http://lookaside.fbsbx.com/x"}))


def test_an_own_server_without_tls_gets_the_token_at_its_own_port_only() -> None:
    base_url = "http://127.0.0.1:8025"
    assert "Authorization" in request_for("http://127.0.0.1:8025/media/1", base_url).headers
    assert "Authorization" not in request_for("http://127.0.0.1:8026/media/1", base_url).headers
