"""The columns of a message row that follow from its content, for sent and received messages alike."""

from collections.abc import Mapping
from typing import Any

MEDIA = ("image", "video", "audio", "document", "sticker")


def columns_of(type_: str, content: Any) -> dict[str, Any]:
    """What Meta's object of the type `type_` says about media, place or reaction; texts are cut to their column."""
    if not isinstance(content, Mapping):
        return {}
    if type_ in MEDIA:
        return {
            "media_id": _text(content, "id"),
            "media_mime_type": _text(content, "mime_type"),
            "media_filename": _text(content, "filename"),
        }
    if type_ == "location":
        return {
            "location_latitude": _degrees(content.get("latitude")),
            "location_longitude": _degrees(content.get("longitude")),
            "location_name": _text(content, "name"),
            "location_address": _text(content, "address", 1000),
        }
    if type_ == "reaction":
        return {
            "reaction_emoji": _text(content, "emoji", 40),
            "reaction_to_message_id": _text(content, "message_id"),
        }
    return {}


def _text(content: Mapping[str, Any], key: str, length: int = 255) -> str:
    value = content.get(key)
    return str(value)[:length] if value is not None else ""


def _degrees(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
