"""The low-level message functions, over HTTP against the simulator, blocking and awaited.

None of these tests may touch the database: so the functions leave no row.
"""

import inspect
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from django_meta_whatsapp import utils
from django_meta_whatsapp.errors import (
    AuthError,
    InvalidMessage,
    InvalidPhoneNumber,
    MaybeSentError,
    MetaAPIError,
    MissingSetting,
    NotSentError,
    Outcome,
    TemplateError,
)
from tests.utils.cases import CASES, Case
from whatsapp_simulator.testing import SimulatorServer

HER = "+4512345678"


def let_write(simulator: SimulatorServer, *people: str) -> list[str]:
    """The people write to the business, which opens their windows; the ids of their messages."""
    inbound = {"type": "text", "text": {"body": "hi"}}
    return [simulator.control.inbound(person.removeprefix("+"), inbound) for person in people]


def sent_body(simulator: SimulatorServer, answer: dict[str, Any]) -> dict[str, Any]:
    """The request that Meta accepted with that answer."""
    (message,) = [
        each for each in simulator.control.messages() if each["wamid"] == answer["messages"][0]["id"]
    ]
    body: dict[str, Any] = message["body"]
    return body


@pytest.mark.parametrize("case", CASES, ids=repr)
async def test_a_message_arrives_as_it_was_meant(simulator: SimulatorServer, case: Case) -> None:
    inbound = let_write(simulator, HER, "+4587654321")
    args = tuple(inbound[0] if arg == "wamid.x" else arg for arg in case.args)
    expected = case.content
    if case.type == "reaction":
        expected = {**expected, "message_id": inbound[0]}
    answers = [
        getattr(utils, case.name)("004512345678", *args, **case.kwargs),
        await getattr(utils, f"a{case.name}")("+45 87 65 43 21", *args, **case.kwargs),
    ]
    for answer, to in zip(answers, ["+4512345678", "+4587654321"], strict=True):
        body = sent_body(simulator, answer)
        assert (body["type"], body[case.type]) == (case.type, expected)
        assert (body["to"], body["recipient_type"]) == (to, "individual")
        assert "biz_opaque_callback_data" not in body


def test_every_message_function_is_in_the_list() -> None:
    elsewhere = {"send_content", "send_media_message", "send_message", "send_sticker_message"}
    names = {name for name in utils.__all__ if name.startswith("send_")}
    assert names - elsewhere == {case.name for case in CASES}


QUOTING = [
    case for case in CASES if "reply_message_id" in inspect.signature(getattr(utils, case.name)).parameters
]


@pytest.mark.parametrize("case", QUOTING, ids=repr)
def test_a_message_can_quote_another(simulator: SimulatorServer, case: Case) -> None:
    (inbound,) = let_write(simulator, HER)
    answer = getattr(utils, case.name)(HER, *case.args, **case.kwargs, reply_message_id=inbound)
    assert sent_body(simulator, answer)["context"] == {"message_id": inbound}


@pytest.mark.parametrize(
    ("typed", "to"),
    [
        ("9876543210", "+919876543210"),
        ("+91 98765-43210", "+919876543210"),
        ("919876543210", "+919876543210"),
        ("0065 9123 4567", "+6591234567"),
        ("+6591234567", "+6591234567"),
        ("+4791234567", "+4791234567"),
        ("+3725123456", "+3725123456"),
    ],
)
def test_the_ten_digit_rule_is_for_bare_typed_numbers(
    simulator: SimulatorServer, typed: str, to: str
) -> None:
    answer = utils.send_template_message(typed, "hello_world", "en_US")
    assert sent_body(simulator, answer)["to"] == to


def test_somebody_is_reached_by_user_id(simulator: SimulatorServer) -> None:
    answer = utils.send_template_message("US.13491208655302741918", "hello_world", "en_US")
    body = sent_body(simulator, answer)
    assert (body["recipient"], "to" in body) == ("US.13491208655302741918", False)


async def test_a_message_is_marked_as_read_with_or_without_typing(simulator: SimulatorServer) -> None:
    (inbound,) = let_write(simulator, HER)
    assert utils.mark_as_read(inbound) == {"success": True}
    assert await utils.amark_as_read(inbound, typing=True) == {"success": True}
    with pytest.raises(InvalidMessage, match="message_id"):
        utils.mark_as_read("")


# What can go wrong


async def both(name: str, *args: Any, raises: type[Exception], **kwargs: Any) -> list[Any]:
    """The errors that function and twin raise."""
    with pytest.raises(raises) as first:
        getattr(utils, name)(*args, **kwargs)
    with pytest.raises(raises) as second:
        await getattr(utils, f"a{name}")(*args, **kwargs)
    return [first.value, second.value]


@pytest.mark.parametrize("key", ["ACCESS_TOKEN", "PHONE_NUMBER_ID"])
async def test_a_missing_setting_is_named(key: str) -> None:
    with override_settings(WHATSAPP={**django_settings.WHATSAPP, key: ""}):
        for error in await both("send_text_message", HER, "Hi", raises=MissingSetting):
            assert isinstance(error, ValueError)
            assert key in str(error)


async def test_a_bad_number_is_named(simulator: SimulatorServer) -> None:
    for error in await both("send_text_message", "12", "Hi", raises=InvalidPhoneNumber):
        assert error.field == "phone_number"


async def test_content_that_meta_would_refuse_is_not_sent(simulator: SimulatorServer) -> None:
    await both("send_text_message", HER, "x" * 4097, raises=InvalidMessage)
    await both("send_reply_buttons_message", HER, "Hi", ["yes"], raises=InvalidMessage)
    await both("send_product_carousel_message", HER, "1", ["SKU1"], "Hi", raises=InvalidMessage)
    assert list(simulator.control.messages()) == []


async def test_a_wrong_token_is_190(simulator: SimulatorServer) -> None:
    with override_settings(WHATSAPP={**django_settings.WHATSAPP, "ACCESS_TOKEN": "wrong"}):
        for error in await both("send_text_message", HER, "Hi", raises=AuthError):
            assert (error.code, error.outcome) == (190, Outcome.REJECTED)


async def test_an_unknown_template_or_language_is_132001(simulator: SimulatorServer) -> None:
    for args in [("no_such_template", "en_US"), ("hello_world", "en")]:
        for error in await both("send_template_message", HER, *args, raises=TemplateError):
            assert error.code == 132001


async def test_a_closed_window_is_131047(simulator: SimulatorServer) -> None:
    simulator.control.fail(131047, 2)
    for error in await both("send_text_message", HER, "Hi", raises=MetaAPIError):
        assert error.code == 131047


async def test_a_dead_network_sends_nothing() -> None:
    for error in await both("send_text_message", HER, "Hi", raises=NotSentError):
        assert error.outcome == Outcome.NOT_SENT


async def test_a_lost_answer_may_have_been_sent(simulator: SimulatorServer) -> None:
    let_write(simulator, HER)
    simulator.control.fault("no_id", count=2)
    for error in await both("send_text_message", HER, "Hi", raises=MaybeSentError):
        assert error.outcome == Outcome.MAYBE_SENT


def test_components_for_plain_values_are_built() -> None:
    built = utils.build_template_components(
        header_params=["Order Shipped"],
        body_params=["Rahul", "ORD-999"],
        buttons=[
            {"index": 0, "sub_type": "quick_reply", "payload": "TRACK_ORDER"},
            {"index": 1, "sub_type": "url", "payload": "ORD-999"},
        ],
    )
    assert built == [
        {"type": "header", "parameters": [{"type": "text", "text": "Order Shipped"}]},
        {
            "type": "body",
            "parameters": [{"type": "text", "text": "Rahul"}, {"type": "text", "text": "ORD-999"}],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "TRACK_ORDER"}],
        },
        {
            "type": "button",
            "sub_type": "url",
            "index": "1",
            "parameters": [{"type": "text", "text": "ORD-999"}],
        },
    ]
