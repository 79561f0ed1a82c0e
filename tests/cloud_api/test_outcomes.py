"""The three outcomes: for each way a send can end, what is told, and how many POSTs reached the server."""

import socket
import ssl
import time
from pathlib import Path

import pytest

from django_meta_whatsapp.cloud_api.calls import WRITE, Call, as_is
from django_meta_whatsapp.cloud_api.client import Timeouts
from django_meta_whatsapp.cloud_api.errors import (
    AccountError,
    MaybeSentError,
    MetaAPIError,
    NotSentError,
    Outcome,
    RequestError,
)
from tests.cloud_api.callers import SEND, Connect
from tests.cloud_api.certificates import server_context
from tests.cloud_api.raw_server import GOOD, Peer, RawServer, Received, Script, good

QUICK = Timeouts(connect=0.5, total=0.6)
PATIENT = Timeouts()
ENVELOPE = {"error": {"message": "(#131009) Bad value", "code": 131009, "type": "OAuthException"}}


def silence_before_the_body(peer: Peer, received: Received) -> bool:
    peer.wait_until_gone()
    return True


def silence_after_the_body(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.wait_until_gone()
    return True


def reset(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.reset()
    return True


def close(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    return True


def html(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer(b"<html>Bad gateway</html>", 502, Content_Type="text/html")


def no_id(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer({"messaging_product": "whatsapp", "messages": []})


def empty_id(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer({"messages": [{"id": ""}]})


def broken_json(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer(b'{"messages": [{"id": "wam')


def a_list(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer(b'[{"id": "wamid.raw"}]')


def redirect(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer(GOOD, 307, Location="/elsewhere")


def error_without_code(peer: Peer, received: Received) -> None:
    peer.read_body(received)
    peer.answer({"error": {"message": "Something"}}, 400)


def half_an_answer(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"messages"')
    return True


def not_http(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    return True


def trickling_head(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        peer.send(b"x")
        time.sleep(0.05)


def trickling_body(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        peer.send(b" ")
        time.sleep(0.05)


def huge(peer: Peer, received: Received) -> bool:
    peer.read_body(received)
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 11000000\r\n\r\n")
    peer.send(b" " * 11_000_000)
    return True


SILENT = [silence_before_the_body, silence_after_the_body]
MAYBE_SENT = [
    *SILENT,
    reset,
    close,
    html,
    no_id,
    empty_id,
    broken_json,
    a_list,
    redirect,
    error_without_code,
    half_an_answer,
    not_http,
    huge,
]


@pytest.mark.parametrize("script", MAYBE_SENT, ids=lambda script: script.__name__)
def test_an_unusable_answer_is_maybe_sent_after_exactly_one_post(connect: Connect, script: Script) -> None:
    with RawServer(script) as server:
        caller = connect(server.url, timeout=QUICK if script in SILENT else PATIENT)
        with pytest.raises(MaybeSentError) as told:
            caller.run(SEND)
        assert told.value.outcome is Outcome.MAYBE_SENT
        assert told.value.code is None
        assert server.count() == 1
        assert [received.path for received in server.requests] == ["/v22.0/222/messages"]


@pytest.mark.parametrize("script", [trickling_head, trickling_body], ids=lambda script: script.__name__)
def test_the_total_time_bounds_an_answer_that_trickles(connect: Connect, script: Script) -> None:
    with RawServer(script) as server:
        caller = connect(server.url, timeout=QUICK)
        began = time.monotonic()
        with pytest.raises(MaybeSentError):
            caller.run(SEND)
        assert 0.5 < time.monotonic() - began < 2.5
        assert server.count() == 1


def test_refused_is_not_sent(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError) as told:
        connect(f"http://127.0.0.1:{port}").run(SEND)
    assert told.value.outcome is Outcome.NOT_SENT


def test_an_unknown_host_is_not_sent(connect: Connect) -> None:
    with pytest.raises(NotSentError):
        connect("http://meta.invalid:1").run(SEND)


def test_an_address_of_another_kind_is_not_sent(connect: Connect) -> None:
    with pytest.raises(NotSentError):
        connect("ftp://127.0.0.1:1").run(SEND)


@pytest.mark.parametrize("address", ["ftp://x.example", "http://", "http://x y.example", "nonsense"])
def test_an_address_that_cannot_be_called_is_not_sent_and_its_secrets_are_not_told(
    connect: Connect, address: str
) -> None:
    secret = Call("GET", "debug_token", as_is, WRITE, query={"input_token": "EAAother"})
    with pytest.raises(NotSentError) as caught:
        connect(address, app_secret="s3cret", timeout=QUICK).run(secret)
    told = str(caught.value)
    assert "EAAother" not in told
    assert "appsecret_proof" not in told


def test_a_certificate_that_is_not_trusted_is_not_sent(connect: Connect, tmp_path: Path) -> None:
    with RawServer(tls=server_context(tmp_path)) as server:
        with pytest.raises(NotSentError):
            connect(server.url).run(SEND)
        assert server.requests == []


def test_a_tls_handshake_without_an_answer_is_not_sent(connect: Connect) -> None:
    with RawServer(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), greet=False) as server:
        with pytest.raises(NotSentError):
            connect(server.url, timeout=QUICK).run(SEND)
        assert server.requests == []


def test_a_host_that_does_not_take_the_connection_is_not_sent(connect: Connect) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:  # fills the queue: the next one gets no answer
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        with pytest.raises(NotSentError):
            connect(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=QUICK).run(SEND)
        for client in waiting:
            client.close()


@pytest.mark.parametrize("status", [200, 206, 400, 401, 404, 429, 500, 503])
def test_a_complete_error_is_rejected_whatever_the_status(connect: Connect, status: int) -> None:
    def script(peer: Peer, received: Received) -> None:
        peer.read_body(received)
        peer.answer(ENVELOPE, status)

    with RawServer(script) as server:
        with pytest.raises(RequestError) as told:
            connect(server.url).run(SEND)
        assert (told.value.outcome, told.value.code) == (Outcome.REJECTED, 131009)
        assert told.value.http_status == status
        assert server.count() == 1


@pytest.mark.parametrize(
    ("call", "expected"),
    [(SEND, Outcome.MAYBE_SENT), (Call("POST", "1", as_is, WRITE), Outcome.REJECTED)],
    ids=["message", "other"],
)
def test_a_message_may_be_sent_although_meta_says_that_something_went_wrong(
    connect: Connect, call: Call[dict[str, object]], expected: Outcome
) -> None:
    envelope = {"message": "(#131000) Something went wrong", "code": 131000, "fbtrace_id": "A1"}

    def script(peer: Peer, received: Received) -> None:
        peer.read_body(received)
        peer.answer({"error": envelope}, 500)

    with RawServer(script) as server:
        with pytest.raises(MetaAPIError) as told:
            connect(server.url).run(call)
        assert told.value.outcome is expected
        assert (told.value.code, told.value.envelope) == (131000, envelope)
        assert server.count() == 1


@pytest.mark.parametrize("call", [SEND, Call("DELETE", "1", as_is, WRITE)], ids=["post", "delete"])
def test_a_kept_connection_that_closes_under_a_call_is_maybe_sent_once(
    connect: Connect, call: Call[dict[str, object]]
) -> None:
    def script(peer: Peer, received: Received) -> bool:
        peer.read_body(received)
        if len(server.requests) > 1:
            return True
        peer.answer(GOOD)
        return False

    with RawServer(script) as server:
        caller = connect(server.url)
        caller.run(SEND)
        with pytest.raises(MaybeSentError):
            caller.run(call)
        assert len(server.requests) == 2
        assert len(server.connections) == 1


def test_a_kept_connection_that_closed_before_the_call_is_replaced(connect: Connect) -> None:
    def script(peer: Peer, received: Received) -> bool:
        good(peer, received)
        return True

    with RawServer(script) as server:
        caller = connect(server.url)
        caller.run(SEND)
        deadline = time.monotonic() + 5
        while server.connections[0].fileno() != -1:  # closed at the server: the client can know
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(0.06)  # the client looks after a moment of rest only
        assert caller.run(SEND) == GOOD
        assert server.count() == 2


def test_a_connection_is_used_again(connect: Connect) -> None:
    with RawServer() as server:
        caller = connect(server.url)
        assert [caller.run(SEND) for _ in range(3)] == [GOOD] * 3
        assert len(server.connections) == 1


def test_the_request_carries_the_token_and_the_body_as_utf8(connect: Connect) -> None:
    with RawServer() as server:
        connect(server.url + "/", version="v99.0").run(SEND)
        (received,) = server.requests
    assert received.path == "/v99.0/222/messages"
    assert received.headers["authorization"] == "Bearer EAAsecretTokenOfTests123"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["accept-encoding"] == "identity"
    assert received.body == '{"to":"+15550001111","text":{"body":"Grüße"}}'.encode()


def test_each_call_carries_the_app_secret_proof_when_there_is_a_secret(connect: Connect) -> None:
    with RawServer() as server:
        connect(server.url, app_secret="shh").run(SEND)
        (received,) = server.requests
    # HMAC-SHA256 of the token with the secret, computed with openssl.
    proof = "effcef02cc1bfd4507907610686a5a8e0d2aad80f846105a63cc3032d0b1e161"
    assert received.path == f"/v22.0/222/messages?appsecret_proof={proof}"


def test_cookies_are_never_sent_back(connect: Connect) -> None:
    def script(peer: Peer, received: Received) -> None:
        peer.read_body(received)
        peer.answer(GOOD, Set_Cookie="tracking=1; Path=/")

    with RawServer(script) as server:
        caller = connect(server.url)
        caller.run(SEND)
        caller.run(SEND)
        assert ["cookie" in received.headers for received in server.requests] == [False, False]


def test_an_error_with_a_usable_body_is_a_result_where_the_call_says_so(connect: Connect) -> None:
    body = {"block_users": {"added_users": []}, "error": {"code": 139100, "message": "x"}}
    call = Call("POST", "222/block_users", as_is, WRITE, body={}, usable=lambda body: "block_users" in body)

    def script(peer: Peer, received: Received) -> None:
        peer.read_body(received)
        peer.answer(body if server.count() == 1 else {"error": {"code": 139101, "message": "full"}}, 400)

    with RawServer(script) as server:
        caller = connect(server.url)
        assert caller.run(call) == body
        with pytest.raises(AccountError):
            caller.run(call)


def test_an_answer_of_the_wrong_shape_is_maybe_sent(connect: Connect) -> None:
    call: Call[str] = Call("POST", "222/media", lambda body: str(body["id"]), WRITE)
    with RawServer() as server, pytest.raises(MaybeSentError) as told:
        connect(server.url).run(call)
    assert isinstance(told.value.__cause__, KeyError)


def test_a_token_that_meta_repeats_is_blotted_out(connect: Connect) -> None:
    def script(peer: Peer, received: Received) -> None:
        peer.read_body(received)
        token = received.headers["authorization"].removeprefix("Bearer ")
        peer.answer({"error": {"code": 190, "message": f"Malformed access token {token}"}}, 401)

    with RawServer(script) as server, pytest.raises(MetaAPIError) as told:
        connect(server.url).run(SEND)
    assert "EAAsecret" not in f"{told.value} {told.value!r} {told.value.envelope}"
    assert "Malformed access token" in str(told.value)
