"""The 24-hour customer service window, and what it changes in the price."""

import pytest

from tests.simulator.caller import NUMBER, PERSON, WA_ID, Caller
from tests.simulator.receiver import Receiver
from whatsapp_simulator.control import Control

HELLO = {"type": "text", "text": {"body": "hi"}}


def last_status(sim: Control, wamid: str) -> str:
    sim.drain()
    (entry,) = (entry for entry in sim.messages() if entry["wamid"] == wamid)
    return str(entry["statuses"][-1])


def send(api: Caller) -> str:
    return str(api.text().json["messages"][0]["id"])


def test_free_form_messages_fail_by_webhook_outside_the_window(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    wamid = send(api)
    sim.drain()
    (status,) = receiver.statuses()
    assert (status["id"], status["status"], status["recipient_id"]) == (wamid, "failed", WA_ID)
    (error,) = status["errors"]
    assert error["code"] == 131047
    assert error["title"] == error["message"] == "Re-engagement message"
    assert error["error_data"]["details"]
    assert "pricing" not in status


def test_a_message_of_the_person_opens_the_window_for_24_hours(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    sim.inbound(PERSON, HELLO)
    assert last_status(sim, send(api)) == "read"
    sim.clock(advance=24 * 3600 - 1)
    assert last_status(sim, send(api)) == "read"
    sim.clock(advance=1)
    assert last_status(sim, send(api)) == "failed"


def test_the_window_belongs_to_one_business_number(api: Caller, sim: Control) -> None:
    sim.number("222000222000444")
    sim.inbound(PERSON, HELLO, phone_number_id="222000222000444")
    assert last_status(sim, send(api)) == "failed"


def test_the_window_can_be_told_in_the_answer(api: Caller, sim: Control) -> None:
    sim.settings(window_errors="answer")
    assert api.text().code == 131047
    assert api.template("hello_world").status == 200
    sim.inbound(PERSON, HELLO)
    assert api.text().status == 200


@pytest.mark.parametrize(
    ("category", "window", "expected"),
    [
        ("UTILITY", False, {"billable": True, "type": "regular", "category": "utility"}),
        ("UTILITY", True, {"billable": False, "type": "free_customer_service", "category": "utility"}),
        ("MARKETING", True, {"billable": True, "type": "regular", "category": "marketing"}),
        (None, True, {"billable": False, "type": "free_customer_service", "category": "service"}),
    ],
)
def test_the_price_depends_on_category_and_window(
    api: Caller,
    sim: Control,
    receiver: Receiver,
    category: str | None,
    window: bool,
    expected: dict[str, object],
) -> None:
    if window:
        sim.inbound(PERSON, HELLO)
    if category:
        sim.template("priced", category=category)
        assert api.template("priced").status == 200
    else:
        send(api)
    sim.drain()
    sent, delivered, read = receiver.statuses()
    assert sent["pricing"] == delivered["pricing"] == {"pricing_model": "PMP", **expected}
    assert "pricing" not in read
    assert "expiration_timestamp" in sent["conversation"]
    assert "expiration_timestamp" not in delivered["conversation"]


def test_a_template_on_hold_goes_out_on_release_or_fails_when_paused(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.template("hello_world", held=True)
    reply = api.template("hello_world")
    assert reply.json["messages"][0]["message_status"] == "held_for_quality_assessment"
    sim.drain()
    assert receiver.statuses() == []
    sim.template("hello_world", held=False)
    sim.drain()
    assert [status["status"] for status in receiver.statuses()] == ["sent", "delivered", "read"]

    sim.template("hello_world", held=True)
    api.template("hello_world")
    sim.template("hello_world", status="PAUSED")
    sim.drain()
    assert receiver.statuses()[-1]["errors"][0]["code"] == 132015
    (update,) = receiver.values("message_template_status_update")
    assert (update["event"], update["message_template_name"]) == ("PAUSED", "hello_world")
    assert api.template("hello_world", number=NUMBER).code == 132015
