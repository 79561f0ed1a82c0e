"""Text, location, reaction and contacts."""

import re
from typing import Any

from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.checks import (
    Context,
    flag,
    obj,
    objects,
    only,
    optional_text,
    text,
)

_BODY_MAX = 4096
_CONTACTS_MAX = 257
_BIRTHDAY = re.compile(r"\d{4}-\d{2}-\d{2}$")


def check_text(context: Context, content: JSON) -> None:
    """``body`` of 1 to 4096 characters, ``preview_url``."""
    only(content, ("body", "preview_url"), "text")
    body = content.get("body")
    if body is None:
        raise missing("text['body']")
    if not isinstance(body, str):
        raise malformed("Param text['body'] must be a string.")
    if not body.strip():
        raise missing("text['body']")
    if len(body) > _BODY_MAX:
        raise malformed(f"Param text['body'] must be at most {_BODY_MAX} characters long.")
    flag(content, "preview_url", "text['preview_url']")


def check_location(context: Context, content: JSON) -> None:
    """``latitude`` and ``longitude`` as numbers or strings; ``name`` and ``address`` as they like."""
    only(content, ("latitude", "longitude", "name", "address"), "location")
    _coordinate(content, "latitude", 90)
    _coordinate(content, "longitude", 180)
    optional_text(content, "name", "location['name']", 1000)
    optional_text(content, "address", "location['address']", 1000)


def _coordinate(content: JSON, key: str, limit: int) -> None:
    value: Any = content.get(key)
    if value is None:
        raise missing(f"location['{key}']")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise malformed(f"Param location['{key}'] must be a number.") from None
    if not -limit <= number <= limit:
        raise invalid(f"location['{key}'] must be between -{limit} and {limit}.")


def check_reaction(context: Context, content: JSON) -> None:
    """``message_id`` and ``emoji`` ("" takes the reaction back).

    A message that the platform does not know, or that is older than 30 days, is told by webhook (131009).
    """
    only(content, ("message_id", "emoji"), "reaction")
    message_id = text(content, "message_id", "reaction['message_id']", 255)
    emoji = content.get("emoji")
    if emoji is None:
        raise missing("reaction['emoji']")
    if not isinstance(emoji, str) or len(emoji) > 16 or emoji.isascii() != (emoji == ""):
        raise invalid("reaction['emoji'] must be one emoji or an empty string.")
    if not context.world.knows_message(message_id):
        context.late_failure = (131009, "The message to react to was not found or is too old.")


def check_contacts(context: Context, contacts: Any) -> None:
    """Up to 257 contacts, each with ``name.formatted_name``."""
    for index, contact in enumerate(
        objects({"contacts": contacts}, "contacts", "contacts", 1, _CONTACTS_MAX)
    ):
        path = f"contacts[{index}]"
        name = obj(contact, "name", f"{path}['name']")
        text(name, "formatted_name", f"{path}['name']['formatted_name']", 1000)
        birthday = contact.get("birthday")
        if birthday is not None and not (isinstance(birthday, str) and _BIRTHDAY.match(birthday)):
            raise invalid(f"{path}['birthday'] must have the form YYYY-MM-DD.")
        for key in ("phones", "emails", "addresses", "urls"):
            if contact.get(key) is not None:
                objects(contact, key, f"{path}['{key}']", 0, 1000)
