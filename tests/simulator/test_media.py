"""Media and resumable uploads."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulator.caller import NUMBER, Caller, Reply
from whatsapp_simulator.control import Control

JPEG = b"\xff\xd8\xff" + b"picture" * 100
DAY = 86_400
MB = 1024 * 1024
APP = "100000000000001"


def multipart(
    fields: dict[str, str], mime_type: str = "", content: bytes = b""
) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if mime_type:
        disposition = 'Content-Disposition: form-data; name="file"; filename="a.bin"'
        parts.append(
            f"--edge\r\n{disposition}\r\nContent-Type: {mime_type}\r\n\r\n".encode() + content + b"\r\n"
        )
    return b"".join([*parts, b"--edge--\r\n"]), {"Content-Type": "multipart/form-data; boundary=edge"}


def upload(api: Caller, mime_type: str = "image/jpeg", content: bytes = JPEG, **fields: str) -> Reply:
    body, headers = multipart(
        {"messaging_product": "whatsapp", "type": mime_type, **fields}, mime_type, content
    )
    return api.call("POST", f"{NUMBER}/media", body, headers=headers)


def fetch(api: Caller, url: str, token: str = "simulator-token") -> Reply:
    parts = urlsplit(url)
    return api.call("GET", f"{parts.path[1:]}?{parts.query}", version="", token=token)


def test_an_uploaded_file_comes_back_byte_for_byte(api: Caller) -> None:
    media_id = upload(api).json["id"]
    found = api.call("GET", f"{media_id}?phone_number_id={NUMBER}").json
    assert found["sha256"] == hashlib.sha256(JPEG).hexdigest()
    assert (found["mime_type"], int(found["file_size"]), found["id"]) == ("image/jpeg", len(JPEG), media_id)
    assert set(parse_qs(urlsplit(found["url"]).query)) == {"mid", "ext", "hash"}
    reply = fetch(api, found["url"])
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, JPEG, "image/jpeg")


def test_a_download_needs_the_token_of_the_account(api: Caller, sim: Control) -> None:
    url = api.call("GET", upload(api).json["id"]).json["url"]
    sim.token("elsewhere", waba_ids=["1"])
    assert fetch(api, url, token="").code == 104
    assert fetch(api, url, token="wrong").code == 190
    assert fetch(api, url, token="elsewhere").code == 200


def test_a_download_address_lives_five_minutes(api: Caller, sim: Control) -> None:
    media_id = upload(api).json["id"]
    url = api.call("GET", media_id).json["url"]
    sim.clock(advance=299)
    assert fetch(api, url).status == 200
    sim.clock(advance=2)
    assert fetch(api, url).status == 404
    assert fetch(api, api.call("GET", media_id).json["url"]).status == 200


def test_a_download_address_cannot_be_guessed(api: Caller) -> None:
    url = api.call("GET", upload(api).json["id"]).json["url"]
    assert fetch(api, url.partition("&hash=")[0] + "&hash=guess").status == 404


def test_an_uploaded_file_lives_30_days_or_as_long_as_was_asked(api: Caller, sim: Control) -> None:
    media_id, brief = upload(api).json["id"], upload(api, ttl_minutes="10").json["id"]
    sim.clock(advance=601)
    assert api.call("GET", brief).json["error"]["error_subcode"] == 33
    sim.clock(advance=30 * DAY - 602)
    assert api.call("GET", media_id).status == 200
    sim.clock(advance=2)
    assert api.call("GET", media_id).json["error"]["error_subcode"] == 33


def test_a_received_file_can_be_downloaded_for_7_days(api: Caller, sim: Control) -> None:
    sim.inbound("15550001111", {"type": "image", "image": {"id": "810000000000001"}})
    url = api.call("GET", "810000000000001").json["url"]
    assert fetch(api, url).body == b"image"
    sim.clock(advance=7 * DAY + 1)
    assert api.call("GET", "810000000000001").json["error"]["error_subcode"] == 33


def test_media_belongs_to_the_number_that_uploaded_it(api: Caller, sim: Control) -> None:
    sim.number("222000222000333")
    media_id = upload(api).json["id"]
    path = f"{media_id}?phone_number_id=222000222000333"
    assert api.call("GET", path).json["error"]["error_subcode"] == 33
    assert api.call("DELETE", path).json["error"]["error_subcode"] == 33


def test_a_deleted_file_is_gone(api: Caller) -> None:
    media_id = upload(api).json["id"]
    url = api.call("GET", media_id).json["url"]
    assert api.call("DELETE", media_id).json == {"success": True}
    assert api.call("GET", media_id).json["error"]["error_subcode"] == 33
    assert fetch(api, url).status == 404


@pytest.mark.parametrize(
    ("mime_type", "size"),
    [
        ("image/jpeg", 5 * MB),
        ("audio/ogg; codecs=opus", 16 * MB),
        ("video/mp4", 16 * MB),
        ("image/webp", 100 * 1024),
    ],
)
def test_every_type_has_its_size(api: Caller, mime_type: str, size: int) -> None:
    assert upload(api, mime_type, bytes(size)).status == 200
    reply = upload(api, mime_type, bytes(size + 1))
    assert (reply.status, reply.code) == (400, 131053)


def test_an_animated_sticker_may_be_larger(api: Caller) -> None:
    head = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02"
    assert upload(api, "image/webp", head.ljust(500 * 1024, b"\0")).status == 200
    assert upload(api, "image/webp", head.ljust(500 * 1024 + 1, b"\0")).code == 131053


@pytest.mark.parametrize("mime_type", ["application/octet-stream", "image/gif", "text/html"])
def test_types_that_meta_does_not_take_are_refused(api: Caller, mime_type: str) -> None:
    assert upload(api, mime_type).code == 100


def test_incomplete_uploads_are_refused(api: Caller) -> None:
    assert upload(api, content=b"").code == 100
    assert upload(api, ttl_minutes="never").code == 100
    body, headers = multipart({"messaging_product": "whatsapp"})
    assert api.call("POST", f"{NUMBER}/media", body, headers=headers).code == 131008
    body, headers = multipart({"type": "image/jpeg"}, "image/jpeg", JPEG)
    assert api.call("POST", f"{NUMBER}/media", body, headers=headers).code == 131008


def test_a_body_larger_than_any_file_is_cut_off(api: Caller) -> None:
    assert upload(api, "application/pdf", bytes(102 * MB)).status == 413


def start(api: Caller, **changes: str) -> Reply:
    params = {"file_name": "a.png", "file_length": "10", "file_type": "image/png", **changes}
    return api.call("POST", f"{APP}/uploads?" + "&".join(f"{key}={value}" for key, value in params.items()))


def send(api: Caller, session: str, content: bytes, offset: int = 0) -> Reply:
    headers = {"Authorization": "OAuth simulator-token", "file_offset": str(offset)}
    return api.call("POST", session, content, headers=headers, token="")


def test_a_resumable_upload_gives_a_handle_that_a_template_may_show(api: Caller) -> None:
    session = start(api).json["id"]
    assert session.startswith("upload:")
    handle = send(api, session, b"0123456789").json["h"]
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}}
    body = {
        "name": "picture",
        "language": "en_US",
        "category": "MARKETING",
        "components": [header, {"type": "BODY", "text": "Look at this"}],
    }
    template_id = api.call("POST", "111000111000111/message_templates", body).json["id"]
    shown = api.call("GET", template_id).json["components"][0]["example"]["header_handle"]
    assert shown != [handle]
    assert shown[0].startswith("http://")
    body["name"], header["format"] = "film", "VIDEO"
    assert (
        api.call("POST", "111000111000111/message_templates", body).json["error"]["error_subcode"] == 2388047
    )


def test_an_interrupted_upload_goes_on_where_it_stopped(api: Caller) -> None:
    session = start(api).json["id"]
    assert send(api, session, b"01234").json["file_offset"] == 5
    assert send(api, session, b"56789").code == 100
    assert api.call("GET", session).json["file_offset"] == 5
    assert "h" in send(api, session, b"56789", offset=5).json
    assert api.call("GET", session).json["error"]["error_subcode"] == 33


def test_an_upload_session_is_signed_and_bounded(api: Caller) -> None:
    session = start(api).json["id"]
    assert send(api, session.partition("?")[0], b"0123456789").code == 100
    assert send(api, session, b"0123456789!").code == 100


@pytest.mark.parametrize(
    "changes",
    [{"file_length": ""}, {"file_length": "0"}, {"file_length": "999999999"}, {"file_type": "text/html"}],
)
def test_an_upload_must_be_announced_properly(api: Caller, changes: dict[str, str]) -> None:
    assert start(api, **changes).code in {100, 131008}


def test_only_the_newest_fifty_sessions_stay_open(api: Caller) -> None:
    first = start(api).json["id"]
    for _ in range(50):
        start(api)
    assert send(api, first, b"0123456789").json["error"]["error_subcode"] == 33
