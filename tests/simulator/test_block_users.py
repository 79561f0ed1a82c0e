"""The block list of a phone number."""

from typing import Any

import pytest

from tests.simulator.caller import NUMBER, PERSON, WA_ID, Caller, Reply
from whatsapp_simulator.control import Control

PATH = f"{NUMBER}/block_users"
HELLO = {"type": "text", "text": {"body": "hi"}}


def change(api: Caller, method: str, *users: str | dict[str, str]) -> Reply:
    entries = [user if isinstance(user, dict) else {"user": user} for user in users]
    return api.call(method, PATH, {"messaging_product": "whatsapp", "block_users": entries})


def listed(api: Caller) -> list[Any]:
    return [entry["wa_id"] for entry in api.call("GET", PATH).json["data"]]


def test_a_person_who_wrote_lately_can_be_blocked_and_then_neither_side_can_write(
    api: Caller, sim: Control
) -> None:
    sim.inbound(WA_ID, HELLO)
    reply = change(api, "POST", PERSON)
    assert reply.status == 200
    assert reply.json["block_users"] == {"added_users": [{"input": PERSON, "wa_id": WA_ID}]}
    assert listed(api) == [WA_ID]
    assert api.text().code == 130403
    with pytest.raises(Exception, match="130403"):
        sim.inbound(WA_ID, HELLO)


def test_unblocking_needs_no_recent_message(api: Caller, sim: Control) -> None:
    sim.inbound(WA_ID, HELLO)
    change(api, "POST", PERSON)
    sim.clock(advance=2 * 86_400)
    reply = change(api, "DELETE", PERSON)
    assert reply.json["block_users"] == {"removed_users": [{"input": PERSON, "wa_id": WA_ID}]}
    assert listed(api) == []
    assert change(api, "DELETE", PERSON).code == 139100


def test_those_who_fail_are_told_and_the_others_are_blocked(api: Caller, sim: Control) -> None:
    sim.inbound(WA_ID, HELLO)
    reply = change(api, "POST", PERSON, "+15550002222", "+15550009999")
    assert (reply.status, reply.code) == (400, 139100)
    assert reply.json["error"]["fbtrace_id"]
    result = reply.json["block_users"]
    assert [user["wa_id"] for user in result["added_users"]] == [WA_ID]
    codes = {user["input"]: user["errors"][0]["code"] for user in result["failed_users"]}
    assert codes == {"+15550002222": 131047, "+15550009999": 131021}
    assert listed(api) == [WA_ID]


def test_when_all_fail_nobody_is_added(api: Caller, sim: Control) -> None:
    sim.inbound(WA_ID, HELLO)
    sim.clock(advance=86_401)
    reply = change(api, "POST", PERSON)
    assert reply.status == 400
    assert "added_users" not in reply.json["block_users"]


def test_a_person_can_be_blocked_by_their_business_scoped_id(api: Caller, sim: Control) -> None:
    sim.inbound(WA_ID, HELLO, user_id="IN.123")
    reply = change(api, "POST", {"user_id": "IN.123"}, {"user_id": "IN.999"})
    assert reply.json["block_users"]["added_users"] == [{"input": "IN.123", "user_id": "IN.123"}]
    assert reply.json["block_users"]["failed_users"][0]["errors"][0]["code"] == 131047


def test_a_call_names_a_thousand_users_at_most(api: Caller) -> None:
    assert change(api, "POST", *["+15550002222"] * 1001).code == 130429
    assert change(api, "POST", *["+15550002222"] * 1000).code == 139100


@pytest.mark.parametrize(
    "body",
    [
        {"block_users": [{"user": PERSON}]},
        {"messaging_product": "whatsapp"},
        {"messaging_product": "whatsapp", "block_users": []},
        {"messaging_product": "whatsapp", "block_users": ["x"]},
        {"messaging_product": "whatsapp", "block_users": [{}]},
    ],
)
def test_malformed_calls_are_refused(api: Caller, body: Any) -> None:
    assert api.call("POST", PATH, body).code in {100, 131008}


def test_the_list_is_paged_by_cursors_alone_and_tells_when_it_changed(api: Caller, sim: Control) -> None:
    people = [f"1555000{number:04}" for number in range(5)]
    for person in people:
        sim.inbound(person, HELLO)
    change(api, "POST", *(f"+{person}" for person in people))
    first = api.call("GET", f"{PATH}?limit=2").json
    assert set(first["paging"]) == {"cursors"}
    after = first["paging"]["cursors"]["after"]
    second = api.call("GET", f"{PATH}?limit=2&after={after}").json
    assert [entry["wa_id"] for entry in second["data"]] == people[2:4]
    change(api, "DELETE", f"+{people[0]}")
    assert api.call("GET", f"{PATH}?limit=2&after={after}").code == 139102


def test_blocking_holds_for_one_number_only(api: Caller, sim: Control) -> None:
    sim.number("222000222000333")
    sim.inbound(WA_ID, HELLO)
    change(api, "POST", PERSON)
    assert api.text(number="222000222000333").status == 200
