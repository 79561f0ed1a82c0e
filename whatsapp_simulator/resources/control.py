"""Control plane: reset, health, clock, ledger, faults and settings."""

import dataclasses
import random
from typing import TypeVar

from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.faults import KINDS, Fault
from whatsapp_simulator.http import JSON, Answer, Request, answer, success
from whatsapp_simulator.outbox import WebhookConfig
from whatsapp_simulator.routes import route
from whatsapp_simulator.settings import Settings
from whatsapp_simulator.world import World

S = TypeVar("S", Settings, WebhookConfig)

_LEDGER_PAGE = 10_000
_SEND_KINDS = frozenset({"drop", "no_id"})
_ONCE_KINDS = frozenset({"error", "html", "no_id"})


@route("POST", "/_sim/reset", public=True)
def reset(world: World, request: Request) -> Answer:
    """Bring back the default world."""
    world.reset()
    return success()


@route("GET", "/_sim/health", public=True)
def health(world: World, request: Request) -> Answer:
    """That it runs, and how much it holds."""
    return answer({"status": "ok", "messages": len(world.ledger), "pending": world.outbox.pending})


@route("GET", "/_sim/clock", public=True)
def clock(world: World, request: Request) -> Answer:
    """The simulated time in unix seconds."""
    return answer({"now": world.clock.now(), "frozen": world.clock.is_frozen})


@route("POST", "/_sim/clock", public=True)
def move_clock(world: World, request: Request) -> Answer:
    """Set (``now``), move (``advance``) or stop (``freeze``) the clock."""
    body = request.json()
    if "freeze" in body:
        world.clock.freeze(bool(body["freeze"]))
    if "now" in body:
        world.clock.set(number(body, "now"))
    if "advance" in body:
        world.clock.advance(number(body, "advance"))
    return clock(world, request)


def number(body: JSON, key: str) -> float:
    """A number of an order."""
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"{key} must be a number.")
    return float(value)


@route("GET", "/_sim/ledger", public=True)
def ledger(world: World, request: Request) -> Answer:
    """Accepted messages after ``after``; ``next`` is the number to go on with, or ``null``."""
    after, limit = _whole(request, "after", 0), min(_whole(request, "limit", 1000), _LEDGER_PAGE)
    entries = world.ledger.after(after, limit)
    following = entries[-1].seq if entries and entries[-1].seq < len(world.ledger) else None
    return answer(
        {"count": len(world.ledger), "messages": [entry.as_json() for entry in entries], "next": following}
    )


def _whole(request: Request, key: str, default: int) -> int:
    value = request.query.get(key, str(default))
    if not value.isdecimal():
        raise malformed(f"{key} must be a whole number.")
    return int(value)


@route("GET", "/_sim/ledger/people", public=True)
def people(world: World, request: Request) -> Answer:
    """Who was messaged, how often, with which callback data, and the last status."""
    return answer({"people": world.ledger.people()})


@route("POST", "/_sim/faults", public=True)
def add_fault(world: World, request: Request) -> Answer:
    """Order a failure.

    Without ``path``, drops and missing ids apply to sends, the others to any call. Without ``count``, errors, pages
    and missing ids happen once, drops and latency until they are taken back.
    """
    body = request.json()
    kind = body.get("kind")
    if kind is None:
        raise missing("kind")
    if kind not in KINDS:
        raise invalid(f"kind must be one of {', '.join(KINDS)}.")
    fault = Fault(
        kind, path="/messages" if kind in _SEND_KINDS else "", count=1 if kind in _ONCE_KINDS else None
    )
    names = {field.name for field in dataclasses.fields(Fault)} - {"kind", "chance"}
    for key, value in body.items():
        if key in names:
            setattr(fault, key, value)
        elif key not in {"kind", "seed"}:
            raise malformed(f"A fault has no {key!r}.")
    if "probability" in body:
        fault.chance = random.Random(body.get("seed", world.settings.seed))  # noqa: S311 - repeatable chance
    world.faults.add(fault)
    return success()


@route("DELETE", "/_sim/faults", public=True)
def clear_faults(world: World, request: Request) -> Answer:
    """Take back all orders."""
    world.faults.clear()
    return success()


@route("POST", "/_sim/settings", public=True)
def settings(world: World, request: Request) -> Answer:
    """Change settings of the run (until the next reset); returns them all."""
    world.settings = changed_settings(world.settings, request.json())
    return answer(dataclasses.asdict(world.settings))


def changed_settings(present: S, changes: JSON) -> S:
    """A copy of ``present`` with ``changes``; an unknown name or a value of another kind is error 100."""
    for key, value in changes.items():
        kind = type(getattr(present, key, None))
        if kind not in {str, bool, int, float}:
            raise malformed(f"There is no setting {key!r}.")
        if isinstance(value, bool) != (kind is bool) or not isinstance(
            value, (float, int) if kind is float else kind
        ):
            raise malformed(f"{key} must be of type {kind.__name__}.")
    return dataclasses.replace(present, **changes)
