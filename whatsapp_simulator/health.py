"""``health_status``: may this thing send? (Meta: health status page)"""

from whatsapp_simulator.http import JSON
from whatsapp_simulator.state import PhoneNumber, Template, Waba
from whatsapp_simulator.world import World

SERVING = frozenset({"CONNECTED", "FLAGGED", "RATE_LIMITED"})
_RANK = ("AVAILABLE", "LIMITED", "BLOCKED")
_TROUBLE = 141002


def number_health(world: World, number: PhoneNumber) -> JSON:
    """Health of a phone number: its own state, then its account's."""
    state = "AVAILABLE" if number.status in SERVING else "BLOCKED"
    if state == "AVAILABLE" and number.quality == "RED":
        state = "LIMITED"
    own = _entity("PHONE_NUMBER", number.id, state, f"The phone number is {number.status}.")
    return _status([own, *_account(world, world.wabas[number.waba_id])])


def waba_health(world: World, waba: Waba) -> JSON:
    """Health of a WABA."""
    return _status(_account(world, waba))


def template_health(world: World, template: Template) -> JSON:
    """Health of a template: only approved ones can be sent."""
    state = "AVAILABLE" if template.status == "APPROVED" else "BLOCKED"
    own = _entity("MESSAGE_TEMPLATE", template.id, state, f"The template is {template.status}.")
    return _status([own, *_account(world, world.wabas[template.waba_id])])


def flow_health(world: World, flow_id: str, waba_id: str, *, published: bool) -> JSON:
    """Health of a flow: unpublished ones reach testers only."""
    own = _entity("FLOW", flow_id, "AVAILABLE" if published else "BLOCKED", "The flow is not published.")
    return _status([own, *_account(world, world.wabas[waba_id])])


def _account(world: World, waba: Waba) -> list[JSON]:
    return [
        _entity("WABA", waba.id, "AVAILABLE", ""),
        _entity("BUSINESS", waba.portfolio_id, "AVAILABLE", ""),
        _entity("APP", world.app_id, "AVAILABLE", ""),
    ]


def _entity(kind: str, entity_id: str, state: str, why: str) -> JSON:
    entity: JSON = {"entity_type": kind, "id": entity_id, "can_send_message": state}
    if state == "LIMITED":
        entity["additional_info"] = [f"{why} Its quality rating is low."]
    elif state == "BLOCKED":
        solution = "Bring it back into a state in which it can send."
        entity["errors"] = [{"error_code": _TROUBLE, "error_description": why, "possible_solution": solution}]
    return entity


def _status(entities: list[JSON]) -> JSON:
    worst = max((entity["can_send_message"] for entity in entities), key=_RANK.index)
    return {"can_send_message": worst, "entities": entities}
