"""Messages with buttons and menus. They need an open 24-hour window. Raw: no gate, no row."""

from collections.abc import Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import Button, CtaUrl, ListMessage, ReplyButtons, Row, Section
from django_meta_whatsapp.cloud_api.content.parts import Header
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.utils.sending import asend_content, send_content

__all__ = [
    "asend_cta_url_message",
    "asend_list_message",
    "asend_reply_buttons_message",
    "send_cta_url_message",
    "send_list_message",
    "send_reply_buttons_message",
]


def _values(field: str, entry: Mapping[str, Any], *keys: str) -> list[str]:
    if not isinstance(entry, Mapping):
        raise InvalidMessage(field, "must be a mapping")
    return [str(entry.get(key) or "") for key in keys]


def _buttons(buttons: Sequence[Mapping[str, Any]]) -> list[Button]:
    return [Button(*_values("buttons", button, "id", "title")) for button in buttons]


def _sections(sections: Sequence[Mapping[str, Any]]) -> list[Section]:
    built = []
    for section in sections:
        (title,) = _values("sections", section, "title")
        rows = [Row(*_values("rows", row, "id", "title", "description")) for row in section.get("rows") or ()]
        built.append(Section(title, rows))
    return built


def send_reply_buttons_message(
    phone_number: str,
    body: str,
    buttons: Sequence[Mapping[str, Any]],
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with 1 to 3 buttons; the press comes back as an inbound message with the button's id.

    body: up to 1,024 characters. buttons: `[{"id": "yes", "title": "Yes"}]`, ids up to 256 and titles up to 20 characters.
    header: a text of up to 60 characters, or a `content.Image`, `Video` or `Document`. footer: up to 60 characters.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Interactive reply buttons".
    """
    return send_content(
        phone_number, ReplyButtons(body, _buttons(buttons), header, footer), reply_message_id, account
    )


async def asend_reply_buttons_message(
    phone_number: str,
    body: str,
    buttons: Sequence[Mapping[str, Any]],
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_reply_buttons_message`, awaited."""
    return await asend_content(
        phone_number, ReplyButtons(body, _buttons(buttons), header, footer), reply_message_id, account
    )


def send_list_message(
    phone_number: str,
    body: str,
    button: str,
    sections: Sequence[Mapping[str, Any]],
    header: str = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with a menu of up to 10 rows; the choice comes back as an inbound message with the row's id.

    body: up to 4,096 characters. button: the label that opens the menu, up to 20.
    sections: `[{"title": "Sizes", "rows": [{"id": "s", "title": "Small", "description": "up to 36"}]}]`.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Interactive lists".
    """
    return send_content(
        phone_number,
        ListMessage(body, button, _sections(sections), header, footer),
        reply_message_id,
        account,
    )


async def asend_list_message(
    phone_number: str,
    body: str,
    button: str,
    sections: Sequence[Mapping[str, Any]],
    header: str = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_list_message`, awaited."""
    return await asend_content(
        phone_number,
        ListMessage(body, button, _sections(sections), header, footer),
        reply_message_id,
        account,
    )


def send_cta_url_message(
    phone_number: str,
    body: str,
    display_text: str,
    url: str,
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with one button that opens `url`. display_text: its label, up to 20 characters.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Interactive call-to-action URL button".
    """
    return send_content(
        phone_number, CtaUrl(body, display_text, url, header, footer), reply_message_id, account
    )


async def asend_cta_url_message(
    phone_number: str,
    body: str,
    display_text: str,
    url: str,
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_cta_url_message`, awaited."""
    return await asend_content(
        phone_number, CtaUrl(body, display_text, url, header, footer), reply_message_id, account
    )
