"""Interactive messages: the frame (header, body, footer, action) of every sub-type."""

from collections.abc import Callable
from dataclasses import dataclass

from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation import actions, commerce
from whatsapp_simulator.messages_validation.checks import Context, obj, only, optional_obj, text
from whatsapp_simulator.messages_validation.media import check_source

_HEADER_MAX = 60
_FOOTER_MAX = 60
_BODY_MAX = 1024
_LIST_BODY_MAX = 4096
_ANY_HEADER = ("text", "image", "video", "document")
_PARTS = ("type", "header", "body", "footer", "action")


@dataclass(frozen=True, slots=True)
class Frame:
    """What a sub-type allows around its action."""

    action: Callable[[Context, JSON], None]
    headers: tuple[str, ...] = ()
    header_required: bool = False
    body_required: bool = True
    body_max: int = _BODY_MAX
    footer: bool = True


FRAMES: dict[str, Frame] = {
    "button": Frame(actions.reply_buttons, _ANY_HEADER),
    "list": Frame(actions.list_sections, ("text",), body_max=_LIST_BODY_MAX),
    "cta_url": Frame(actions.cta_url, _ANY_HEADER),
    "location_request_message": Frame(actions.named("send_location"), footer=False),
    "request_contact_info": Frame(actions.named("request_contact_info")),
    "call_permission_request": Frame(actions.named("call_permission_request"), footer=False),
    "voice_call": Frame(actions.voice_call),
    "flow": Frame(actions.flow, _ANY_HEADER),
    "address_message": Frame(actions.address_message),
    "product": Frame(commerce.product, body_required=False),
    "product_list": Frame(commerce.product_list, ("text",), header_required=True),
    "catalog_message": Frame(commerce.catalog_message),
    "carousel": Frame(commerce.carousel, footer=False),
    "order_details": Frame(commerce.order_details, _ANY_HEADER),
    "order_status": Frame(commerce.order_status),
}


def check_interactive(context: Context, content: JSON) -> None:
    """The frame of the sub-type, then its action."""
    kind = content.get("type")
    if kind is None:
        raise missing("interactive['type']")
    frame = FRAMES.get(kind) if isinstance(kind, str) else None
    if frame is None:
        raise malformed(f"Param interactive['type'] must be one of {{{', '.join(FRAMES)}}} - got {kind!r}.")
    only(content, _PARTS, "interactive")
    _header(context, frame, optional_obj(content, "header", "interactive['header']"))
    if frame.body_required or content.get("body") is not None:
        body = obj(content, "body", "interactive['body']")
        text(body, "text", "interactive['body']['text']", frame.body_max)
    footer = optional_obj(content, "footer", "interactive['footer']")
    if footer is not None:
        if not frame.footer:
            raise invalid(f"Footer is not allowed in interactive messages of type {kind}.")
        text(footer, "text", "interactive['footer']['text']", _FOOTER_MAX)
    frame.action(context, obj(content, "action", "interactive['action']"))


def _header(context: Context, frame: Frame, header: JSON | None) -> None:
    if header is None:
        if frame.header_required:
            raise missing("interactive['header']")
        return
    kind = header.get("type")
    if kind is None:
        raise missing("interactive['header']['type']")
    if kind not in frame.headers:
        raise invalid(f"Header type {kind!r} is not allowed in this interactive message.")
    path = f"interactive['header']['{kind}']"
    if kind == "text":
        text(header, "text", path, _HEADER_MAX)
    else:
        check_source(context, kind, obj(header, kind, path), path)
