"""What Meta tells about our templates: approved, paused, judged, put into another category."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from django.db.models import Q

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import (
    TemplateCategoryEvent,
    TemplateComponentsEvent,
    TemplateEvent,
    TemplateQualityEvent,
    TemplateStatusEvent,
)
from django_meta_whatsapp.models import QualityRating, TemplateCategory, TemplateStatus, WhatsAppTemplate
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services.campaigns import guard
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.news import is_news, tell
from django_meta_whatsapp.services.routing import Business
from django_meta_whatsapp.services.transactions import in_transaction

T = TypeVar("T", bound=TemplateEvent)

_USABLE_AGAIN = ("REINSTATED", "UNARCHIVED")
_TEXT_LENGTH = 255
_STATUS_WEIGHTS: dict[str, int] = {
    TemplateStatus.PENDING: 0,
    TemplateStatus.IN_APPEAL: 0,
    TemplateStatus.APPROVED: 1,
    TemplateStatus.DISABLED: 3,
    TemplateStatus.PENDING_DELETION: 4,
    TemplateStatus.DELETED: 5,
}
"""Of states of the same second: a review comes before its end, and what stops a template outweighs that it may be sent."""
_OTHER_STATUS = 2
_QUALITY_WEIGHTS: dict[str, int] = {QualityRating.RED: 2, QualityRating.YELLOW: 1}


def apply_status(business: Business, events: Sequence[TemplateStatusEvent], delivery: Delivery) -> None:
    """States that Meta gives. One that we do not know is stored as it is; nothing but APPROVED can be sent."""
    delivery.unmatched += in_transaction(partial(_each, business, events, delivery, _set_status))


def apply_quality(business: Business, events: Sequence[TemplateQualityEvent], delivery: Delivery) -> None:
    """Quality ratings."""
    delivery.unmatched += in_transaction(partial(_each, business, events, delivery, _set_quality))
    tell(business, events, delivery)


def apply_category(business: Business, events: Sequence[TemplateCategoryEvent], delivery: Delivery) -> None:
    """The category that holds now; one that is only announced comes again when it does."""
    delivery.unmatched += in_transaction(partial(_each, business, events, delivery, _set_category))
    tell(business, events, delivery)


def apply_components(
    business: Business, events: Sequence[TemplateComponentsEvent], delivery: Delivery
) -> None:
    """Texts of templates that were edited at Meta. Buttons and media come with the next synchronisation."""
    delivery.unmatched += in_transaction(partial(_each, business, events, delivery, _set_texts))
    tell(business, events, delivery)


def _each(
    business: Business,
    events: Sequence[T],
    delivery: Delivery,
    change: Callable[[WhatsAppTemplate, T, Delivery], None],
) -> int:
    """Returns how many events are about templates that are not ours."""
    unmatched = 0
    for event in events:
        rows = list(_templates(business, event))
        for row in rows:
            change(row, event, delivery)
        unmatched += not rows
    return unmatched


def _templates(business: Business, event: TemplateEvent) -> Iterator[WhatsAppTemplate]:
    """Our rows of the template, locked. Numbers of one business account share it, and each may have a row of it."""
    owned = Q(account__in=business.accounts)
    if business.of_settings:
        owned |= Q(account=None)
    named = Q(meta_template_id="", name=event.template_name, language=event.language)
    rows = WhatsAppTemplate.objects.filter(owned, named | Q(meta_template_id=event.template_id))
    yield from locked(rows.order_by("pk"))


def _set_status(row: WhatsAppTemplate, event: TemplateStatusEvent, delivery: Delivery) -> None:
    before = row.status
    status = TemplateStatus.APPROVED if event.status in _USABLE_AGAIN else event.status[:30]
    fields = []
    if is_news(row, "status", event, delivery, _STATUS_WEIGHTS.get(status, _OTHER_STATUS)):
        row.status, row.meta_template_id = status, event.template_id
        rejected = row.status == TemplateStatus.REJECTED
        row.rejected_reason = (event.reason or event.explanation)[:_TEXT_LENGTH] if rejected else ""
        fields += ["status", "meta_template_id", "rejected_reason"]
    if event.category in TemplateCategory and _is_news_of_category(row, event, delivery):
        row.category = event.category
        fields.append("category")
    if fields:
        row.save(update_fields=[*fields, "heard_at", "updated_at"])
        guard.template_changed(row)
    if row.status != before or delivery.again:
        delivery.announce(
            signals.whatsapp_template_status_changed,
            WhatsAppTemplate,
            event.event_id,
            template=row,
            status=row.status,
        )


def _set_quality(row: WhatsAppTemplate, event: TemplateQualityEvent, delivery: Delivery) -> None:
    if is_news(row, "quality", event, delivery, _QUALITY_WEIGHTS.get(event.quality, 0)):
        dropped = guard.is_worse(event.quality[:10], row.quality_rating)
        row.quality_rating = event.quality[:10]
        row.save(update_fields=["quality_rating", "heard_at", "updated_at"])
        if dropped:
            guard.quality_dropped(None, row, row.quality_rating)


def _set_category(row: WhatsAppTemplate, event: TemplateCategoryEvent, delivery: Delivery) -> None:
    if _is_news_of_category(row, event, delivery):
        row.category = event.category[:20]
        row.save(update_fields=["category", "heard_at", "updated_at"])


def _is_news_of_category(
    row: WhatsAppTemplate, event: TemplateStatusEvent | TemplateCategoryEvent, delivery: Delivery
) -> bool:
    """Of two of the same second the one with the stricter rules holds."""
    return is_news(row, "category", event, delivery, event.category == TemplateCategory.MARKETING)


def _set_texts(row: WhatsAppTemplate, event: TemplateComponentsEvent, delivery: Delivery) -> None:
    if not is_news(row, "components", event, delivery):
        return
    texts = {"HEADER": event.header_text, "BODY": event.body_text, "FOOTER": event.footer_text}
    row.components = [_with_text(component, texts) for component in row.components]
    if row.header:
        row.header = _with_text({"type": "HEADER", **row.header}, texts)
    row.body_text = event.body_text or row.body_text
    row.footer_text = event.footer_text[:_TEXT_LENGTH]
    row.save(update_fields=["components", "header", "body_text", "footer_text", "heard_at", "updated_at"])


def _with_text(component: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """The component as it is now; a header of a medium has no text."""
    text = texts.get(str(component.get("type", "")).upper())
    return {**component, "text": text} if text and "text" in component else component
