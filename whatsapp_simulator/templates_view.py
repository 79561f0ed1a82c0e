"""A template as reads return it (Meta: template management page)."""

import copy
import hashlib

from whatsapp_simulator.health import template_health
from whatsapp_simulator.http import JSON, Request
from whatsapp_simulator.state import Template
from whatsapp_simulator.world import World

DEFAULT_FIELDS = (
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "sub_category",
    "message_send_ttl_seconds",
    "id",
)
_OTP_URL = "https://www.whatsapp.com/otp/code/?otp_type={otp_type}&code=otp{{{{1}}}}"
_CODE_TEXT = "*{{1}}* is your verification code."
_SAFETY_TEXT = " For your security, do not share this code."


def template_node(world: World, request: Request, template: Template) -> JSON:
    """Every field of ``template``; those without a value are ``None``."""
    details = template.details
    return {
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "sub_category": details.get("sub_category"),
        "components": _components(request, template),
        "parameter_format": template.parameter_format,
        "quality_score": {"score": template.quality, "date": int(template.created_at)},
        "rejected_reason": details.get("rejected_reason", "NONE"),
        "correct_category": None,
        "previous_category": None,
        "library_template_name": None,
        "message_send_ttl_seconds": details.get("message_send_ttl_seconds"),
        "cta_url_link_tracking_opted_out": details.get("cta_url_link_tracking_opted_out"),
        "health_status": template_health(world, template),
    }


def _components(request: Request, template: Template) -> list[JSON]:
    components = copy.deepcopy(template.components)
    for component in components:
        _with_sample_urls(request, component)
        if template.category == "AUTHENTICATION":
            _with_code(component)
    return components


def _with_sample_urls(request: Request, component: JSON) -> None:
    """Meta returns an address of the sample, not the handle that was sent."""
    example = component.get("example")
    if isinstance(example, dict) and "header_handle" in example:
        digest = hashlib.sha256(example["header_handle"][0].encode()).hexdigest()[:32]
        example["header_handle"] = [f"{request.base_url}/template_samples/{digest}"]
    for card in component.get("cards", ()):
        for part in card["components"]:
            _with_sample_urls(request, part)


def _with_code(component: JSON) -> None:
    """Meta writes the texts of authentication templates itself, and shows the OTP button as a URL button."""
    kind = str(component.get("type", "")).upper()
    if kind == "BODY" and "text" not in component:
        component["text"] = _CODE_TEXT + (
            _SAFETY_TEXT if component.get("add_security_recommendation") else ""
        )
    elif kind == "FOOTER" and "code_expiration_minutes" in component:
        component["text"] = f"This code expires in {component['code_expiration_minutes']} minutes."
    elif kind == "BUTTONS":
        component["buttons"] = [_as_url_button(button) for button in component["buttons"]]


def _as_url_button(button: JSON) -> JSON:
    if str(button.get("type", "")).upper() != "OTP":
        return button
    url = _OTP_URL.format(otp_type=button["otp_type"])
    return {
        "type": "URL",
        "text": button.get("text", "Copy code"),
        "url": url,
        "example": [url.replace("{{1}}", "123456")],
    }
