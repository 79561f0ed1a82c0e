"""What holds for every call: tokens, access, unknown ids, error envelopes, headers."""

import hashlib
import hmac

import pytest

from tests.simulator.caller import NUMBER, PERSON, TOKEN, Caller
from whatsapp_simulator.control import Control
from whatsapp_simulator.settings import Settings
from whatsapp_simulator.testing import SimulatorServer

TEXT = {"messaging_product": "whatsapp", "to": PERSON, "type": "text", "text": {"body": "hi"}}
PATH = f"{NUMBER}/messages"


def proof(token: str = TOKEN, secret: str = "simulator-app-secret") -> str:
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def test_an_unknown_token_is_190_with_http_401(api: Caller) -> None:
    reply = api.text(token="stolen")
    assert (reply.status, reply.code) == (401, 190)
    assert reply.json["error"]["type"] == "OAuthException"


def test_a_missing_token_is_an_error_of_its_own(api: Caller) -> None:
    assert api.text(token="").code == 104


def test_the_token_may_come_as_a_query_parameter_or_with_the_oauth_scheme(api: Caller) -> None:
    assert api.call("POST", f"{PATH}?access_token={TOKEN}", TEXT, token="").status == 200
    assert api.call("POST", PATH, TEXT, token="", headers={"Authorization": f"OAuth {TOKEN}"}).status == 200


def test_revoked_and_expired_tokens_are_190_with_their_subcodes(api: Caller, sim: Control) -> None:
    sim.token("gone", revoked=True)
    sim.token("brief", expires_at=sim.clock()["now"] + 60)
    assert api.text(token="gone").json["error"]["error_subcode"] == 460
    assert api.text(token="brief").status == 200
    sim.clock(advance=61)
    reply = api.text(token="brief")
    assert (reply.status, reply.code, reply.json["error"]["error_subcode"]) == (401, 190, 463)


def test_a_token_without_access_to_the_account_is_200(api: Caller, sim: Control) -> None:
    sim.number("222000222000444", waba_id="111000111000222")
    sim.token("one-waba", waba_ids=["111000111000222"])
    reply = api.text(token="one-waba")
    assert (reply.status, reply.code) == (403, 200)
    assert api.text(token="one-waba", number="222000222000444").status == 200


def test_a_token_without_the_permission_is_10(api: Caller, sim: Control) -> None:
    sim.token("manager", permissions=["whatsapp_business_management"])
    reply = api.text(token="manager")
    assert (reply.status, reply.code) == (403, 10)


def test_a_given_appsecret_proof_must_be_right(api: Caller) -> None:
    assert api.call("POST", f"{PATH}?appsecret_proof={proof()}", TEXT).status == 200
    reply = api.call("POST", f"{PATH}?appsecret_proof={proof(secret='wrong')}", TEXT)
    assert reply.code == 100
    assert reply.json["error"]["type"] == "GraphMethodException"


def test_the_proof_can_be_made_mandatory(api: Caller, sim: Control) -> None:
    sim.settings(require_appsecret_proof=True)
    assert api.text().code == 100
    assert api.call("POST", f"{PATH}?appsecret_proof={proof()}", TEXT).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "123456"), ("POST", "123456/messages"), ("GET", f"{NUMBER}/no_such_edge"), ("DELETE", PATH)],
)
def test_an_unknown_id_or_edge_is_100_33(api: Caller, method: str, path: str) -> None:
    reply = api.call(method, path)
    assert (reply.status, reply.code) == (400, 100)
    error = reply.json["error"]
    assert (error["error_subcode"], error["type"]) == (33, "GraphMethodException")
    assert error["message"].startswith("Unsupported ")


def test_the_token_of_the_app_sends_nothing(api: Caller) -> None:
    assert api.text(token="100000000000001|simulator-app-secret").code == 10


def test_a_key_that_no_message_has_is_refused_by_name(api: Caller) -> None:
    for key in ("callback_data", "image", "preview_url"):
        reply = api.text(**{key: "x"})
        assert (reply.code, key in reply.details) == (100, True)
    assert api.text(recipient_type="individual", recipient_identity_key_hash="h").status == 200


def test_a_bad_token_is_told_before_an_unknown_id(api: Caller) -> None:
    assert api.call("GET", "123456", token="stolen").code == 190


@pytest.mark.parametrize("version", ["v20.0", "v22.0", "v26.0", ""])
def test_every_version_is_served(api: Caller, version: str) -> None:
    assert api.text(version=version).status == 200


def test_answers_are_escaped_ascii(api: Caller) -> None:
    reply = api.template("tschüß/👍")
    assert reply.body.isascii()
    assert b"tsch\\u00fc\\u00df\\/\\ud83d\\udc4d" in reply.body
    assert "tschüß/👍" in reply.details


def test_the_throughput_of_the_default_number_is_a_setting() -> None:
    with SimulatorServer(Settings(throughput=1)) as sim:
        sim.control.clock(freeze=True)
        api = Caller(sim.base_url)
        assert api.text().status == 200
        assert api.text().code == 130429
        sim.control.reset()
        assert api.text().status == 200
