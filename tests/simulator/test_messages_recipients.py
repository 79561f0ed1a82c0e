"""Who gets a message: how ``to`` is read, and what stands in the way."""

import pytest

from tests.simulator.caller import NUMBER, PERSON, WA_ID, Caller
from tests.simulator.receiver import Receiver
from whatsapp_simulator.control import Control

USER_ID = "US.13491208655302741918"


@pytest.mark.parametrize(
    ("to", "wa_id"),
    [
        ("+919876543210", "919876543210"),
        ("+91 (98765) 432-10", "919876543210"),
        ("+5531987654321", "553187654321"),  # Brazil: no ninth digit outside the first states
        ("+5511987654321", "5511987654321"),
        ("+525512345678", "5215512345678"),  # Mexico: a 1 after the country code
        ("+6581234567", "6581234567"),
        ("+4712345678", "4712345678"),
    ],
)
def test_the_wa_id_of_an_international_number(api: Caller, to: str, wa_id: str) -> None:
    assert api.text(to=to).json["contacts"] == [{"input": to, "wa_id": wa_id}]


def test_a_number_without_plus_gets_the_country_code_of_the_business(api: Caller, sim: Control) -> None:
    sim.number("222000222000444", country_code="91")
    reply = api.text(to="(631) 555-1234", number="222000222000444")
    assert reply.json["contacts"][0]["wa_id"] == "916315551234"
    reply = api.text(to="1 (631) 555-1234", number="222000222000444")
    assert reply.json["contacts"][0]["wa_id"] == "9116315551234"
    assert (
        api.text(to="+1 (631) 555-1234", number="222000222000444").json["contacts"][0]["wa_id"]
        == "16315551234"
    )


@pytest.mark.parametrize("to", ["", "+", "+12345", "+1234567890123456", "asha", "+91987654321x"])
def test_what_is_no_phone_number_is_refused(api: Caller, to: str) -> None:
    assert api.text(to=to).code == 131009


def test_to_must_be_text_and_groups_are_unknown(api: Caller) -> None:
    assert api.send("text", {"body": "x"}, to=None, recipient=5).code == 131009
    assert api.text(recipient_type="group").code == 100


def test_the_business_cannot_message_itself(api: Caller) -> None:
    assert api.text(to="+15550009999").code == 131021


def test_a_business_scoped_user_id_is_answered_without_wa_id(
    api: Caller, receiver: Receiver, sim: Control
) -> None:
    reply = api.template("hello_world", to=None, recipient=USER_ID)
    assert reply.json["contacts"] == [{"input": USER_ID, "user_id": USER_ID}]
    sim.drain()
    assert {status["recipient_user_id"] for status in receiver.statuses()} == {USER_ID}
    assert all("recipient_id" not in status for status in receiver.statuses())
    assert api.text(to=None, recipient="not an id").code == 131009


def test_to_wins_over_a_user_id_and_both_are_answered(api: Caller) -> None:
    reply = api.template("hello_world", recipient=USER_ID)
    assert reply.json["contacts"] == [{"input": PERSON, "wa_id": WA_ID, "user_id": USER_ID}]


def test_somebody_who_wrote_without_a_number_is_the_same_person_when_answered_by_user_id(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.inbound(PERSON, {"type": "text", "text": {"body": "hi"}}, user_id=USER_ID, hide_phone=True)
    sim.preference(PERSON, "stop")
    sim.template("sale", category="MARKETING")
    assert api.text(to=None, recipient=USER_ID).json["contacts"] == [{"input": USER_ID, "user_id": USER_ID}]
    api.template("sale", to=None, recipient=USER_ID)
    api.text()
    told = fate(sim, receiver)
    assert {state for state in told if state[0] == "failed"} == {("failed", 131050)}
    assert told.count(("delivered", 0)) == 2
    assert {status["recipient_user_id"] for status in receiver.statuses()} == {USER_ID}
    assert {person: seen["count"] for person, seen in sim.people().items()} == {WA_ID: 3}


def fate(sim: Control, receiver: Receiver) -> list[tuple[str, int]]:
    """(status, error code) of all webhooks so far; 0 without an error."""
    assert sim.drain()["drained"]
    return [
        (status["status"], status.get("errors", [{"code": 0}])[0]["code"]) for status in receiver.statuses()
    ]


def test_somebody_not_on_whatsapp_is_told_by_webhook(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.person(WA_ID, on_whatsapp=False)
    assert api.template("hello_world").status == 200
    assert fate(sim, receiver) == [("failed", 131026)]


def test_somebody_who_blocks_the_business_stays_at_sent(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.person(WA_ID, blocks_business=True)
    assert api.template("hello_world").status == 200
    assert fate(sim, receiver) == [("sent", 0)]


def test_stopped_marketing_fails_until_it_is_resumed_and_utility_still_goes(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    sim.template("sale", category="MARKETING")
    sim.preference(WA_ID, "stop")
    assert api.template("sale").status == 200
    assert api.template("hello_world").status == 200
    sim.preference(WA_ID, "resume")
    assert api.template("sale").status == 200
    read = [("sent", 0), ("delivered", 0), ("read", 0)]
    assert fate(sim, receiver) == [("failed", 131050), *read, *read]
    values = receiver.values("user_preferences")
    assert [value["user_preferences"][0]["value"] for value in values] == ["stop", "resume"]
    assert values[0]["contacts"][0]["wa_id"] == WA_ID


@pytest.mark.parametrize(
    ("to", "first"),
    [("+12125550123", ("failed", 131049)), ("+14165550123", ("sent", 0)), ("+18765550123", ("sent", 0))],
)
def test_marketing_reaches_canada_and_jamaica_but_not_the_united_states(
    api: Caller, sim: Control, receiver: Receiver, to: str, first: tuple[str, int]
) -> None:
    sim.template("sale", category="MARKETING")
    api.template("sale", to=to)
    assert fate(sim, receiver)[0] == first


def test_a_reaction_to_an_unknown_message_fails_by_webhook_and_others_are_only_sent(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    wamid = sim.inbound(PERSON, {"type": "text", "text": {"body": "hi"}})
    assert api.send("reaction", {"message_id": wamid, "emoji": "👍"}).status == 200
    assert api.send("reaction", {"message_id": "wamid.unknown", "emoji": "👍"}).status == 200
    assert fate(sim, receiver) == [("sent", 0), ("failed", 131009)]


def test_an_unregistered_number_cannot_send(api: Caller, sim: Control) -> None:
    sim.number(NUMBER, status="DISCONNECTED")
    assert api.text().code == 133010


def test_media_received_on_another_number_or_expired_cannot_be_sent(api: Caller, sim: Control) -> None:
    image = {"type": "image", "image": {"id": "700700700700700", "mime_type": "image/png"}}
    sim.inbound(PERSON, image)
    assert api.send("image", {"id": "700700700700700"}).status == 200
    sim.number("222000222000444")
    assert api.send("image", {"id": "700700700700700"}, number="222000222000444").code == 100
    sim.clock(advance=8 * 24 * 3600)
    assert api.send("image", {"id": "700700700700700"}).code == 100


def test_media_of_the_wrong_type_fails_by_webhook(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.inbound(PERSON, {"type": "image", "image": {"id": "700700700700700"}})
    assert api.send("video", {"id": "700700700700700"}).status == 200
    assert fate(sim, receiver) == [("failed", 131053)]
