"""Message templates: create, edit, delete, unpause (Meta: template management page)."""

import re

from whatsapp_simulator.errors import coded, malformed
from whatsapp_simulator.http import JSON, Answer, Request, answer, success
from whatsapp_simulator.resources.control_world import post_template_status
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Template
from whatsapp_simulator.templates_validation.checks import (
    NAME_LOCKED,
    NAME_TAKEN,
    NOT_EDITABLE,
    TOO_MANY_TEMPLATES,
    refused,
    wrong,
)
from whatsapp_simulator.templates_validation.components import checked_components
from whatsapp_simulator.templates_validation.definition import (
    CATEGORIES,
    Definition,
    checked_definition,
    checked_lifetime,
    choice,
)
from whatsapp_simulator.world import World

_HOUR = 3600
_DAY = 24 * _HOUR
_MONTH = 30 * _DAY
_CREATIONS_PER_HOUR = 100
_EDITS_PER_DAY, _EDITS_PER_MONTH = 1, 10
_IDS_PER_DELETE = 100
_EDITABLE = frozenset({"APPROVED", "REJECTED", "PAUSED"})


@route("POST", "/{waba_id}/message_templates")
def create(world: World, request: Request, waba_id: str) -> Answer:
    """Check a template against Meta's rules and put it into review; a taken or locked name and the limits are errors.

    Omits: templates out of Meta's library, a category that the review changes, parameter types of library templates.
    """
    body = request.json()
    if body.get("library_template_name") is not None:
        raise wrong("Templates of the library are not available in the simulator.")
    definition = checked_definition(world, body)
    _check_name(world, waba_id, definition)
    _check_limits(world, waba_id)
    template = Template(
        world.new_id(),
        waba_id,
        definition.name,
        definition.language,
        definition.category,
        "PENDING",
        definition.components,
        definition.parameter_format,
        created_at=world.clock.now(),
        details={
            "message_send_ttl_seconds": definition.lifetime,
            "sub_category": definition.sub_category,
            "cta_url_link_tracking_opted_out": definition.link_tracking_opted_out,
        },
    )
    world.add_template(template)
    _review(world, template)
    return answer({"id": template.id, "status": template.status, "category": template.category})


def _check_name(world: World, waba_id: str, definition: Definition) -> None:
    if definition.language in world.template_languages(waba_id, definition.name):
        raise refused(
            NAME_TAKEN,
            "Content in this language already exists",
            f"There is already a template {definition.name} in {definition.language}.",
        )
    if world.stores.deleted_names.get((waba_id, definition.name), 0) > world.clock.now():
        raise refused(
            NAME_LOCKED,
            "The name is locked",
            f"A template {definition.name} was deleted; its name can be used again 30 days after that.",
        )


def _check_limits(world: World, waba_id: str) -> None:
    now = world.clock.now()
    created = [at for at in world.stores.template_creations.get(waba_id, ()) if now - at < _HOUR]
    if len(created) >= _CREATIONS_PER_HOUR:
        status = world.settings.throttle_status
        raise coded(80008, "Too many templates were created in the last hour.", http_status=status)
    if (
        sum(template.waba_id == waba_id for template in world.templates.values())
        >= world.settings.template_limit
    ):
        raise refused(
            TOO_MANY_TEMPLATES, "Template limit reached", "This account has as many templates as it may have."
        )
    world.stores.template_creations[waba_id] = [*created, now]


def _review(world: World, template: Template) -> None:
    """The control plane decides, unless the run approves everything."""
    if world.settings.auto_approve_templates and template.status == "PENDING":
        template.status = "APPROVED"
        post_template_status(world, template, "NONE")


@route("POST", "/{template_id}")
def edit(world: World, request: Request, template_id: str) -> Answer:
    """Change category, components or lifetime, as often as Meta allows; rejected and paused ones are reviewed again."""
    template = world.templates[template_id]
    body = request.json()
    if template.status not in _EDITABLE:
        raise refused(
            NOT_EDITABLE, "Template can't be edited", f"A template that is {template.status} can't be edited."
        )
    category = choice(body, "category", CATEGORIES) if body.get("category") is not None else template.category
    if category != template.category and template.status == "APPROVED":
        raise wrong("The category of an approved template can't be changed.")
    parameter_format = choice(
        {"parameter_format": template.parameter_format, **body}, "parameter_format", ("POSITIONAL", "NAMED")
    )
    components = template.components
    if body.get("components") is not None:
        named = parameter_format == "NAMED"
        components = checked_components(world, body, category=category, named=named)
    lifetime = checked_lifetime(body, category)
    _count_edit(world, template)
    template.category, template.components, template.shape = category, components, None
    template.parameter_format = parameter_format
    if lifetime is not None:
        template.details["message_send_ttl_seconds"] = lifetime
    if template.status != "APPROVED":
        template.status = "PENDING"
        _review(world, template)
    return success()


def _count_edit(world: World, template: Template) -> None:
    if template.status != "APPROVED":
        return
    now = world.clock.now()
    edits = [at for at in world.stores.template_edits.get(template.id, ()) if now - at < _MONTH]
    if sum(now - at < _DAY for at in edits) >= _EDITS_PER_DAY or len(edits) >= _EDITS_PER_MONTH:
        raise refused(
            NOT_EDITABLE,
            "Template can't be edited now",
            "An approved template can be edited once in 24 hours and ten times in 30 days.",
        )
    world.stores.template_edits[template.id] = [*edits, now]


@route("DELETE", "/{waba_id}/message_templates")
def delete(world: World, request: Request, waba_id: str) -> Answer:
    """Delete all languages of a name, one of them (``hsm_id``), or up to 100 ids at once; approved names are locked.

    Omits: ``PENDING_DELETION`` while messages are under way: a template is gone at once.
    """
    doomed = _named_in(world, waba_id, request.params())
    for template in doomed:
        if template.status == "DISABLED":
            raise wrong(f"Template {template.name} is disabled and can't be deleted.")
    for template in doomed:
        if template.status == "APPROVED":
            world.stores.deleted_names[waba_id, template.name] = world.clock.now() + _MONTH
        world.remove_template(template)
    return success()


def _named_in(world: World, waba_id: str, params: JSON) -> list[Template]:
    name, hsm_id, hsm_ids = (str(params.get(key) or "") for key in ("name", "hsm_id", "hsm_ids"))
    if hsm_ids:
        if name or hsm_id:
            raise malformed("hsm_ids can't be combined with name or hsm_id.")
        ids = re.findall(r"\w+", hsm_ids)
        if len(ids) > _IDS_PER_DELETE:
            raise malformed(f"hsm_ids can hold {_IDS_PER_DELETE} ids.")
        return [_template(world, waba_id, template_id) for template_id in dict.fromkeys(ids)]
    if not name:
        raise malformed("The parameter name is required.")
    if hsm_id:
        template = _template(world, waba_id, hsm_id)
        if template.name != name:
            raise _not_found(f"Template {hsm_id} is not named {name}.")
        return [template]
    languages = world.template_languages(waba_id, name)
    if not languages:
        raise _not_found(f"There is no template {name}.")
    return [world.templates[template_id] for template_id in languages.values()]


def _template(world: World, waba_id: str, template_id: str) -> Template:
    template = world.templates.get(template_id)
    if template is None or template.waba_id != waba_id:
        raise _not_found(f"There is no template {template_id}.")
    return template


def _not_found(message: str) -> Exception:
    return refused(2593002, "Message template not found", message)


@route("POST", "/{template_id}/unpause")
def unpause(world: World, request: Request, template_id: str) -> Answer:
    """Make a paused template sendable again."""
    template = world.templates[template_id]
    if template.status != "PAUSED":
        raise wrong(f"Template {template.name} is not paused.")
    template.status = "APPROVED"
    post_template_status(world, template, "NONE")
    return success()
