"""Reply buttons, lists and link buttons (Meta's pages "reply buttons", "list" and "CTA URL button")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised
from django_meta_whatsapp.cloud_api.content.parts import LIST_BODY_LIMIT, Header, frame


@dataclass(frozen=True, slots=True)
class Button:
    """A reply button. id: up to 256 characters, comes back in the webhook; title: up to 20."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list. id: up to 200 characters; title: up to 24; description: up to 72."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a list. title: up to 24 characters, may be empty when the list has one section."""

    title: str
    rows: Sequence[Row]


def reply_buttons(buttons: Sequence[Button]) -> list[JSON]:
    """1 to 3 buttons in Meta's shape. Raises InvalidMessage for labels that are too long or alike."""
    checks.count("buttons", buttons, 1, 3)
    checks.unique("buttons: titles", [button.title for button in buttons])
    checks.unique("buttons: ids", [button.id for button in buttons])
    return [
        {
            "type": "reply",
            "reply": {
                "id": checks.text(f"buttons[{number}].id", button.id, 256),
                "title": checks.text(f"buttons[{number}].title", button.title, 20),
            },
        }
        for number, button in enumerate(buttons)
    ]


def link_button(display_text: str, url: str) -> JSON:
    """The action of a button that opens a page. display_text: up to 20 characters."""
    parameters = {
        "display_text": checks.text("display_text", display_text, 20),
        "url": checks.url("url", url),
    }
    return {"name": "cta_url", "parameters": parameters}


@dataclass(frozen=True, slots=True)
class ReplyButtons(Summarised):
    """A text with 1 to 3 buttons; the press comes back as an inbound `button_reply`."""

    type: ClassVar[str] = "interactive"
    body: str
    buttons: Sequence[Button]
    header: Header = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action = {"buttons": reply_buttons(self.buttons)}
        return frame("button", action, body=self.body, header=self.header, footer=self.footer)


@dataclass(frozen=True, slots=True)
class ListMessage(Summarised):
    """A text with a menu of up to 10 rows in 1 to 10 sections; the choice comes back as `list_reply`.

    body: up to 4,096 characters; button: the label that opens the menu, up to 20; header: text only.
    """

    type: ClassVar[str] = "interactive"
    body: str
    button: str
    sections: Sequence[Section]
    header: str = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        checks.count("sections", self.sections, 1, 10)
        rows = [row for section in self.sections for row in section.rows]
        checks.count("rows", rows, 1, 10)
        checks.unique("rows: ids", [row.id for row in rows])
        titled = len(self.sections) > 1
        action = {
            "button": checks.text("button", self.button, 20),
            "sections": [_section(number, section, titled) for number, section in enumerate(self.sections)],
        }
        return frame(
            "list",
            action,
            body=self.body,
            header=self.header,
            footer=self.footer,
            body_limit=LIST_BODY_LIMIT,
        )


def _section(number: int, section: Section, titled: bool) -> JSON:
    field = f"sections[{number}]"
    checks.count(f"{field}.rows", section.rows, 1, 10)
    rows = [_row(f"{field}.rows[{position}]", row) for position, row in enumerate(section.rows)]
    if titled or section.title:
        return {"title": checks.text(f"{field}.title", section.title, 24), "rows": rows}
    return {"rows": rows}


def _row(field: str, row: Row) -> JSON:
    built = {
        "id": checks.text(f"{field}.id", row.id, 200),
        "title": checks.text(f"{field}.title", row.title, 24),
    }
    if row.description:
        built["description"] = checks.text(f"{field}.description", row.description, 72)
    return built


@dataclass(frozen=True, slots=True)
class CtaUrl(Summarised):
    """A text with one button that opens `url`. display_text: its label, up to 20 characters."""

    type: ClassVar[str] = "interactive"
    body: str
    display_text: str
    url: str
    header: Header = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action = link_button(self.display_text, self.url)
        return frame("cta_url", action, body=self.body, header=self.header, footer=self.footer)
