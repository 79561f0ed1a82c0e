"""Parts of templates, for the tests of building and reading them."""

from dataclasses import replace
from typing import Any

from django_meta_whatsapp.cloud_api.operations.template_definition import (
    TemplateDefinition,
)

PLAIN = TemplateDefinition(
    name="order_update", language="en_US", category="utility", body_text="Your order left."
)

APP = {"package_name": "com.shop.example", "signature_hash": "K8a0AINcGX7"}

OFFER = {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Ends soon", "has_expiration": True}}

LOGIN = replace(PLAIN, category="AUTHENTICATION", body_text="{{1}} is your code.")

PICTURE = {"type": "IMAGE", "handle": "4::aW"}

URL_BUTTON = {"type": "URL", "text": "Shop", "url": "https://shop.example"}

CODE_BUTTON = {"type": "COPY_CODE", "example": "SAVE20"}


def template_card(**more: Any) -> dict[str, Any]:
    parts = {
        "HEADER": {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}},
        "BODY": {"type": "BODY", "text": "A mug"},
        "BUTTONS": {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]},
        **more,
    }
    return {"components": [part for part in parts.values() if part]}


PRODUCT = {"type": "HEADER", "format": "PRODUCT"}


def carousel(*cards: dict[str, Any]) -> dict[str, Any]:
    return {"type": "CAROUSEL", "cards": list(cards)}


def reply(number: int = 0) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": f"Reply {number}"}


def marketing(*cards: dict[str, Any]) -> TemplateDefinition:
    return replace(PLAIN, category="MARKETING", other_components=[carousel(*cards)])
