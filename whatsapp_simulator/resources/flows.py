"""Flows: their life from draft to deprecation, and their JSON (Meta: flows API page)."""

import json
from typing import Any

from whatsapp_simulator.errors import coded, malformed, missing
from whatsapp_simulator.fields import select
from whatsapp_simulator.health import flow_health
from whatsapp_simulator.http import JSON, Answer, GraphError, Request, answer, success
from whatsapp_simulator.inputs import string
from whatsapp_simulator.paging import page
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Node
from whatsapp_simulator.stores import Flow
from whatsapp_simulator.world import World

_CATEGORIES = frozenset(
    [
        "SIGN_UP",
        "SIGN_IN",
        "APPOINTMENT_BOOKING",
        "LEAD_GENERATION",
        "CONTACT_US",
        "CUSTOMER_SUPPORT",
        "SURVEY",
        "OTHER",
    ]
)
_DEFAULT_FIELDS = ("id", "name", "status", "categories", "validation_errors")
_ASSET_MAX = 10 * 1024 * 1024
_PREVIEW_SECONDS = 30 * 24 * 3600
_NAME_MAX = 200
_NODE = "WhatsAppFlow"


@route("POST", "/{waba_id}/flows")
def create(world: World, request: Request, waba_id: str) -> Answer:
    """Create a flow as a draft, with its JSON when given, and publish it at once when asked.

    Omits: ``clone_flow_id``.
    """
    params = request.params()
    name = string(params, "name", 1, _NAME_MAX)
    if any(flow.waba_id == waba_id and flow.name == name for flow in world.stores.flows.values()):
        raise malformed("A flow with this name exists already.")
    flow = Flow(world.new_id(), waba_id, name, _categories(params))
    flow.endpoint_uri = str(params.get("endpoint_uri") or "")
    text = params.get("flow_json")
    if text is not None:
        _set_json(flow, text.encode() if isinstance(text, str) else json.dumps(text).encode())
    if params.get("publish") is True:
        _publish(flow)
    world.stores.flows[flow.id] = flow
    world.nodes[flow.id] = Node("flow", waba_id)
    return answer({"id": flow.id, "success": True, "validation_errors": flow.validation_errors})


def _categories(params: JSON) -> list[str]:
    categories = params.get("categories")
    if isinstance(categories, str):
        categories = _loaded(categories.encode())
    if categories is None:
        raise missing("categories")
    if (
        not isinstance(categories, list)
        or not categories
        or not all(name in _CATEGORIES for name in map(str, categories))
    ):
        raise malformed(f"Param categories must be a list of {', '.join(sorted(_CATEGORIES))}.")
    return categories


def _loaded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _set_json(flow: Flow, text: bytes) -> None:
    flow.flow_json = text
    flow.validation_errors = []
    content = _loaded(text)
    if not isinstance(content, dict):
        _complain(flow, "INVALID_JSON", "JSON_SCHEMA_ERROR", "The flow JSON is not a JSON object.")
        return
    for key, kind in (("version", str), ("screens", list)):
        if not isinstance(content.get(key), kind) or not content[key]:
            _complain(
                flow, "INVALID_PROPERTY_TYPE", "FLOW_JSON_ERROR", f"The property {key} is missing or wrong."
            )


def _complain(flow: Flow, error: str, kind: str, message: str) -> None:
    place = dict.fromkeys(("line_start", "line_end", "column_start", "column_end"), 1)
    flow.validation_errors.append(
        {"error": error, "error_type": kind, "message": message, **place, "pointers": []}
    )


def _publish(flow: Flow) -> None:
    if flow.status != "DRAFT" or flow.validation_errors or not flow.flow_json:
        raise coded(139002, "Only a draft with a valid flow JSON can be published.")
    flow.status = "PUBLISHED"


def _flow_node(world: World, request: Request, flow: Flow) -> JSON:
    content = _loaded(flow.flow_json) if flow.flow_json else None
    versions = content if isinstance(content, dict) else {}
    waba = world.wabas[flow.waba_id]
    return {
        "id": flow.id,
        "name": flow.name,
        "status": flow.status,
        "categories": flow.categories,
        "validation_errors": flow.validation_errors,
        "json_version": versions.get("version"),
        "data_api_version": versions.get("data_api_version"),
        "endpoint_uri": flow.endpoint_uri or None,
        "preview": {
            "preview_url": f"{request.base_url}/flow_previews/{flow.id}",
            "expires_at": int(world.clock.now()) + _PREVIEW_SECONDS,
        },
        "whatsapp_business_account": {"id": waba.id, "name": waba.name, "currency": waba.currency},
        "application": {"id": world.app_id, "name": "Sample app"},
        "health_status": flow_health(world, flow.id, flow.waba_id, published=flow.status == "PUBLISHED"),
    }


@route("GET", "/{waba_id}/flows")
def list_flows(world: World, request: Request, waba_id: str) -> Answer:
    """The flows of a WABA, in pages."""
    flows = [flow for flow in world.stores.flows.values() if flow.waba_id == waba_id]
    fields = request.query.get("fields", "")

    def render(flow: Flow) -> JSON:
        return select(_flow_node(world, request, flow), fields, _DEFAULT_FIELDS, _NODE)

    return answer(page(request, flows, render))


@route("GET", "/{flow_id}")
def read(world: World, request: Request, flow_id: str) -> Answer:
    """One flow with its ``fields``.

    Omits: the page behind the preview, metrics.
    """
    node = _flow_node(world, request, world.stores.flows[flow_id])
    return answer(select(node, request.query.get("fields", ""), _DEFAULT_FIELDS, _NODE))


@route("POST", "/{flow_id}")
def change(world: World, request: Request, flow_id: str) -> Answer:
    """Change name, categories or endpoint."""
    flow = world.stores.flows[flow_id]
    params = request.params()
    if "name" in params:
        flow.name = string(params, "name", 1, _NAME_MAX)
    if "categories" in params:
        flow.categories = _categories(params)
    if "endpoint_uri" in params:
        flow.endpoint_uri = string(params, "endpoint_uri", 0, 2000)
    return success()


@route("POST", "/{flow_id}/assets")
def upload(world: World, request: Request, flow_id: str) -> Answer:
    """Replace the JSON of a draft; what is wrong with it is answered, not refused.

    Omits: Meta's full schema (only ``version`` and ``screens`` are looked for).
    """
    flow = world.stores.flows[flow_id]
    fields, files = request.form()
    if fields.get("asset_type") != "FLOW_JSON" or fields.get("name") != "flow.json" or "file" not in files:
        raise malformed("An asset is a file with name flow.json and asset_type FLOW_JSON.")
    if len(files["file"].content) > _ASSET_MAX:
        raise malformed("The flow JSON may have 10 MB.")
    if flow.status != "DRAFT":
        raise coded(139001, "A published flow can't be updated.")
    _set_json(flow, files["file"].content)
    return answer({"success": True, "validation_errors": flow.validation_errors})


@route("GET", "/{flow_id}/assets")
def assets(world: World, request: Request, flow_id: str) -> Answer:
    """The flow's JSON: where it can be downloaded."""
    flow = world.stores.flows[flow_id]
    url = f"{request.base_url}/flow_assets/{flow.id}/flow.json"
    entry = {"name": "flow.json", "asset_type": "FLOW_JSON", "download_url": url}
    return answer({"data": [entry] if flow.flow_json else []})


@route("GET", "/flow_assets/{flow}/flow.json", public=True)
def download(world: World, request: Request, flow: str) -> Answer:
    """The bytes of a flow's JSON."""
    record = world.stores.flows.get(flow)
    if record is None:
        return Answer(b"", 404)
    return Answer(record.flow_json)


@route("POST", "/{flow_id}/publish")
def publish(world: World, request: Request, flow_id: str) -> Answer:
    """Publish a draft whose JSON is valid."""
    _publish(world.stores.flows[flow_id])
    return success()


@route("POST", "/{flow_id}/deprecate")
def deprecate(world: World, request: Request, flow_id: str) -> Answer:
    """Withdraw a published flow."""
    flow = world.stores.flows[flow_id]
    if flow.status != "PUBLISHED":
        raise coded(139003, "Only a published flow can be deprecated.")
    flow.status = "DEPRECATED"
    return success()


@route("DELETE", "/{flow_id}")
def delete(world: World, request: Request, flow_id: str) -> Answer:
    """Delete a draft."""
    if world.stores.flows[flow_id].status != "DRAFT":
        raise coded(139004, "Only a draft can be deleted.")
    del world.stores.flows[flow_id], world.nodes[flow_id]
    return success()


@route("POST", "/{phone_number_id}/whatsapp_business_encryption")
def set_key(world: World, request: Request, phone_number_id: str) -> Answer:
    """Store the public key with which flow data is encrypted.

    Omits: calls of flow endpoints.
    """
    key = string(request.params(), "business_public_key", 1, 4000)
    if not key.startswith("-----BEGIN PUBLIC KEY-----"):
        raise GraphError(100, "Invalid parameter", "business_public_key must be a PEM public key.")
    world.phone_numbers[phone_number_id].details["public_key"] = key
    return success()


@route("GET", "/{phone_number_id}/whatsapp_business_encryption")
def read_key(world: World, request: Request, phone_number_id: str) -> Answer:
    """The stored public key."""
    key = world.phone_numbers[phone_number_id].details.get("public_key")
    entry = {"business_public_key": key, "business_public_key_signature_status": "VALID"}
    return answer({"data": [entry] if key else []})
