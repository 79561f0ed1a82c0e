"""Webhooks: signed bytes, batches, retries, doubles, order, targets."""

import json
import time
from collections import Counter
from collections.abc import Callable

from tests.simulator.caller import NUMBER, PERSON, WA_ID, WABA, Caller
from tests.simulator.receiver import VERIFY_TOKEN, Receiver
from whatsapp_simulator.control import Control

HELLO = {"type": "text", "text": {"body": "hi"}}


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for ``condition``, up to a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.005)


def people(count: int) -> list[str]:
    return [f"+9198{number:08d}" for number in range(count)]


def send_many(api: Caller, count: int) -> list[str]:
    replies = [
        api.template("hello_world", to=to, biz_opaque_callback_data=f"cb {to}") for to in people(count)
    ]
    return [reply.json["messages"][0]["id"] for reply in replies]


def test_a_template_message_is_sent_delivered_and_read(api: Caller, sim: Control, receiver: Receiver) -> None:
    reply = api.template("hello_world", biz_opaque_callback_data="cmp:7/é")
    report = sim.drain()
    assert (report["delivered"], report["pending"], report["failed_attempts"]) == (3, 0, 0)
    statuses = receiver.statuses()
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    for status in statuses:
        assert status["id"] == reply.json["messages"][0]["id"]
        assert status["recipient_id"] == WA_ID
        assert status["biz_opaque_callback_data"] == "cmp:7/é"
        assert abs(int(status["timestamp"]) - sim.clock()["now"]) < 5
    ((entry, change), *_) = receiver.changes()
    assert entry["id"] == WABA
    assert "time" not in entry  # messages webhooks carry none
    assert change["value"]["metadata"] == {"display_phone_number": "15550009999", "phone_number_id": NUMBER}
    assert next(sim.messages())["statuses"] == ["sent", "delivered", "read"]
    assert sim.people()[WA_ID] == {"count": 1, "callback_data": ["cmp:7/é"], "last_status": "read"}


def test_the_signature_covers_the_exact_escaped_bytes(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.inbound(PERSON, {"type": "text", "text": {"body": "नमस्ते 👍 a/b"}}, name="Zoë")
    sim.drain()
    (post,) = receiver.posts
    assert post.genuine
    assert post.body.isascii()
    assert b"\\ud83d\\udc4d a\\/b" in post.body
    assert post.headers["x-hub-signature"].startswith("sha1=")
    assert post.headers["content-type"] == "application/json"
    assert json.dumps(post.json).encode() != post.body
    assert receiver.messages()[0]["text"]["body"] == "नमस्ते 👍 a/b"


def test_many_updates_share_a_post_up_to_the_batch_size(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.webhooks(enabled=False)
    wamids = send_many(api, 40)
    sim.inbound(PERSON, HELLO)
    sim.webhooks(enabled=True, batch_size=50)
    sim.drain()
    # Posts travel side by side, so the last one may arrive first.
    assert sorted(sum(_updates(post.json)) for post in receiver.posts) == [21, 50, 50]
    assert Counter(status["id"] for status in receiver.statuses()) == dict.fromkeys(wamids, 3)
    assert any(len(post.json["entry"][0]["changes"]) > 1 for post in receiver.posts)


def _updates(body: dict[str, list[dict[str, list[dict[str, dict[str, list[object]]]]]]]) -> list[int]:
    values = [change["value"] for entry in body["entry"] for change in entry["changes"]]
    return [len(value.get("statuses", value.get("messages", []))) for value in values]


def test_a_refused_post_is_repeated_with_the_same_bytes(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    receiver.answers.extend([500, 404, 302])
    api.template("hello_world")
    report = sim.drain()
    assert (report["delivered"], report["failed_attempts"], report["posts"]) == (3, 3, 4)
    assert [post.answered for post in receiver.posts] == [500, 404, 302, 200]
    assert len({post.body for post in receiver.posts}) == 1


def test_nothing_is_lost_while_the_target_is_down(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(url="http://127.0.0.1:9/", retry_base=0.01, retry_cap=0.05)
    wamids = send_many(api, 5)
    until(lambda: sim.webhooks()["failed_attempts"] >= 3)
    report = sim.drain(0)
    assert not report["drained"]
    assert report["pending"] == 15
    sim.reset()
    sim.webhooks(url=receiver.url, batch_wait=0.005)
    assert sim.drain()["delivered"] == 0  # a reset forgets what waited
    receiver.answers.extend([503] * 4)
    wamids = send_many(api, 5)
    assert sim.drain()["delivered"] == 15
    assert Counter(status["id"] for status in receiver.statuses()) == dict.fromkeys(wamids, 3)


def test_a_target_that_does_not_answer_in_time_gets_it_again(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    receiver.gate.clear()
    sim.webhooks(timeout=0.05)
    api.template("hello_world")
    until(lambda: sim.webhooks()["failed_attempts"] >= 1)
    receiver.gate.set()
    assert sim.drain()["drained"]
    until(lambda: len(receiver.posts) >= 2)
    assert len({post.body for post in receiver.posts}) == 1


def test_giving_up_counts_what_was_dropped(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(retry_for=0)
    receiver.answers.append(500)
    api.template("hello_world")
    report = sim.drain()
    assert (report["delivered"], report["dropped"], report["pending"]) == (0, 3, 0)


def test_too_many_waiting_updates_are_dropped_and_counted(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.webhooks(enabled=False, max_pending=3)
    send_many(api, 2)
    assert sim.webhooks()["dropped"] == 3
    assert sim.webhooks(enabled=True)["pending"] <= 3
    assert sim.drain()["delivered"] == 3


def test_doubled_updates_come_twice(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(double=1.0)
    (wamid,) = send_many(api, 1)
    sim.drain()
    kinds = Counter((status["id"], status["status"]) for status in receiver.statuses())
    assert kinds == {(wamid, name): 2 for name in ("sent", "delivered", "read")}


def test_reordered_updates_keep_their_own_times(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(reorder=True, delay=[0.0, 0.05])
    wamids = send_many(api, 20)
    sim.drain()
    rank = {"sent": 0, "delivered": 1, "read": 2}
    orders = {
        wamid: [rank[status["status"]] for status in receiver.statuses() if status["id"] == wamid]
        for wamid in wamids
    }
    assert all(sorted(order) == [0, 1, 2] for order in orders.values())
    assert any(order != [0, 1, 2] for order in orders.values())
    for wamid in wamids:
        mine = sorted(
            (rank[status["status"]], int(status["timestamp"]))
            for status in receiver.statuses()
            if status["id"] == wamid
        )
        assert [at for _, at in mine] == sorted(at for _, at in mine)


def test_delayed_updates_keep_their_order(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(delay=[0.01, 0.03], concurrency=1)
    started = time.monotonic()
    api.template("hello_world")
    sim.drain()
    assert time.monotonic() - started >= 0.03
    assert [status["status"] for status in receiver.statuses()] == ["sent", "delivered", "read"]


def test_shares_of_messages_fail_or_stay_unread(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.webhooks(read_share=0.0)
    send_many(api, 3)
    sim.drain()
    assert {status["status"] for status in receiver.statuses()} == {"sent", "delivered"}
    sim.webhooks(fail_share=1.0, fail_code=131026)
    send_many(api, 2)
    sim.drain()
    failed = [status for status in receiver.statuses() if status["status"] == "failed"]
    assert [status["errors"][0]["code"] for status in failed] == [131026, 131026]


def test_a_voice_message_is_also_played(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.inbound(PERSON, HELLO)
    api.send("audio", {"link": "https://cdn.example/a.ogg", "voice": True})
    api.send("audio", {"link": "https://cdn.example/a.mp3"})
    sim.drain()
    assert [entry["statuses"][-1] for entry in sim.messages()] == ["played", "read"]


def test_an_unsubscribed_waba_gets_no_webhooks(api: Caller, sim: Control, receiver: Receiver) -> None:
    assert api.call("DELETE", f"{WABA}/subscribed_apps").status == 200
    api.template("hello_world")
    assert sim.drain()["pending"] == 0
    assert receiver.posts == []
    assert api.call("POST", f"{WABA}/subscribed_apps").status == 200
    api.template("hello_world")
    sim.drain()
    assert len(receiver.statuses()) == 3


def test_an_override_takes_message_webhooks_only(api: Caller, sim: Control, receiver: Receiver) -> None:
    override = Receiver()
    try:
        body = {"override_callback_uri": override.url, "verify_token": VERIFY_TOKEN}
        api.call("POST", f"{WABA}/subscribed_apps", body)
        api.template("hello_world")
        sim.send_webhook("account_review_update", {"decision": "APPROVED"})
        sim.drain()
        assert len(override.statuses()) == 3
        assert override.values("account_review_update") == []
        assert receiver.statuses() == []
        assert receiver.values("account_review_update") == [{"decision": "APPROVED"}]
    finally:
        override.close()


def test_any_webhook_can_be_posted_and_account_webhooks_carry_a_time(
    sim: Control, receiver: Receiver
) -> None:
    sim.send_webhook("account_update", {"event": "ACCOUNT_DELETED"}, waba_id="999")
    sim.drain()
    ((entry, change),) = receiver.changes()
    assert entry["id"] == "999"
    assert isinstance(entry["time"], int)
    assert change == {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}


def test_inbound_messages_carry_contact_and_context(sim: Control, receiver: Receiver) -> None:
    button = {"type": "button", "button": {"payload": "TRACK", "text": "Track"}, "context": {"id": "wamid.x"}}
    wamid = sim.inbound(PERSON, button, name="Maya")
    sim.drain()
    (value,) = receiver.values()
    (message,) = value["messages"]
    assert (message["id"], message["from"], message["button"]["payload"]) == (wamid, WA_ID, "TRACK")
    assert message["context"] == {"id": "wamid.x"}
    (contact,) = value["contacts"]
    assert contact["profile"] == {"name": "Maya"}
    assert (contact["wa_id"], contact["user_id"]) == (WA_ID, message["from_user_id"])


def test_a_person_with_a_username_may_hide_the_phone(sim: Control, receiver: Receiver) -> None:
    sim.inbound(PERSON, HELLO, hide_phone=True, user_id="IN.77")
    sim.drain()
    (value,) = receiver.values()
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == "IN.77"
    assert "wa_id" not in value["contacts"][0]


def test_system_messages_have_no_contacts(sim: Control, receiver: Receiver) -> None:
    system = {"type": "user_changed_number", "body": "moved", "wa_id": "919876543219"}
    sim.inbound(PERSON, {"type": "system", "system": system})
    sim.drain()
    (value,) = receiver.values()
    assert "contacts" not in value
