"""The table of routes.

A handler is registered with a pattern such as ``/{phone_number_id}/block_users``. A placeholder that ends in
``_id`` names the kind of thing (a Node's ``kind`` plus ``_id``) that must stand there: the same path with an id of
another kind goes to another route, and an unknown id is answered as Meta does (100, subcode 33). A placeholder
with another name takes any text. Handlers get the values as keyword arguments: ``handler(world, request, phone_number_id="…")``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from whatsapp_simulator.http import Answer, GraphError, Later, Request
from whatsapp_simulator.state import MANAGEMENT
from whatsapp_simulator.world import World

Handler = Callable[..., Answer | Later]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class Route:
    """``permission`` is what the token needs; "" needs no permission. ``public`` needs no token at all."""

    method: str
    pattern: str
    parts: tuple[str, ...]
    handler: Handler
    permission: str
    public: bool


# By method, number of parts and last part ("" for a placeholder), so that a match looks at a few entries only.
_routes: dict[tuple[str, int, str], list[Route]] = {}


def route(
    method: str, pattern: str, *, permission: str = MANAGEMENT, public: bool = False
) -> Callable[[H], H]:
    """Register a handler for ``method`` and ``pattern`` (without the version; every version is accepted)."""

    def register(handler: H) -> H:
        parts = tuple(pattern.strip("/").split("/"))
        entry = Route(method, pattern, parts, handler, permission, public)
        last = "" if parts[-1][0] == "{" else parts[-1]
        _routes.setdefault((method, len(parts), last), []).append(entry)
        return handler

    return register


def all_routes() -> list[Route]:
    """Every route, in order of registration per method and length."""
    return [entry for entries in _routes.values() for entry in entries]


def match(world: World, request: Request) -> tuple[Route, dict[str, str]] | None:
    """The route of a request and the values of its placeholders, or ``None``."""
    count = len(request.segments)
    for last in (request.segments[-1], ""):
        for entry in _routes.get((request.method, count, last), ()):
            values = _values(world, entry, request.segments)
            if values is not None:
                return entry, values
    return None


def _values(world: World, entry: Route, segments: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for part, segment in zip(entry.parts, segments, strict=True):
        if part[0] != "{":
            if part != segment:
                return None
        elif part.endswith("_id}"):
            node = world.nodes.get(segment)
            if node is None or node.kind != part[1:-4]:
                return None
            values[part[1:-1]] = segment
        else:
            values[part[1:-1]] = segment
    return values


def check_access(world: World, entry: Route, request: Request, values: dict[str, str]) -> None:
    """The token's permission (10) and its access to every asset in the path (200)."""
    token = request.token
    if token is None:
        return
    if entry.permission and entry.permission not in token.permissions:
        raise GraphError(
            10,
            "Application does not have permission for this action",
            f"{entry.permission} is missing",
            http_status=403,
        )
    if token.waba_ids is None:
        return
    for segment in values.values():
        node = world.nodes.get(segment)
        if node is not None and not token.sees(node.waba_id):
            raise GraphError(
                200, "You do not have the necessary permissions to use this asset", http_status=403
            )
