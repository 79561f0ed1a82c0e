"""Actions of interactive messages: buttons, lists, links, flows and requests."""

from collections.abc import Callable

from whatsapp_simulator.errors import invalid, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.checks import (
    Context,
    distinct,
    obj,
    objects,
    one_of,
    optional_obj,
    optional_text,
    text,
    web_url,
)

_ROWS_MAX = 10
_TTL_MAX_MINUTES = 43_200


def named(name: str) -> Callable[[Context, JSON], None]:
    """An action that has nothing but its name."""

    def check(context: Context, action: JSON) -> None:
        one_of(action, "name", "action['name']", (name,))

    return check


def parameters_of(action: JSON, name: str) -> JSON:
    """The ``parameters`` of the action ``name``."""
    one_of(action, "name", "action['name']", (name,))
    return obj(action, "parameters", "action['parameters']")


def reply_buttons(context: Context, action: JSON) -> None:
    """One to three reply buttons with different ids and titles."""
    check_buttons(objects(action, "buttons", "action['buttons']", 1, 3))


def check_buttons(buttons: list[JSON]) -> None:
    """Reply buttons: ``title`` up to 20 characters, ``id`` up to 256, none of them twice."""
    ids, titles = [], []
    for index, button in enumerate(buttons):
        path = f"action['buttons'][{index}]"
        kind = one_of(button, "type", f"{path}['type']", ("reply", "quick_reply"))
        reply = obj(button, kind, f"{path}['{kind}']")
        ids.append(text(reply, "id", f"{path}: Button id", 256))
        titles.append(text(reply, "title", f"{path}: Button title", 20))
    distinct(ids, "Button ids")
    distinct(titles, "Button titles")


def list_sections(context: Context, action: JSON) -> None:
    """One to ten sections with ten rows in all."""
    text(action, "button", "action['button']", 20)
    sections = objects(action, "sections", "action['sections']", 1, 10)
    ids: list[str] = []
    for index, section in enumerate(sections):
        path = f"action['sections'][{index}]"
        if len(sections) > 1:
            text(section, "title", f"{path}['title']", 24)
        optional_text(section, "title", f"{path}['title']", 24)
        for row in objects(section, "rows", f"{path}['rows']", 1, _ROWS_MAX):
            ids.append(text(row, "id", f"{path}: Row id", 200))
            text(row, "title", f"{path}: Row title", 24)
            optional_text(row, "description", f"{path}: Row description", 72)
    if len(ids) > _ROWS_MAX:
        raise invalid(f"Total row count exceed max allowed count: {_ROWS_MAX}")
    distinct(ids, "Row ids")


def cta_url(context: Context, action: JSON) -> None:
    """A button that opens a URL."""
    parameters = parameters_of(action, "cta_url")
    text(parameters, "display_text", "action['parameters']['display_text']", 20)
    web_url(parameters, "url", "action['parameters']['url']")


def voice_call(context: Context, action: JSON) -> None:
    """A call button; both parameters are optional."""
    one_of(action, "name", "action['name']", ("voice_call",))
    parameters = optional_obj(action, "parameters", "action['parameters']") or {}
    optional_text(parameters, "display_text", "action['parameters']['display_text']", 20)
    ttl = parameters.get("ttl_minutes", 1)
    if not isinstance(ttl, int) or not 1 <= ttl <= _TTL_MAX_MINUTES:
        raise invalid(f"action['parameters']['ttl_minutes'] must be between 1 and {_TTL_MAX_MINUTES}.")


def flow(context: Context, action: JSON) -> None:
    """A flow: by id or by name; a payload only with ``navigate``."""
    parameters = parameters_of(action, "flow")
    path = "action['parameters']"
    one_of(parameters, "flow_message_version", f"{path}['flow_message_version']", ("3",))
    if (parameters.get("flow_id") is None) == (parameters.get("flow_name") is None):
        raise missing(f"{path}['flow_id'] or {path}['flow_name']")
    # Meta's page advises up to 30 characters; clients on phones take 20.
    text(parameters, "flow_cta", f"{path}['flow_cta']", 20)
    if parameters.get("mode") is not None:
        one_of(parameters, "mode", f"{path}['mode']", ("published", "draft"))
    kind = "navigate"
    if parameters.get("flow_action") is not None:
        kind = one_of(parameters, "flow_action", f"{path}['flow_action']", ("navigate", "data_exchange"))
    payload = optional_obj(parameters, "flow_action_payload", f"{path}['flow_action_payload']")
    if payload is None:
        return
    if kind != "navigate":
        raise invalid("flow_action_payload is allowed with flow_action navigate only.")
    if payload.get("data") is not None and not obj(payload, "data", "flow_action_payload['data']"):
        raise invalid("flow_action_payload['data'] must not be empty.")


def address_message(context: Context, action: JSON) -> None:
    """An address form (India)."""
    parameters = parameters_of(action, "address_message")
    one_of(parameters, "country", "action['parameters']['country']", ("IN",))
    for key in ("values", "validation_errors"):
        optional_obj(parameters, key, f"action['parameters']['{key}']")
    if parameters.get("saved_addresses") is not None:
        for saved in objects(
            parameters, "saved_addresses", "action['parameters']['saved_addresses']", 0, 100
        ):
            text(saved, "id", "saved_addresses['id']", 256)
            obj(saved, "value", "saved_addresses['value']")
