"""Error objects inside webhooks (their shape is not that of the Graph API's errors)."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Event
from django_meta_whatsapp.cloud_api.events.reading import mapping, objects, text


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """Why something failed. code: Meta's number (`error_codes` says what it means), None when there was none."""

    code: int | None
    title: str = ""
    details: str = ""
    href: str = ""
    raw: JSON = dataclass_field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemErrorEvent(Event):
    """Trouble on Meta's side that belongs to no message."""

    error: ErrorDetail


def error_detail(raw: JSON) -> ErrorDetail:
    """One error object, read tolerantly."""
    code = text(raw.get("code"))
    return ErrorDetail(
        code=int(code) if code.isascii() and code.isdecimal() and len(code) < 10 else None,
        title=text(raw.get("title")) or text(raw.get("message")),
        details=text(mapping(raw.get("error_data")).get("details")),
        href=text(raw.get("href")),
        raw=raw,
    )


def error_details(errors: object) -> tuple[ErrorDetail, ...]:
    """The errors of a list."""
    return tuple(error_detail(each) for each in objects(errors))
