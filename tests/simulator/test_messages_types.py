"""Simple message types: shapes, lengths and the errors they give."""

from typing import Any

import pytest

from tests.simulator.caller import NUMBER, PERSON, WA_ID, Caller
from whatsapp_simulator.control import Control


def test_an_accepted_message_answers_with_contact_and_wamid(api: Caller, sim: Control) -> None:
    reply = api.text("Order ready", biz_opaque_callback_data="cmp:7")
    assert reply.status == 200
    assert reply.json["messaging_product"] == "whatsapp"
    assert reply.json["contacts"] == [{"input": PERSON, "wa_id": WA_ID}]
    (message,) = reply.json["messages"]
    assert message["id"].startswith("wamid.")
    assert "message_status" not in message  # only templates carry it
    (entry,) = sim.messages()
    assert (entry["wamid"], entry["callback_data"], entry["type"]) == (message["id"], "cmp:7", "text")
    assert entry["body"]["text"] == {"body": "Order ready"}


GOOD: list[tuple[str, Any]] = [
    ("text", {"body": "x" * 4096, "preview_url": True}),
    ("image", {"link": "https://cdn.example/i.png", "caption": "c" * 1024}),
    ("video", {"link": "https://cdn.example/v.mp4", "caption": "c"}),
    ("audio", {"link": "https://cdn.example/a.ogg", "voice": True}),
    ("document", {"link": "https://cdn.example/d.pdf", "filename": "d.pdf", "caption": "c"}),
    ("sticker", {"link": "https://cdn.example/s.webp"}),
    ("location", {"latitude": "12.9716", "longitude": 77.5946, "name": "Depot", "address": "1 Example Rd"}),
    ("reaction", {"message_id": "wamid.x", "emoji": "👍"}),
    ("reaction", {"message_id": "wamid.x", "emoji": ""}),
    ("contacts", [{"name": {"formatted_name": "Asha Rao"}, "phones": [{"phone": "+15550002222"}]}]),
    ("contacts", [{"name": {"formatted_name": "A"}, "birthday": "2000-01-31"}] * 257),
]


@pytest.mark.parametrize(("kind", "content"), GOOD, ids=[f"{n}-{case[0]}" for n, case in enumerate(GOOD)])
def test_what_meta_documents_is_accepted(api: Caller, kind: str, content: Any) -> None:
    reply = api.send(kind, content)
    assert reply.status == 200, reply.body


BAD: list[tuple[str, Any, int, str]] = [
    ("text", {"body": "x" * 4097}, 100, "text['body']"),
    ("text", {"body": ""}, 131008, "text['body']"),
    ("text", {}, 131008, "text['body']"),
    ("text", {"body": 5}, 100, "text['body']"),
    ("text", {"body": "hi", "caption": "no"}, 100, "caption"),
    ("text", {"body": "hi", "preview_url": "yes"}, 100, "preview_url"),
    ("text", "hi", 100, "text"),
    ("image", {}, 131008, "image['id']"),
    ("image", {"id": "1", "link": "https://x.example/i.png"}, 131009, "only one"),
    ("image", {"id": "987654321"}, 100, "attachment ID"),
    ("image", {"link": "ftp://x.example/i.png"}, 131009, "URL"),
    ("image", {"link": "https://x.example/i.png", "caption": "c" * 1025}, 131009, "caption"),
    ("audio", {"link": "https://x.example/a.ogg", "caption": "c"}, 100, "caption"),
    ("sticker", {"link": "https://x.example/s.webp", "caption": "c"}, 100, "caption"),
    ("image", {"link": "https://x.example/i.png", "filename": "i.png"}, 100, "filename"),
    ("location", {"longitude": 7}, 131008, "latitude"),
    ("location", {"latitude": "north", "longitude": 7}, 100, "latitude"),
    ("location", {"latitude": 91, "longitude": 7}, 131009, "latitude"),
    ("reaction", {"emoji": "👍"}, 131008, "message_id"),
    ("reaction", {"message_id": "wamid.x"}, 131008, "emoji"),
    ("reaction", {"message_id": "wamid.x", "emoji": "ok"}, 131009, "emoji"),
    ("contacts", [], 131009, "contacts"),
    ("contacts", [{"name": {"formatted_name": "A"}}] * 258, 131009, "257"),
    ("contacts", [{"phones": []}], 131008, "name"),
    ("contacts", [{"name": {"first_name": "A"}}], 131008, "formatted_name"),
    ("contacts", [{"name": {"formatted_name": "A"}, "birthday": "31.1.2000"}], 131009, "birthday"),
    ("poll", {}, 100, "type"),
]


@pytest.mark.parametrize(
    ("kind", "content", "code", "hint"), BAD, ids=[f"{n}-{c[0]}-{c[2]}" for n, c in enumerate(BAD)]
)
def test_what_meta_refuses_is_refused_and_nothing_is_sent(
    api: Caller, sim: Control, kind: str, content: Any, code: int, hint: str
) -> None:
    reply = api.send(kind, content)
    assert (reply.status, reply.code) == (400, code), reply.body
    assert hint in reply.details
    assert sim.ledger()["count"] == 0


def test_the_error_envelope_is_complete(api: Caller) -> None:
    reply = api.text("")
    error = reply.json["error"]
    assert error["message"] == "(#131008) Required parameter is missing"
    assert error["type"] == "OAuthException"
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["fbtrace_id"] == reply.headers["x-fb-trace-id"]


def test_a_body_that_is_no_json_object_is_error_100(api: Caller) -> None:
    for body in (b"{", b"[]", b'"text"'):
        reply = api.call("POST", f"{NUMBER}/messages", body)
        assert (reply.status, reply.code) == (400, 100)


def test_the_product_and_the_recipient_are_mandatory(api: Caller) -> None:
    reply = api.call("POST", f"{NUMBER}/messages", {"to": PERSON, "type": "text", "text": {"body": "hi"}})
    assert (reply.code, reply.details) == (131008, "Parameter 'messaging_product' is mandatory.")
    assert api.text(to=None).code == 131008
    assert api.send("text", {"body": "x"}, messaging_product="messenger").code == 100


def test_a_message_without_its_content_object_misses_a_parameter(api: Caller) -> None:
    body = {"messaging_product": "whatsapp", "to": PERSON, "type": "image"}
    assert api.call("POST", f"{NUMBER}/messages", body).code == 131008


def test_callback_data_holds_512_characters(api: Caller) -> None:
    assert api.text(biz_opaque_callback_data="x" * 512).status == 200
    assert api.text(biz_opaque_callback_data="x" * 513).code == 100


def test_a_reply_names_its_message_and_a_reaction_is_no_reply(api: Caller) -> None:
    assert api.text(context={"message_id": "wamid.x"}).status == 200
    assert api.text(context={}).code == 131008
    reaction = {"message_id": "wamid.x", "emoji": "👍"}
    assert api.send("reaction", reaction, context={"message_id": "wamid.x"}).code == 131009


def test_a_received_message_can_be_marked_as_read_with_a_typing_sign(api: Caller, sim: Control) -> None:
    wamid = sim.inbound(PERSON, {"type": "text", "text": {"body": "hi"}})
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    for extra in ({}, {"typing_indicator": {"type": "text"}}):
        reply = api.call("POST", f"{NUMBER}/messages", {**body, **extra})
        assert (reply.status, reply.json) == (200, {"success": True})
    assert api.call("POST", f"{NUMBER}/messages", {**body, "message_id": "wamid.other"}).code == 131009
    assert api.call("POST", f"{NUMBER}/messages", {**body, "status": "seen"}).code == 100
    assert api.call("POST", f"{NUMBER}/messages", {**body, "typing_indicator": {"type": "dots"}}).code == 100
    assert sim.ledger()["count"] == 0
