"""No body makes the simulator stumble: it accepts, or answers one of Meta's errors."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.caller import NUMBER, PERSON, TOKEN
from tests.simulator.test_messages_interactive import GOOD as INTERACTIVE
from tests.simulator.test_messages_types import GOOD as SIMPLE
from whatsapp_simulator.app import Simulator
from whatsapp_simulator.http import Answer, Request

TEMPLATE = {
    "name": "order_update",
    "language": {"code": "en_US", "policy": "deterministic"},
    "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "x"}]},
        {"type": "carousel", "cards": [{"card_index": 0, "components": []}]},
    ],
}
ENVELOPE = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": PERSON,
    "context": {"message_id": "w"},
}
MESSAGES: list[dict[str, Any]] = [
    *({**ENVELOPE, "type": kind, kind: content} for kind, content in SIMPLE if kind != "contacts"),
    {
        **ENVELOPE,
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "A"}, "phones": [{"phone": "1"}]}],
    },
    *({**ENVELOPE, "type": "interactive", "interactive": content} for content in INTERACTIVE.values()),
    {**ENVELOPE, "type": "template", "template": TEMPLATE},
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside ``value``."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in ((*path, key), *places(inner, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_message_with_anything_in_any_place_is_accepted_or_refused(data: st.DataObject) -> None:
    message = copy.deepcopy(data.draw(st.sampled_from(MESSAGES)))
    *parents, last = data.draw(st.sampled_from(places(message)))
    target: Any = message
    for step in parents:
        target = target[step]
    target[last] = data.draw(JSON)
    headers = [(b"authorization", f"Bearer {TOKEN}".encode())]
    request = Request("POST", f"/v22.0/{NUMBER}/messages", b"", headers, json.dumps(message).encode())
    result = Simulator().handle(request)
    assert isinstance(result, Answer)
    answer = json.loads(result.body)
    assert ("messages" in answer) == (result.status == 200)
    assert result.status == 200 or answer["error"]["code"] in {
        100,
        131008,
        131009,
        131021,
        132000,
        132001,
        132012,
    }


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_json_are_error_100(body: bytes) -> None:
    headers = [(b"authorization", f"Bearer {TOKEN}".encode())]
    result = Simulator().handle(Request("POST", f"/v22.0/{NUMBER}/messages", b"", headers, body))
    assert isinstance(result, Answer)
    assert json.loads(result.body)["error"]["code"] in {100, 131008}
