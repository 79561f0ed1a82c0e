"""Files on the web: asked for and not downloaded, with no token, and not inside a network."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api.errors import DownloadRefused, MaybeSentError, NotSentError
from django_meta_whatsapp.cloud_api.reach import Reached, reach
from django_meta_whatsapp.cloud_api.wire import Timeouts
from tests.cloud_api.raw_server import Peer, RawServer, Received

Answer = Callable[[Peer, Received], None]


def head(status: str, *lines: str, body: bytes = b"") -> Answer:
    def answer(peer: Peer, received: Received) -> None:
        text = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""])
        peer.send(text.encode() + (b"" if received.method == "HEAD" else body))

    return answer


def served(answers: dict[str, Answer]) -> Callable[[Peer, Received], None]:
    """Answers by method, or by method and path."""

    def script(peer: Peer, received: Received) -> None:
        answers.get(f"{received.method} {received.path}", answers.get(received.method, answers["HEAD"]))(
            peer, received
        )

    return script


def test_a_file_is_asked_for_without_its_body_and_without_a_token() -> None:
    answer = head("200 OK", "Content-Type: image/png", "Content-Length: 5000000")
    with RawServer(answer) as server:
        assert reach(f"{server.url}/a.png", private=True) == Reached(200, "image/png", 5_000_000)
        (request,) = server.requests
    assert request.method == "HEAD"
    assert "authorization" not in request.headers
    assert "cookie" not in request.headers


@pytest.mark.parametrize("status", ["403 No", "404 No", "405 No", "501 No"])
def test_a_server_that_knows_no_head_is_asked_for_one_byte(status: str) -> None:
    byte = head(
        "206 Partial Content",
        "Content-Type: video/mp4",
        "Content-Range: bytes 0-0/777",
        "Content-Length: 1",
        body=b"x",
    )
    with RawServer(served({"HEAD": head(status, "Content-Length: 0"), "GET": byte})) as server:
        reached = reach(server.url, private=True)
        assert server.requests[1].headers["range"] == "bytes=0-0"
    assert (reached.is_there, reached.content_type, reached.size) == (True, "video/mp4", 777)


def test_a_server_that_would_send_the_whole_file_is_stopped_at_its_head() -> None:
    def endless(peer: Peer, received: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000000\r\n\r\n" + b"x" * 1000)
        peer.wait_until_gone()

    with RawServer(served({"HEAD": head("405 No", "Content-Length: 0"), "GET": endless})) as server:
        assert reach(server.url, private=True) == Reached(200, "", 900_000_000_000)


@pytest.mark.parametrize("status", [404, 410, 500])
def test_a_file_that_is_not_there_is_told_by_the_status(status: int) -> None:
    with RawServer(head(f"{status} No", "Content-Length: 0")) as server:
        reached = reach(server.url, private=True)
    assert (reached.status, reached.is_there, reached.size) == (status, False, 0)


def test_redirects_are_followed_a_few_times() -> None:
    moved = head("302 Found", "Location: /b.png", "Content-Length: 0")
    there = head("200 OK", "Content-Type: image/png", "Content-Length: 7")
    with RawServer(served({"HEAD": moved, "HEAD /b.png": there})) as server:
        assert reach(f"{server.url}/a.png", private=True).size == 7
    with RawServer(moved) as server, pytest.raises(DownloadRefused, match="redirects too often"):
        reach(f"{server.url}/a.png", private=True)


def test_a_redirect_away_from_the_web_is_not_followed() -> None:
    away = head("302 Found", "Location: file:///etc/passwd", "Content-Length: 0")
    with RawServer(away) as server, pytest.raises(DownloadRefused, match="begins with https"):
        reach(server.url, private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/a.png",
        "ftp://shop.example/a",
        "https://",
        "https://me@shop.example/a",
        "https://shop.example/a b",
        "https://shop.example\\@evil/a",
    ],
)
def test_an_address_that_meta_could_not_use_is_not_asked(url: str) -> None:
    with pytest.raises(DownloadRefused, match="begins with https"):
        reach(url)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_an_address_inside_a_network_is_not_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def lookup(*arguments: Any, **options: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)),
            (family, socket.SOCK_STREAM, 6, "", (address, 443)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(DownloadRefused, match="which Meta cannot reach"):
        reach("https://shop.example/a.png")


def test_no_answer_is_told() -> None:
    with pytest.raises(NotSentError):
        reach("https://nowhere.invalid/a.png")
    with pytest.raises(NotSentError):
        reach("http://127.0.0.1:9/a.png", private=True)
    with RawServer(lambda peer, received: peer.wait_until_gone()) as server, pytest.raises(MaybeSentError):
        reach(server.url, private=True, timeouts=Timeouts(0.2, 0.4))
