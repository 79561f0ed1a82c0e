"""The control plane: ledger, faults, settings, and clear errors for wrong orders."""

import http.client
import json
import time

import pytest

from tests.simulator.caller import NUMBER, PERSON, TOKEN, WA_ID, Caller
from whatsapp_simulator.control import Control, ControlError
from whatsapp_simulator.settings import Settings
from whatsapp_simulator.testing import SimulatorServer


def test_reset_brings_back_the_default_world(api: Caller, sim: Control) -> None:
    api.text()
    sim.template("extra")
    sim.fail(131000, count=None)
    sim.token("simulator-token", revoked=True)
    sim.reset()
    assert sim.ledger()["count"] == 0
    assert sim.health() == {"status": "ok", "messages": 0, "pending": 0}
    assert api.template("hello_world").status == 200
    assert api.template("extra").code == 132001


def test_the_ledger_is_read_page_by_page(api: Caller, sim: Control) -> None:
    wamids = [api.text(f"{n}").json["messages"][0]["id"] for n in range(5)]
    page = sim.ledger(limit=2)
    assert (page["count"], page["next"], [m["seq"] for m in page["messages"]]) == (5, 2, [1, 2])
    page = sim.ledger(after=4, limit=2)
    assert (page["next"], [m["seq"] for m in page["messages"]]) == (None, [5])
    assert [message["wamid"] for message in sim.messages()] == wamids
    assert sim.ledger(after=5)["messages"] == []


def test_people_are_counted_with_their_callback_data(api: Caller, sim: Control) -> None:
    api.text(biz_opaque_callback_data="a")
    api.text(biz_opaque_callback_data="b")
    api.text(to="+6581234567")
    people = sim.people()
    assert people[WA_ID]["count"] == 2
    assert people[WA_ID]["callback_data"] == ["a", "b"]
    assert people["6581234567"]["count"] == 1


def test_bodies_need_not_be_kept(api: Caller, sim: Control) -> None:
    sim.settings(store_bodies=False)
    api.text()
    assert next(sim.messages())["body"] is None


def test_the_next_calls_fail_with_the_ordered_error(api: Caller, sim: Control) -> None:
    sim.fail(131048, count=2)
    assert [api.text().status for _ in range(3)] == [400, 400, 200]
    sim.fail(131000, subcode=2494010, status=503)
    reply = api.text()
    assert (reply.status, reply.code, reply.json["error"]["error_subcode"]) == (503, 131000, 2494010)
    assert sim.ledger()["count"] == 1


def test_a_fault_may_be_bound_to_a_path(api: Caller, sim: Control) -> None:
    sim.fail(4, path="message_templates")
    assert api.text().status == 200


def test_an_answer_is_dropped_after_the_message_was_accepted(api: Caller, sim: Control) -> None:
    sim.fault("drop", count=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        api.text(biz_opaque_callback_data="lost")
    api.text(biz_opaque_callback_data="kept")
    flags = {entry["callback_data"]: entry["answer_dropped"] for entry in sim.messages()}
    assert flags == {"lost": True, "kept": False}


def test_drops_by_chance_repeat_with_their_seed(api: Caller, sim: Control) -> None:
    def pattern() -> list[bool]:
        sim.reset()
        sim.settings(pair_rate=False)
        sim.fault("drop", probability=0.5, seed=7)
        for _ in range(20):
            try:
                api.text()
            except (http.client.RemoteDisconnected, ConnectionResetError):
                continue
        return [bool(entry["answer_dropped"]) for entry in sim.messages()]

    first = pattern()
    assert 0 < sum(first) < 20
    assert pattern() == first


def test_refused_messages_are_answered_even_when_answers_are_dropped(api: Caller, sim: Control) -> None:
    sim.fault("drop")
    assert api.text("").code == 131008


def test_an_html_page_and_an_answer_without_id(api: Caller, sim: Control) -> None:
    sim.fault("html")
    reply = api.text()
    assert (reply.status, reply.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert sim.ledger()["count"] == 0
    sim.fault("no_id")
    assert api.text().json == {"messaging_product": "whatsapp"}
    assert sim.ledger()["count"] == 1
    assert "messages" in api.text().json


def test_latency_delays_the_answer_and_only_that_call(api: Caller, sim: Control) -> None:
    sim.fault("latency", seconds=0.1, count=1)
    started = time.monotonic()
    assert api.text().status == 200
    assert time.monotonic() - started >= 0.1


def test_a_call_that_waits_while_the_world_is_reset_does_nothing_in_the_next(
    api: Caller, sim: Control
) -> None:
    sim.fault("latency", seconds=0.3, count=1)
    waiting = http.client.HTTPConnection(api.netloc, timeout=20)
    body = {"messaging_product": "whatsapp", "to": PERSON, "text": {"body": "hi"}}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    waiting.request("POST", f"/v22.0/{NUMBER}/messages", json.dumps(body), headers)
    sim.health()  # the call before it has arrived
    sim.reset()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        waiting.getresponse()
    waiting.close()
    assert sim.ledger()["count"] == 0


def test_faults_can_be_taken_back(api: Caller, sim: Control) -> None:
    sim.fail(131000, count=None)
    assert api.text().code == 131000
    sim.clear_faults()
    assert api.text().status == 200


def test_the_control_plane_is_never_faulty(sim: Control) -> None:
    sim.fail(131000, count=None)
    sim.fault("html", count=None)
    assert sim.health()["status"] == "ok"


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("faults", {"kind": "explode"}),
        ("faults", {}),
        ("faults", {"kind": "error", "cod": 5}),
        ("webhooks", {"uri": "x"}),
        ("webhooks", {"batch_size": "many"}),
        ("webhooks", {"batch_size": True}),
        ("webhooks", {"delay": 5}),
        ("webhooks", {"delay": ["a", "b"]}),
        ("settings", {"pair_rate": 1}),
        ("settings", {"__class__": "x"}),
        ("webhooks/send", {"field": "messages"}),
        ("settings", {"speed": 5}),
        ("clock", {"now": "noon"}),
        ("inbound", {"from": "+919876543210"}),
        ("inbound", {"from": "+919876543210", "message": {}}),
        ("inbound", {"from": "+919876543210", "message": {"type": "text"}, "phone_number_id": "5"}),
        ("templates", {"name": "x"}),
        ("templates", {"name": "x", "language": "en", "waba_id": "5"}),
        ("preferences", {"wa_id": "919876543210", "value": "maybe"}),
        ("numbers", {"phone_number_id": "abc"}),
        ("people", {}),
        ("tokens", {}),
        ("no_such_order", {}),
    ],
)
def test_a_wrong_order_is_refused(sim: Control, path: str, order: dict[str, object]) -> None:
    with pytest.raises(ControlError, match="POST"):
        sim.call("POST", path, order)


def test_a_blocked_person_cannot_write(api: Caller, sim: Control) -> None:
    sim.inbound(PERSON, {"type": "text", "text": {"body": "hi"}})
    body = {"messaging_product": "whatsapp", "block_users": [{"user": PERSON}]}
    assert api.call("POST", f"{NUMBER}/block_users", body).status == 200
    with pytest.raises(ControlError, match="130403"):
        sim.inbound(PERSON, {"type": "text", "text": {"body": "hi"}})
    assert api.text().code == 130403


def test_two_simulators_share_nothing(sim: Control) -> None:
    with SimulatorServer(Settings()) as other:
        Caller(other.base_url).text()
        assert other.control.ledger()["count"] == 1
        assert sim.ledger()["count"] == 0
