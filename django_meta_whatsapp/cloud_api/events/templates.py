"""Templates that were approved, paused, judged or changed (Meta's template webhook pages)."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event
from django_meta_whatsapp.cloud_api.events.reading import mapping, moment, objects, required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateEvent(Event):
    """Something about a template. language: with an underscore (`en_US`), whichever way Meta wrote it."""

    template_id: str
    template_name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStatusEvent(TemplateEvent):
    """status: `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED` … Only an approved template can be sent.

    reason: Meta's code (`INVALID_FORMAT` …) or nothing. title: for pauses, which one. explanation: Meta's words.
    """

    status: str
    reason: str = ""
    title: str = ""
    explanation: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateQualityEvent(TemplateEvent):
    """quality, previous_quality: `GREEN`, `YELLOW`, `RED` or `UNKNOWN`."""

    quality: str
    previous_quality: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCategoryEvent(TemplateEvent):
    """category: what it is now. coming_category: what it will be from `effective_at` on; empty once it is."""

    category: str
    previous_category: str = ""
    coming_category: str = ""
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateComponentsEvent(TemplateEvent):
    """The texts of a template that was edited. buttons: Meta's objects."""

    header_text: str = ""
    body_text: str = ""
    footer_text: str = ""
    buttons: list[JSON] = dataclass_field(default_factory=list)


def _template(change: Change, kind: str) -> dict[str, Any]:
    value = change.value
    return {
        **change.whole(kind),
        "template_id": required(value, "message_template_id"),
        "template_name": text(value.get("message_template_name")),
        "language": text(value.get("message_template_language")).replace("-", "_"),
    }


def read_template_status(change: Change) -> Iterator[Event]:
    """A value of the field `message_template_status_update`."""
    value = change.value
    if "new_quality_score" in value:
        # One of Meta's own samples carries a quality change under this field.
        yield from read_template_quality(change)
        return
    rejection, other = mapping(value.get("rejection_info")), mapping(value.get("other_info"))
    reason = text(value.get("reason"))
    told = (
        text(rejection.get("reason")),
        text(rejection.get("recommendation")),
        text(other.get("description")),
    )
    yield TemplateStatusEvent(
        **_template(change, "template_status"),
        status=required(value, "event").upper(),
        reason="" if reason == "NONE" else reason,
        title=text(other.get("title")),
        explanation=" ".join(part for part in told if part),
        category=text(value.get("message_template_category")).upper(),
    )


def read_template_quality(change: Change) -> Iterator[Event]:
    """A value of the field `message_template_quality_update`."""
    yield TemplateQualityEvent(
        **_template(change, "template_quality"),
        quality=required(change.value, "new_quality_score").upper(),
        previous_quality=text(change.value.get("previous_quality_score")).upper(),
    )


def read_template_category(change: Change) -> Iterator[Event]:
    """A value of the field `template_category_update`: a change that is announced, or one that is done."""
    value = change.value
    yield TemplateCategoryEvent(
        **_template(change, "template_category"),
        category=required(value, "new_category").upper(),
        previous_category=text(value.get("previous_category")).upper(),
        coming_category=text(value.get("correct_category")).upper(),
        effective_at=moment(value.get("category_update_timestamp")),
    )


def read_template_components(change: Change) -> Iterator[Event]:
    """A value of the field `message_template_components_update`."""
    value = change.value
    yield TemplateComponentsEvent(
        **_template(change, "template_components"),
        header_text=text(value.get("message_template_title")),
        body_text=text(value.get("message_template_element")),
        footer_text=text(value.get("message_template_footer")),
        buttons=objects(value.get("message_template_buttons")),
    )
