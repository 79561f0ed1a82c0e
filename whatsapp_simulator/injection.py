"""The failures of :mod:`whatsapp_simulator.faults`, applied to calls before and after they are handled."""

from whatsapp_simulator.errors import THROTTLES, coded
from whatsapp_simulator.http import Answer, Request, answer, dumps
from whatsapp_simulator.world import World

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
)
_TRACE_ID = "AFaultOrderedByTest"


def latency(world: World, request: Request) -> float:
    """Seconds that this call has to wait."""
    fault = world.faults.take("latency", request.path)
    return fault.seconds if fault is not None else 0.0


def before(world: World, request: Request) -> Answer | None:
    """An answer instead of the real one: the call is not handled at all."""
    fault = world.faults.take("error", request.path)
    if fault is not None:
        status = fault.status
        if status is None and fault.code in THROTTLES:
            status = world.settings.throttle_status
        error = coded(fault.code, "Ordered by the control plane.", http_status=status, subcode=fault.subcode)
        return answer(error.envelope(_TRACE_ID), error.http_status)
    fault = world.faults.take("html", request.path)
    if fault is not None:
        return Answer(_PAGE, fault.status or 502, b"text/html; charset=utf-8")
    return None


def after(world: World, request: Request, result: Answer, accepted: int) -> Answer:
    """Drop or cripple the answer of a call that was handled; ``accepted`` is the ledger's length before it."""
    if result.status != 200:
        return result
    if world.faults.take("drop", request.path) is not None:
        for entry in world.ledger.after(accepted, 1):
            entry.answer_dropped = True
        result.drop = True
    elif len(world.ledger) > accepted and world.faults.take("no_id", request.path) is not None:
        result.body = dumps({"messaging_product": "whatsapp"})
    return result
