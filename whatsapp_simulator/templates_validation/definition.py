"""A template definition as a whole: name, language, category, lifetime, components."""

import re
from dataclasses import dataclass
from typing import Any

from whatsapp_simulator.errors import missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.templates_validation.checks import TOO_LONG, refused, whole, wrong
from whatsapp_simulator.templates_validation.components import checked_components
from whatsapp_simulator.world import World

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
_FORMATS = ("POSITIONAL", "NAMED")
_NAME = re.compile(r"[a-z0-9_]+")
_NAME_MAX = 512
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_DEFAULT_LIFETIME = -1
_LIFETIMES = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, 2_592_000)}


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked definition. ``lifetime`` is ``message_send_ttl_seconds``."""

    name: str
    language: str
    category: str
    parameter_format: str
    components: list[dict[str, Any]]
    lifetime: int | None
    sub_category: str | None
    link_tracking_opted_out: bool | None


def checked_definition(world: World, body: JSON) -> Definition:
    """Check what ``POST /{waba_id}/message_templates`` was given."""
    category = choice(body, "category", CATEGORIES)
    name = _name(body)
    language = body.get("language")
    if language is None:
        raise missing("language")
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise wrong(f"language: {language!r} is not a supported locale code.")
    parameter_format = choice({"parameter_format": "POSITIONAL", **body}, "parameter_format", _FORMATS)
    opted_out = body.get("cta_url_link_tracking_opted_out")
    if not isinstance(opted_out, bool | None):
        raise wrong("cta_url_link_tracking_opted_out must be a boolean.")
    return Definition(
        name,
        language,
        category,
        parameter_format,
        checked_components(world, body, category=category, named=parameter_format == "NAMED"),
        checked_lifetime(body, category),
        None if body.get("sub_category") is None else str(body["sub_category"]).upper(),
        opted_out,
    )


def choice(body: JSON, key: str, allowed: tuple[str, ...]) -> str:
    """A mandatory word of ``allowed`` in any case; returned in upper case."""
    value = body.get(key)
    if value is None:
        raise missing(key)
    if not isinstance(value, str) or value.upper() not in allowed:
        raise wrong(f"{key} must be one of {', '.join(allowed)}.")
    return value.upper()


def _name(body: JSON) -> str:
    name = body.get("name")
    if name is None:
        raise missing("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong("name: only lower-case letters, digits and underscores are allowed.")
    if len(name) > _NAME_MAX:
        raise refused(TOO_LONG, "Character limit exceeded", f"The name can have {_NAME_MAX} characters.")
    return name


def checked_lifetime(body: JSON, category: str) -> int | None:
    """``message_send_ttl_seconds`` within the range of the category (-1: 30 days, not for marketing)."""
    value = body.get("message_send_ttl_seconds")
    if value is None:
        return None
    if value == _DEFAULT_LIFETIME and category != "MARKETING":
        return _DEFAULT_LIFETIME
    return whole(body, "message_send_ttl_seconds", "message_send_ttl_seconds", *_LIFETIMES[category])
