"""Message templates: the list with its filters, and one of them (Meta: template management page)."""

import re
from collections.abc import Callable

from whatsapp_simulator.fields import select
from whatsapp_simulator.http import JSON, Answer, Request, answer
from whatsapp_simulator.paging import page
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Template
from whatsapp_simulator.templates_view import DEFAULT_FIELDS, template_node
from whatsapp_simulator.world import World

_NODE = "WhatsAppMessageTemplate"


@route("GET", "/{waba_id}/message_templates")
def list_templates(world: World, request: Request, waba_id: str) -> Answer:
    """The templates of a WABA with filters, ``fields``, pages and ``summary``."""
    filters = [make(request.query[name]) for name, make in _FILTERS.items() if request.query.get(name)]
    templates = [
        template
        for template in world.templates.values()
        if template.waba_id == waba_id and all(passes(template) for passes in filters)
    ]
    fields = request.query.get("fields", "")

    def render(template: Template) -> JSON:
        return select(template_node(world, request, template), fields, DEFAULT_FIELDS, _NODE)

    body = page(request, templates, render)
    if request.query.get("summary"):
        body["summary"] = _summary(world, waba_id, len(templates), request.query["summary"])
    return answer(body)


def _summary(world: World, waba_id: str, matching: int, names: str) -> JSON:
    count = sum(template.waba_id == waba_id for template in world.templates.values())
    figures = {
        "total_count": matching,
        "message_template_count": count,
        "message_template_limit": world.settings.template_limit,
        "are_translations_complete": True,
    }
    return select(figures, "" if names in {"1", "true"} else names, figures, "Summary")


Filter = Callable[[Template], bool]


def _words(attribute: str) -> Callable[[str], Filter]:
    def make(text: str) -> Filter:
        allowed = {word.casefold() for word in re.findall(r"\w+", text)}
        return lambda template: str(getattr(template, attribute)).casefold() in allowed

    return make


def _contains(*places: Callable[[Template], str]) -> Callable[[str], Filter]:
    def make(text: str) -> Filter:
        wanted = text.casefold()
        return lambda template: any(wanted in place(template).casefold() for place in places)

    return make


def _name_of(template: Template) -> str:
    return template.name


def _content_of(template: Template) -> str:
    return "\n".join(str(component.get("text", "")) for component in template.components)


_FILTERS: dict[str, Callable[[str], Filter]] = {
    "status": _words("status"),
    "category": _words("category"),
    "language": _words("language"),
    "quality_score": _words("quality"),
    "name": _contains(_name_of),
    "content": _contains(_content_of),
    "name_or_content": _contains(_name_of, _content_of),
}


@route("GET", "/{template_id}")
def read(world: World, request: Request, template_id: str) -> Answer:
    """One template."""
    node = template_node(world, request, world.templates[template_id])
    return answer(select(node, request.query.get("fields", ""), DEFAULT_FIELDS, _NODE))
