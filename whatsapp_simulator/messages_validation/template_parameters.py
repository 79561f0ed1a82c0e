"""Parameters of a template's header and body."""

import re

from whatsapp_simulator.errors import coded, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.checks import (
    Context,
    obj,
    objects,
    only,
    optional_text,
    text,
)
from whatsapp_simulator.messages_validation.commerce import product
from whatsapp_simulator.messages_validation.media import check_source
from whatsapp_simulator.messages_validation.simple import check_location
from whatsapp_simulator.messages_validation.template_shape import TemplateShape, TextShape, hydrate

_VALUE_MAX = 1024
_FILENAME_MAX = 240
_HEADER_MAX = 60
_LAYOUT = re.compile(r"[\n\r\t]| {5}")
_MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT")
_TEXT_KINDS = ("text", "currency", "date_time")


def parameters_of(component: JSON | None, name: str) -> list[JSON]:
    """The ``parameters`` of a component ([] when it is not there)."""
    if component is None or component.get("parameters") is None:
        return []
    return objects(component, "parameters", f"{name}['parameters']", 0, 100)


def check_texts(
    context: Context, where: str, shape: TemplateShape, wanted: TextShape, given: list[JSON]
) -> None:
    """Text parameters: as many as the template has variables, by position or by name."""
    if len(given) != len(wanted.variables):
        raise coded(
            132000,
            f"{where}: number of localizable_params ({len(given)}) does not match the expected number of params "
            f"({len(wanted.variables)})",
        )
    values: dict[str, str] = {}
    for variable, parameter in zip(wanted.variables, given, strict=True):
        values[_name(shape, wanted, variable, parameter, where)] = _text(context, parameter, where)
    if len(values) != len(given):
        raise malformed(f"{where}: a parameter name is given twice")
    if values:
        longest = shape.body_max if where == "body" else _HEADER_MAX
        if len(hydrate(wanted, values)) > longest:
            raise coded(132005, f"{where}: Translated text too long")


def _name(shape: TemplateShape, wanted: TextShape, position: str, parameter: JSON, where: str) -> str:
    if not shape.named:
        return position
    name = parameter.get("parameter_name")
    if not name:
        raise malformed(f"{where}: Parameter name is missing or empty")
    if name not in wanted.variables:
        raise malformed(f"{where}: the template has no parameter {name!r}")
    return str(name)


def _text(context: Context, parameter: JSON, where: str) -> str:
    kind = parameter.get("type")
    if kind not in _TEXT_KINDS:
        raise coded(132012, f"{where}: Format mismatch, expected TEXT, received {str(kind).upper()}")
    if kind != "text":
        value = obj(parameter, kind, f"{where}: {kind}")
        for key in ("code", "amount_1000") if kind == "currency" else ():
            if value.get(key) is None:
                raise missing(f"{where}: currency['{key}']")
        return text(value, "fallback_value", f"{where}: {kind}['fallback_value']", _VALUE_MAX)
    words = parameter.get("text")
    if words is None or words == "":
        raise missing(f"{where}: Parameter of type text is missing text value")
    if not isinstance(words, str):
        raise malformed(f"{where}: Param text must be a string.")
    if _LAYOUT.search(words):
        details = f"{where}: Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        raise coded(132018, details) if _is_v23(context.version) else malformed(details)
    return words


def _is_v23(version: str) -> bool:
    """Template parameter problems have their own code from v23.0 on."""
    return bool(version) and float(version[1:]) >= 23


def check_header(context: Context, shape: TemplateShape, given: list[JSON]) -> None:
    """The header's parameter is of the template's format: text, media, location or product."""
    wanted = shape.header_format
    if wanted in {"", "TEXT"}:
        check_texts(context, "header", shape, shape.header, given)
        return
    received = str(given[0].get("type")).upper() if given else "UNKNOWN"
    if len(given) != 1 or received != wanted:
        raise coded(132012, f"header: Format mismatch, expected {wanted}, received {received}")
    value = obj(given[0], received.lower(), f"header['{received.lower()}']")
    if wanted in _MEDIA_FORMATS:
        path = f"header['{received.lower()}']"
        only(value, ("id", "link", "filename") if wanted == "DOCUMENT" else ("id", "link"), path)
        check_source(context, received.lower(), value, path)
        optional_text(value, "filename", f"{path}['filename']", _FILENAME_MAX)
    elif wanted == "LOCATION":
        check_location(context, value)
    elif wanted == "PRODUCT":
        product(context, value)
