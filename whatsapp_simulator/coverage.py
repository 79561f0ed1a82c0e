"""What the simulator imitates: ``python -m whatsapp_simulator.coverage`` prints the page of the documentation.

The docstring of a handler says it: its first paragraph is what the route imitates, a paragraph that begins with
``Omits:`` what it does not.
"""

import inspect
import sys
from typing import NamedTuple

from whatsapp_simulator import resources
from whatsapp_simulator.routes import Route, all_routes

_HEAD = """# What the simulator imitates

Generated from the simulator's routes; `python -m whatsapp_simulator.coverage` prints it. A path that is not listed is answered
as Meta answers an unknown one (error 100, subcode 33). Every call takes any version (`v22.0`), a bearer token, `access_token` or
the scheme `OAuth`, checks the token's permissions and accounts, and tells errors in Meta's envelope.
"""
_ABSENT = """
## Not there at all

Groups and calls, the Marketing Messages API (`/{phone_number_id}/marketing_messages`), analytics, Embedded Signup and solution
partners, the template library, comparison, migration and archiving of templates, `upsert_message_templates`, message history,
usernames, payments beyond their messages, flow endpoints.
"""
_CONTROL = "/_sim/"


class Entry(NamedTuple):
    """One line of the page."""

    method: str
    pattern: str
    imitates: str
    omits: str


def entry_of(route: Route) -> Entry:
    """The line of a route."""
    paragraphs = [
        " ".join(part.split()) for part in inspect.cleandoc(route.handler.__doc__ or "").split("\n\n")
    ]
    omitted = [part.removeprefix("Omits:").strip() for part in paragraphs if part.startswith("Omits:")]
    return Entry(
        route.method, route.pattern, paragraphs[0], " ".join(text[0].upper() + text[1:] for text in omitted)
    )


def entries() -> list[Entry]:
    """All lines, by path and method."""
    resources.load()
    return sorted(
        (entry_of(route) for route in all_routes()), key=lambda entry: (entry.pattern, entry.method)
    )


def _table(lines: list[Entry]) -> str:
    rows = ["| Call | Imitates | Does not imitate |", "|---|---|---|"]
    for entry in lines:
        cells = (f"`{entry.method} {entry.pattern}`", entry.imitates, entry.omits)
        rows.append("| " + " | ".join(cell.replace("``", "`").replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def page() -> str:
    """The page in Markdown."""
    lines = entries()
    graph = [entry for entry in lines if not entry.pattern.startswith(_CONTROL)]
    control = [entry for entry in lines if entry.pattern.startswith(_CONTROL)]
    return (
        "\n".join([_HEAD, "## Meta's calls\n", _table(graph), "## Control plane\n", _table(control)])
        + _ABSENT
    )


if __name__ == "__main__":
    sys.stdout.write(page())
