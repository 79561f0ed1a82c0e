"""The ``fields`` parameter of reads: ``a,b{c,d},e.limit(5)`` (Graph API: field expansion)."""

import re
from collections.abc import Iterable
from typing import Any

from whatsapp_simulator.http import JSON, GraphError

_NAME = re.compile(r"\s*([a-z0-9_]+)")


def split_fields(text: str) -> dict[str, str]:
    """Field -> what stands in braces behind it (""). Unbalanced brackets or an empty name are error 2500."""
    parts = [""]
    depth = 0
    for letter in text:
        depth += (letter in "{([") - (letter in "})]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    found: dict[str, str] = {}
    for part in parts:
        name = _NAME.match(part)
        if depth or not name:
            raise GraphError(2500, "Syntax error in the fields parameter", prefixed=False)
        inner = part.partition("{")[2].rpartition("}")[0] if part.rstrip().endswith("}") else ""
        found[name[1]] = inner
    return found


def select(node: JSON, text: str, default: Iterable[str], kind: str) -> JSON:
    """What a read of ``node`` returns: the fields of ``text``, or the default ones, and always the ``id``.

    Fields without a value (``None``) are left out, as Graph does; a field that ``kind`` does not have is error 100.
    """
    wanted = split_fields(text) if text.strip() else dict.fromkeys(default, "")
    chosen: JSON = {}
    for name, inner in wanted.items():
        if name not in node:
            raise GraphError(100, f"Tried accessing nonexistent field ({name}) on node type ({kind})")
        if node[name] is not None:
            chosen[name] = _narrowed(node[name], inner)
    if "id" in node:
        chosen["id"] = node["id"]
    return chosen


def _narrowed(value: Any, inner: str) -> Any:
    if not inner:
        return value
    if isinstance(value, list):
        return [_narrowed(item, inner) for item in value]
    return {name: value[name] for name in split_fields(inner) if name in value}
