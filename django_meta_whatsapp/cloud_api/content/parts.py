"""Header, body and footer: the frame that interactive messages share (Meta's page "interactive messages")."""

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.text_media import Document, Image, Video

BODY_LIMIT = 1024
LIST_BODY_LIMIT = 4096
HEADER_LIMIT = FOOTER_LIMIT = 60

Header = str | Image | Video | Document
"""What stands above the body: a text of at most 60 characters, or a medium (its caption does not show)."""


def header_object(header: Header) -> JSON:
    """The `header` object. Raises InvalidMessage when the text is too long."""
    if isinstance(header, str):
        return {"type": "text", "text": checks.text("header", header, HEADER_LIMIT)}
    medium = {key: value for key, value in header.payload().items() if key != "caption"}
    return {"type": header.type, header.type: medium}


def frame(
    type_: str,
    action: JSON,
    *,
    body: str,
    header: Header = "",
    footer: str = "",
    body_limit: int = BODY_LIMIT,
    body_required: bool = True,
) -> JSON:
    """An interactive object: `action` in its frame, leaving out what is empty."""
    built: JSON = {"type": type_}
    if header:
        built["header"] = header_object(header)
    if body or body_required:
        built["body"] = {"text": checks.text("body", body, body_limit)}
    if footer:
        built["footer"] = {"text": checks.text("footer", footer, FOOTER_LIMIT)}
    return {**built, "action": action}
