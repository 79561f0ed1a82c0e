"""Header, body and footer of a template."""

import re
from typing import TypeGuard

from whatsapp_simulator.http import JSON
from whatsapp_simulator.templates_validation.checks import (
    BODY_FORMAT,
    FOOTER_FORMAT,
    HEADER_FORMAT,
    TOO_MANY_VARIABLES,
    VARIABLE_AT_EDGE,
    begins_or_ends_with_variable,
    example_of,
    kind_of,
    refused,
    text_of,
    variables_of,
    without_variables,
)
from whatsapp_simulator.world import World

BODY_MAX = 1024
_SHORT_TEXT_MAX = 60
_MEDIA_TYPES = {
    "IMAGE": ("image/jpeg", "image/jpg", "image/png"),
    "VIDEO": ("video/mp4",),
    "GIF": ("video/mp4",),
    "DOCUMENT": ("application/pdf",),
}
_PLAIN_FORMATS = ("LOCATION", "PRODUCT")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")
_MARKUP = re.compile(r"[*~`\n]|\b_[^_]+_\b")


def check_header(world: World, header: JSON, *, named: bool) -> str:
    """Check a header and return its format."""
    kind = kind_of(header, "format", "HEADER")
    header["format"] = kind
    if kind == "TEXT":
        _check_header_text(header, named=named)
    elif kind in _MEDIA_TYPES:
        _check_handle(world, header, kind)
    elif kind not in _PLAIN_FORMATS:
        raise refused(HEADER_FORMAT, "Invalid header format", f"{kind} is not a header format.")
    return kind


def _check_header_text(header: JSON, *, named: bool) -> None:
    text = text_of(header, "HEADER", _SHORT_TEXT_MAX)
    if _EMOJI.search(text) or _MARKUP.search(without_variables(text)):
        raise refused(
            HEADER_FORMAT,
            "Invalid header",
            "The header can't have line breaks, formatting, emojis or asterisks.",
        )
    names = variables_of(text, named=named, subcode=HEADER_FORMAT, where="header")
    if len(names) > 1:
        raise refused(HEADER_FORMAT, "Invalid header", "The header can have one variable only.")
    if names and named:
        _check_named_examples(header, "header_text_named_params", names, HEADER_FORMAT)
    elif names:
        values = example_of(header, "header", HEADER_FORMAT).get("header_text")
        if not _texts(values) or len(values) != 1:
            raise refused(HEADER_FORMAT, "Example missing", "example.header_text must be a list of one text.")


def _check_handle(world: World, header: JSON, kind: str) -> None:
    handles = example_of(header, "header", HEADER_FORMAT).get("header_handle")
    if not _texts(handles) or len(handles) != 1:
        raise refused(HEADER_FORMAT, "Example missing", "example.header_handle must be a list of one handle.")
    media_type = world.stores.handles.get(handles[0])
    if media_type not in _MEDIA_TYPES[kind]:
        raise refused(
            HEADER_FORMAT,
            "Invalid media handle",
            f"The handle is not that of an uploaded {kind.lower()} sample.",
        )


def check_body(body: JSON, *, named: bool, longest: int = BODY_MAX) -> None:
    """Length, variables and examples of a body."""
    text = text_of(body, "BODY", longest)
    names = variables_of(text, named=named, subcode=BODY_FORMAT, where="body")
    if begins_or_ends_with_variable(text):
        raise refused(
            VARIABLE_AT_EDGE,
            "Variables at the edge",
            "Variables can't be at the start or end of the template.",
        )
    if len(re.findall(r"\w+", without_variables(text))) < len(names):
        raise refused(
            TOO_MANY_VARIABLES,
            "Too many variables",
            "This template has too many variables for its length. Reduce their number or write more text.",
        )
    if names and named:
        _check_named_examples(body, "body_text_named_params", names, BODY_FORMAT)
    elif names:
        rows = example_of(body, "body", BODY_FORMAT).get("body_text")
        if not isinstance(rows, list) or not rows or not _texts(rows[0]) or len(rows[0]) != len(names):
            raise refused(
                BODY_FORMAT,
                "Example missing",
                f"example.body_text must be a list that holds a list of {len(names)} texts.",
            )


def _check_named_examples(component: JSON, key: str, names: list[str], subcode: int) -> None:
    entries = example_of(component, "text", subcode).get(key)
    given = [
        entry.get("param_name")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and entry.get("example")
    ]
    if sorted(map(str, given)) != sorted(names):
        raise refused(subcode, "Example missing", f"example.{key} must give one example for each variable.")


def check_footer(footer: JSON) -> None:
    """Length of a footer, which has no variables."""
    text = text_of(footer, "FOOTER", _SHORT_TEXT_MAX)
    if "{{" in text:
        raise refused(FOOTER_FORMAT, "Invalid footer", "The footer can't have variables.")


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)
