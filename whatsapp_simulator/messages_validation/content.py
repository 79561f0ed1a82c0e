"""The content of a message, by its type."""

from collections.abc import Callable

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.checks import Context, obj
from whatsapp_simulator.messages_validation.interactive import check_interactive
from whatsapp_simulator.messages_validation.media import KINDS, check_media
from whatsapp_simulator.messages_validation.simple import (
    check_contacts,
    check_location,
    check_reaction,
    check_text,
)
from whatsapp_simulator.messages_validation.template import check_template
from whatsapp_simulator.state import Template

_CHECKS: dict[str, Callable[[Context, JSON], None]] = {
    "text": check_text,
    "location": check_location,
    "reaction": check_reaction,
    "interactive": check_interactive,
}
TYPES = (*_CHECKS, *KINDS, "contacts", "template")


def check_content(context: Context, kind: str, body: JSON) -> Template | None:
    """Check the content object of ``body``; returns the template of a template message."""
    if kind not in TYPES:
        raise malformed(f"Param type must be one of {{{', '.join(TYPES).upper()}}} - got {kind!r}.")
    if kind == "contacts":
        if body.get("contacts") is None:
            raise missing("contacts")
        check_contacts(context, body["contacts"])
        return None
    content = obj(body, kind, kind)
    if kind == "template":
        return check_template(context, content)
    check = _CHECKS.get(kind)
    if check is None:
        check_media(context, kind, content)
    else:
        check(context, content)
    return None
