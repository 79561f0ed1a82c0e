"""How a request is read: forms, files, parameters from anywhere, bodies in pieces."""

import http.client
import json

import pytest

from tests.simulator.caller import NUMBER, PERSON, TOKEN, Caller
from whatsapp_simulator.http import GraphError, Request

BOUNDARY = "frontier"


def multipart(content: bytes) -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="type"\r\n\r\nimage/png\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="ä.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode() + (content + f"\r\n--{BOUNDARY}--\r\n".encode())


def posted(body: bytes, content_type: str, query: bytes = b"") -> Request:
    return Request("POST", "/v22.0/1/media", query, [(b"content-type", content_type.encode())], body)


@pytest.mark.parametrize("size", [0, 3, 3_000_000])
def test_a_multipart_form_gives_fields_and_files(size: int) -> None:
    content = b"\r\n-" * (size // 3)
    request = posted(multipart(content), f"multipart/form-data; boundary={BOUNDARY}")
    fields, files = request.form()
    assert fields == {"type": "image/png"}
    assert (files["file"].filename, files["file"].content_type) == ("ä.png", "image/png")
    assert files["file"].content == content


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"nonsense", f"multipart/form-data; boundary={BOUNDARY}"), (b"--x--", "multipart/form-data")],
)
def test_a_broken_form_is_error_100(body: bytes, content_type: str) -> None:
    with pytest.raises(GraphError) as caught:
        posted(body, content_type).form()
    assert caught.value.code == 100


def test_parameters_may_come_in_the_query_a_form_or_json_and_the_body_wins() -> None:
    query = b"a=1&b=%C3%A9"
    assert posted(b"", "").params() == {}
    assert posted(b"", "", query).params() == {"a": "1", "b": "é"}
    assert posted(b"a=2&c=3", "application/x-www-form-urlencoded", query).params() == {
        "a": "2",
        "b": "é",
        "c": "3",
    }
    assert posted(b'{"a":2}', "application/json", query).params() == {"a": 2, "b": "é"}


@pytest.mark.parametrize(
    ("path", "version", "segments"),
    [
        ("/v22.0/1/messages", "v22.0", ["1", "messages"]),
        ("/1/messages/", "", ["1", "messages"]),
        ("/v22", "", ["v22"]),
        ("/", "", [""]),
    ],
)
def test_the_version_is_no_part_of_the_path(path: str, version: str, segments: list[str]) -> None:
    request = Request("GET", path, b"", [], b"")
    assert (request.version, request.segments) == (version, segments)


def test_a_body_that_comes_in_pieces_is_put_together(api: Caller) -> None:
    message = {"messaging_product": "whatsapp", "to": PERSON, "type": "text", "text": {"body": "x" * 4000}}
    body = json.dumps(message).encode()
    connection = http.client.HTTPConnection(api.netloc, timeout=20)
    connection.putrequest("POST", f"/v22.0/{NUMBER}/messages")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    for start in range(0, len(body), 1000):
        connection.send(body[start : start + 1000])
    response = connection.getresponse()
    assert (response.status, "messages" in json.load(response)) == (200, True)
    connection.close()


def test_the_root_is_an_unknown_object(api: Caller) -> None:
    assert api.call("GET", "").code == 100
