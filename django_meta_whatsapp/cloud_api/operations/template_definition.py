"""Template definitions: from plain values to what Meta wants when a template is created, and back.

Source: Meta's pages "template overview", "template components" and "authentication templates".
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations.template_rules import check_definition
from django_meta_whatsapp.cloud_api.template_variables import VARIABLE, variables_of

_MEDIA = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
_PLAIN = ("HEADER", "BODY", "FOOTER", "BUTTONS")
_OTP_TYPES = ("ONE_TAP", "ZERO_TAP", "COPY_CODE")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDefinition:
    """A template as plain values.

    header: `{"type": "TEXT", "text": …}`, or the type `IMAGE`, `VIDEO`, `DOCUMENT` (with a `handle` from a
        resumable upload), `LOCATION` or `PRODUCT`; None for no header.
    buttons: Meta's objects (`{"type": "URL", "text", "url"}` …).
    examples: `{"header": […], "body": […] or {name: …}, "header_handle": …}`; what is missing is made up, because
        Meta reviews no variable without an example. A handle cannot be made up.
    other_components: what has no plain value (`LIMITED_TIME_OFFER`, `CAROUSEL` …), in Meta's shape.
    Authentication templates have Meta's own texts: of body and footer only the recommendation and the first
    number of the footer (minutes until the code expires) count.
    """

    name: str
    language: str
    category: str
    header: Mapping[str, Any] | None = None
    body_text: str = ""
    footer_text: str = ""
    buttons: Sequence[Mapping[str, Any]] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    other_components: Sequence[Mapping[str, Any]] = ()
    add_security_recommendation: bool = True
    parameter_format: str = ""
    message_send_ttl_seconds: int | None = None

    def payload(self) -> JSON:
        """The body of `create_template`. Raises InvalidMessage for what Meta would refuse without a review."""
        definition: JSON = {
            "name": self.name,
            "language": self.language,
            "category": self.category.upper(),
            "components": self.components(),
        }
        if self.message_send_ttl_seconds is not None:
            definition["message_send_ttl_seconds"] = self.message_send_ttl_seconds
        variables = self._variables()
        if variables and definition["category"] != "AUTHENTICATION":
            definition["parameter_format"] = self.parameter_format or detected_format(variables)
        check_definition(definition)
        return definition

    def components(self) -> list[JSON]:
        """The components in the order that Meta documents; what `edit_template` wants."""
        if self.category.upper() == "AUTHENTICATION":
            return self._authentication()
        found = [_header_component(self.header, self.examples)]
        others = [deepcopy(dict(component)) for component in self.other_components]
        found += [each for each in others if each.get("type") == "LIMITED_TIME_OFFER"]
        if self.body_text:
            found.append(_with_example("body", self.body_text, self.examples.get("body")))
        if self.footer_text:
            found.append({"type": "FOOTER", "text": self.footer_text})
        if self.buttons:
            found.append({"type": "BUTTONS", "buttons": [_button(button) for button in self.buttons]})
        found += [each for each in others if each.get("type") != "LIMITED_TIME_OFFER"]
        return [component for component in found if component]

    def _variables(self) -> tuple[str, ...]:
        header = self.header or {}
        return (*variables_of(str(header.get("text") or "")), *variables_of(self.body_text))

    def _authentication(self) -> list[JSON]:
        body = {"type": "BODY", "add_security_recommendation": self.add_security_recommendation}
        minutes = re.search(r"\d+", self.footer_text)
        expires = int(minutes[0]) if minutes and 1 <= int(minutes[0]) <= 90 else None
        footer = [{"type": "FOOTER", "code_expiration_minutes": expires}] if expires else []
        buttons = [_otp_button(button) for button in self.buttons or ({"type": "COPY_CODE"},)]
        return [body, *footer, {"type": "BUTTONS", "buttons": buttons}]


def detected_format(variables: Sequence[str]) -> str:
    """`POSITIONAL` when all variables are numbers, else `NAMED`."""
    return "POSITIONAL" if all(name.isdecimal() for name in variables) else "NAMED"


def _sample(name: str) -> str:
    return f"Sample {name}" if name.isdecimal() else name.replace("_", " ").strip().capitalize()


def _tidy(text: str) -> str:
    """Variables without the blanks inside the braces that people type and Meta refuses."""
    return VARIABLE.sub(r"{{\1}}", text)


def _with_example(kind: str, text: str, given: Any) -> JSON:
    """The BODY or TEXT HEADER component; `given`: example values as a list in order or a mapping by name."""
    built: JSON = {
        "type": kind.upper(),
        **({"format": "TEXT"} if kind == "header" else {}),
        "text": _tidy(text),
    }
    names = variables_of(text)
    if not names:
        return built
    if isinstance(given, Mapping):
        values = {name: str(given.get(name) or _sample(name)) for name in names}
    else:
        listed = (
            [str(value) for value in given]
            if isinstance(given, Sequence) and not isinstance(given, str)
            else []
        )
        known = dict(zip(names, listed, strict=False))
        values = {name: known.get(name) or _sample(name) for name in names}
    if detected_format(names) == "NAMED":
        shown = [{"param_name": name, "example": value} for name, value in values.items()]
        return {**built, "example": {f"{kind}_text_named_params": shown}}
    flat = list(values.values())
    return {**built, "example": {f"{kind}_text": [flat] if kind == "body" else flat}}


def _header_component(header: Mapping[str, Any] | None, examples: Mapping[str, Any]) -> JSON:
    format_ = header_format(header)
    if not header or not format_:
        return {}
    if format_ == "TEXT":
        given = examples.get("header") or _values_of("header", header.get("example"))
        return _with_example("header", str(header.get("text") or ""), given)
    if format_ not in _MEDIA:
        return {"type": "HEADER", "format": format_}
    handle = examples.get("header_handle") or header.get("handle") or _handle_of(header.get("example"))
    example = {"example": {"header_handle": [str(handle)]}} if handle else {}
    return {"type": "HEADER", "format": format_, **example}


def header_format(header: Mapping[str, Any] | None) -> str:
    """`TEXT`, `IMAGE` …, whether the header says it under `format` or `type`; empty for no header."""
    names = (str((header or {}).get(key) or "").upper() for key in ("format", "type"))
    return next((name for name in names if name not in ("", "HEADER", "NONE")), "")


def _handle_of(example: Any) -> str:
    handles = example.get("header_handle") if isinstance(example, Mapping) else None
    handle = handles[0] if isinstance(handles, list) and handles else ""
    # Reading a template gives a short-lived address in place of the handle; Meta takes no such address back.
    return handle if isinstance(handle, str) and not handle.lower().startswith("http") else ""


def _values_of(kind: str, example: Any) -> Any:
    """The example values inside a component of Meta's, as a list or by name."""
    if not isinstance(example, Mapping):
        return None
    named = example.get(f"{kind}_text_named_params")
    if isinstance(named, list):
        return {
            str(each.get("param_name")): each.get("example") for each in named if isinstance(each, Mapping)
        }
    listed = example.get(f"{kind}_text")
    return listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], list) else listed


def _button(button: Mapping[str, Any]) -> JSON:
    built = deepcopy(dict(button))
    built["type"] = str(built.get("type", "")).upper()
    if built["type"] == "URL":
        built["url"] = _tidy(str(built.get("url") or ""))
        if variables_of(built["url"]) and not built.get("example"):
            built["example"] = [VARIABLE.sub("sample", built["url"])]
    return built


def _otp_button(button: Mapping[str, Any]) -> JSON:
    # Meta gives an OTP button back as a link that carries what it was made from.
    link = {key: values[0] for key, values in parse_qs(urlsplit(str(button.get("url") or "")).query).items()}
    asked = (button.get("otp_type"), link.get("otp_type"), button.get("type"))
    otp_type = next((str(each).upper() for each in asked if str(each).upper() in _OTP_TYPES), "COPY_CODE")
    built: JSON = {"type": "OTP", "otp_type": otp_type, "text": str(button.get("text") or "Copy code")}
    if otp_type == "COPY_CODE":
        return built
    built["autofill_text"] = str(button.get("autofill_text") or link.get("cta_display_name") or "Autofill")
    built["supported_apps"] = deepcopy(button.get("supported_apps")) or _apps_of(link)
    if otp_type == "ZERO_TAP" or "zero_tap_terms_accepted" in button:
        built["zero_tap_terms_accepted"] = bool(button.get("zero_tap_terms_accepted"))
    return built


def _apps_of(link: Mapping[str, str]) -> list[JSON]:
    app = {key: link[key] for key in ("package_name", "signature_hash") if key in link}
    return [app] if len(app) == 2 else []


def definition_from_meta(template: Mapping[str, Any]) -> TemplateDefinition:
    """The plain values of a template as Meta lists it. Nothing of it is lost; see `other_components`."""
    components = [each for each in template.get("components") or () if isinstance(each, dict)]
    by_type = {str(each.get("type", "")).upper(): each for each in components}
    body, footer = by_type.get("BODY", {}), by_type.get("FOOTER", {})
    minutes = footer.get("code_expiration_minutes")
    buttons = by_type.get("BUTTONS", {}).get("buttons")
    body_example = _values_of("body", body.get("example"))
    others = [each for each in components if str(each.get("type", "")).upper() not in _PLAIN]
    return TemplateDefinition(
        name=str(template.get("name") or ""),
        language=str(template.get("language") or ""),
        category=str(template.get("category") or "").upper(),
        header=_plain_header(by_type.get("HEADER")),
        body_text=str(body.get("text") or ""),
        footer_text=str(
            footer.get("text") or (f"This code expires in {minutes} minutes." if minutes else "")
        ),
        buttons=[deepcopy(each) for each in buttons or () if isinstance(each, dict)],
        examples={"body": body_example} if body_example else {},
        other_components=deepcopy(others),
        add_security_recommendation=body.get("add_security_recommendation") is not False,
        parameter_format=str(template.get("parameter_format") or "").upper(),
        message_send_ttl_seconds=template.get("message_send_ttl_seconds"),
    )


def _plain_header(component: Mapping[str, Any] | None) -> JSON | None:
    if component is None:
        return None
    kept = {key: deepcopy(value) for key, value in component.items() if key not in ("type", "format")}
    return {"type": header_format(component), **kept}
