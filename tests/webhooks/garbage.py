"""Bodies as nobody should post them: Meta's own, mangled, and JSON and bytes of any kind."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.payload_files import load_payload, payload_names
from tests.webhooks.posting import NUMBER, WABA

OTHER_NUMBER, OTHER_WABA = "777000777000777", "888000888000888"
PAYLOADS = [load_payload(name) for name in payload_names()]

DEEP: Any = []
for _ in range(60):
    DEEP = [DEEP]

JUNK = [
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    "",
    " ",
    "x" * 400,
    "\x00",
    "\ud800",
    "\u202e💥",
    "2026-13-45",
    "1767000000",
    "99999999999999999",
    "-62135596801",
    [],
    {},
    [None, 1, "a", {}],
    {"": ""},
    {"id": {"id": []}},
    DEEP,
    NUMBER,
    OTHER_NUMBER,
    WABA,
    OTHER_WABA,
    "wamid.OUT_1",
    "15550001111",
]
IDS = {NUMBER: OTHER_NUMBER, WABA: OTHER_WABA}


def places(part: Any) -> list[tuple[Any, Any]]:
    """Every place of a body, or the first thousand: the object or list, and the key or index."""
    found: list[tuple[Any, Any]] = []
    left = [part]
    while left and len(found) < 1000:
        part = left.pop()
        keys: Any = part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        for key in keys:
            found.append((part, key))
            left.append(part[key])
    return found


def put(part: Any, ids: dict[str, str]) -> Any:
    """The same with other ids of numbers and business accounts."""
    if isinstance(part, dict):
        return {key: put(value, ids) for key, value in part.items()}
    if isinstance(part, list):
        return [put(each, ids) for each in part]
    return ids.get(part, part) if isinstance(part, str) else part


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """One of the payload files, for one account or the other, with some parts missing, doubled, or something else."""
    body = copy.deepcopy(draw(st.sampled_from(PAYLOADS)))
    if draw(st.booleans()):
        body = put(body, IDS)
    for _ in range(draw(st.integers(0, 4))):
        everywhere = places(body)
        if not everywhere:
            break
        holder, key = draw(st.sampled_from(everywhere))
        match draw(st.integers(0, 4)):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case 2 if len(everywhere) < 200:
                holder[key] = copy.deepcopy(draw(st.sampled_from(everywhere))[0])
            case _:
                holder[key] = copy.deepcopy(draw(st.sampled_from(JUNK)))
    return encoded(body)


def encoded(body: Any) -> bytes:
    try:
        return json.dumps(body).encode()
    except (ValueError, RecursionError):  # a part was put into itself
        return repr(body).encode(errors="replace")


ANY_JSON = st.recursive(
    st.sampled_from(JUNK) | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["entry", "changes", "value", "field", "id", "messages"]), inner)
    ),
    max_leaves=12,
)
CUT = st.tuples(mangled(), st.integers(0, 400)).map(lambda both: both[0][: both[1]])
BODIES = st.one_of(mangled(), mangled(), mangled(), ANY_JSON.map(encoded), st.binary(max_size=200), CUT)
HEADERS = [
    "",
    "sha256=",
    "sha256=" + "0" * 64,
    "sha1=" + "a" * 40,
    "sha256=ÿ",
    "x" * 500,
    "sha256=" + "A" * 64,
]
