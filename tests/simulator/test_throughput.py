"""Rates: messages a second of a number, messages to one person, management calls of an hour."""

from tests.simulator.caller import NUMBER, WABA, Caller
from whatsapp_simulator.control import Control
from whatsapp_simulator.settings import Settings
from whatsapp_simulator.testing import SimulatorServer


def person(number: int) -> str:
    return f"+9198{number:08d}"


def test_a_number_sends_one_seconds_worth_at_once_and_then_at_its_rate(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    sim.number(NUMBER, throughput=5)
    codes = [api.template("hello_world", to=person(n)).status for n in range(6)]
    assert codes == [200] * 5 + [400]
    assert api.template("hello_world", to=person(9)).code == 130429
    sim.clock(advance=0.2)
    assert api.template("hello_world", to=person(9)).status == 200
    assert api.template("hello_world", to=person(9)).code == 130429
    sim.clock(advance=60)
    assert [api.template("hello_world", to=person(n)).status for n in range(6)] == [200] * 5 + [400]


def test_received_messages_use_the_same_rate(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    sim.number(NUMBER, throughput=2)
    sim.inbound(person(1), {"type": "text", "text": {"body": "hi"}})
    assert api.template("hello_world", to=person(1)).status == 200
    assert api.template("hello_world", to=person(2)).code == 130429


def test_each_number_has_its_own_rate(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    sim.number(NUMBER, throughput=1)
    sim.number("222000222000444", throughput=1)
    for number in (NUMBER, "222000222000444"):
        assert api.template("hello_world", number=number).status == 200
        assert api.template("hello_world", number=number).code == 130429


def test_the_status_of_throttled_calls_can_be_429(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    sim.settings(throttle_status=429)
    sim.number(NUMBER, throughput=1)
    api.template("hello_world")
    reply = api.template("hello_world")
    assert (reply.status, reply.code) == (429, 130429)


def test_the_status_holds_for_throttling_that_is_ordered_too(api: Caller, sim: Control) -> None:
    sim.settings(throttle_status=429)
    for code, status in ((80007, 429), (131056, 429), (131008, 400)):
        sim.fail(code)
        assert (reply := api.template("hello_world")).code == code
        assert reply.status == status
    sim.fail(80007, status=403)
    assert api.template("hello_world").status == 403


def test_one_person_gets_a_burst_of_45_that_is_paid_back_at_6_seconds_a_message(
    api: Caller, sim: Control
) -> None:
    sim.clock(freeze=True)
    statuses = [api.template("hello_world").status for _ in range(46)]
    assert statuses == [200] * 45 + [400]
    assert api.template("hello_world").code == 131056
    assert api.template("hello_world", to=person(7)).status == 200
    sim.clock(advance=45 * 6 - 1)
    assert api.template("hello_world").code == 131056
    sim.clock(advance=1)
    assert [api.template("hello_world").status for _ in range(46)] == [200] * 45 + [400]


def test_after_a_burst_of_20_the_next_message_waits_two_minutes(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    assert {api.template("hello_world").status for _ in range(19)} == {200}
    sim.clock(advance=5)
    assert api.template("hello_world").status == 200  # still the same burst
    sim.clock(advance=114)
    assert api.template("hello_world").code == 131056
    sim.clock(advance=1)
    assert api.template("hello_world").status == 200


def test_one_message_in_6_seconds_may_go_on_for_ever(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    for _ in range(100):
        assert api.template("hello_world").status == 200
        sim.clock(advance=6)


def test_the_pair_rate_can_be_switched_off(api: Caller, sim: Control) -> None:
    sim.settings(pair_rate=False)
    sim.clock(freeze=True)
    assert {api.template("hello_world").status for _ in range(60)} == {200}


def test_refused_messages_use_nothing_up(api: Caller, sim: Control) -> None:
    sim.clock(freeze=True)
    sim.number(NUMBER, throughput=1)
    for _ in range(3):
        assert api.text("").code == 131008
    assert api.template("hello_world").status == 200


def test_management_calls_have_an_hourly_allowance_that_the_headers_tell() -> None:
    with SimulatorServer(Settings(management_limit=4)) as sim:
        api = Caller(sim.base_url)
        sim.control.clock(freeze=True)
        path = f"{WABA}/no_such_edge"
        first = api.call("GET", f"{WABA}/subscribed_apps")
        assert first.status == 200
        assert '"call_count":25' in first.headers["x-app-usage"]
        usage = first.headers["x-business-use-case-usage"]
        assert usage.startswith(f'{{"{WABA}":[{{"type":"whatsapp"')
        for _ in range(3):
            assert api.call("GET", f"{WABA}/subscribed_apps").status == 200
        assert api.call("GET", f"{WABA}/subscribed_apps").code == 80007
        assert api.call("GET", path).code == 100
        assert api.template("hello_world").status == 200  # sends have their own rate
        sim.control.clock(advance=3600)
        assert api.call("GET", f"{WABA}/subscribed_apps").status == 200
