"""Templates: what Meta has, kept in our rows without loss, and what we wrote, submitted to Meta."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations import templates
from django_meta_whatsapp.cloud_api.operations.template_definition import (
    TemplateDefinition,
    definition_from_meta,
)
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import QualityRating, TemplateStatus, WhatsAppAccount, WhatsAppTemplate
from django_meta_whatsapp.services import accounts
from django_meta_whatsapp.services.batches import upsert
from django_meta_whatsapp.services.steps import Job, all_entries, ask

_PLAIN_COMPONENTS = ("HEADER", "BODY", "FOOTER", "BUTTONS")
_OURS_ONLY = (TemplateStatus.DRAFT, TemplateStatus.DELETED)
_FROM_META = [
    "meta_template_id",
    "category",
    "status",
    "header",
    "body_text",
    "footer_text",
    "buttons",
    "components",
    "quality_rating",
    "rejected_reason",
    "synced_at",
    "updated_at",
]


def fetch(account: WhatsAppAccount | None) -> Job[list[JSON]]:
    """Every template of the account's WABA in every status, as Meta describes it."""
    return all_entries(templates.list_templates(accounts.waba_id(account)))


def fetch_usable(account: WhatsAppAccount | None) -> Job[list[JSON]]:
    """The approved and the pending ones among them."""
    listed = yield from fetch(account)
    return [each for each in listed if _status(each) in (TemplateStatus.APPROVED, TemplateStatus.PENDING)]


def sync(account: WhatsAppAccount | None) -> Job[dict[str, int]]:
    """Fetches every template and stores it; rows of templates that are gone at Meta become DELETED.

    The result: `{"synced", "deleted"}`, in rows.
    """
    started = timezone.now()
    listed = yield from fetch(account)
    row = accounts.account_or_default(account)
    stored = store(row, listed)
    gone = WhatsAppTemplate.objects.filter(account=row, created_at__lt=started).exclude(status__in=_OURS_ONLY)
    deleted = gone.exclude(synced_at__gte=started).update(status=TemplateStatus.DELETED)
    return {"synced": stored, "deleted": deleted}


def store(account: WhatsAppAccount, listed: Sequence[Mapping[str, Any]]) -> int:
    """Writes templates as Meta describes them into our rows; how many. Meta's word replaces ours."""
    rows = {(row.name, row.language): row for row in (_row(account, each) for each in listed)}
    upsert(
        WhatsAppTemplate,
        list(rows.values()),
        unique=["account", "name", "language"],
        update=_FROM_META,
    )
    return len(rows)


def _row(account: WhatsAppAccount, template: Mapping[str, Any]) -> WhatsAppTemplate:
    definition = definition_from_meta(template)
    return WhatsAppTemplate(
        account=account,
        name=definition.name,
        language=definition.language,
        meta_template_id=str(template.get("id") or ""),
        category=definition.category,
        status=_status(template),
        header=definition.header,
        body_text=definition.body_text,
        footer_text=definition.footer_text,
        buttons=list(definition.buttons),
        components=list(template.get("components") or ()),
        quality_rating=_quality(template),
        rejected_reason=_reason(template),
        synced_at=timezone.now(),
    )


def _status(template: Mapping[str, Any]) -> str:
    # A status that Meta has invented since is kept as it is: only APPROVED counts as sendable.
    return str(template.get("status") or TemplateStatus.PENDING).upper()[:30]


def _quality(template: Mapping[str, Any]) -> str:
    score = template.get("quality_score")
    rating = str(score.get("score") if isinstance(score, Mapping) else score).upper()
    return rating if rating in QualityRating.values else QualityRating.UNKNOWN


def _reason(template: Mapping[str, Any]) -> str:
    reason = str(template.get("rejected_reason") or "")
    return "" if reason.upper() == "NONE" else reason[:255]


def owner(template: WhatsAppTemplate, account: WhatsAppAccount | None) -> WhatsAppAccount | None:
    """Who speaks for a template: the account given, then its own, then (None) the settings."""
    return account or template.account


def definition(template: WhatsAppTemplate) -> TemplateDefinition:
    """What Meta is to be told about our row."""
    others = [each for each in template.components if _component_type(each) not in _PLAIN_COMPONENTS]
    return TemplateDefinition(
        name=template.name,
        language=template.language,
        category=template.category,
        header=template.header,
        body_text=template.body_text,
        footer_text=template.footer_text,
        buttons=template.buttons or [],
        examples=_examples(template),
        other_components=others,
    )


def components_of(template: WhatsAppTemplate) -> list[dict[str, Any]]:
    """The template's components in Meta's shape: Meta's own where we have them, else made of the row's fields."""
    if template.components:
        return list(template.components)
    definition = TemplateDefinition(
        name=template.name,
        language=template.language,
        category=template.category,
        header=template.header,
        body_text=template.body_text,
        footer_text=template.footer_text,
        buttons=template.buttons or (),
    )
    return definition.components()


def _component_type(component: Mapping[str, Any]) -> str:
    return str(component.get("type", "")).upper()


def _examples(template: WhatsAppTemplate) -> Mapping[str, Any]:
    """The example values that Meta has of the body; those of the header stand in the header itself."""
    return definition_from_meta({"components": template.components}).examples


def push(template: WhatsAppTemplate, account: WhatsAppAccount | None) -> Job[JSON]:
    """Submits our row to Meta for review and notes the id, status and category that Meta answers with."""
    call = templates.create_template(accounts.waba_id(account), definition(template).payload())
    answer = yield from ask(call)
    template.meta_template_id = str(answer.get("id") or "")
    template.status = _status(answer)
    # Meta may approve a utility template as marketing, which costs more and obeys other rules.
    template.category = str(answer.get("category") or template.category).upper()
    template.rejected_reason = ""
    template.synced_at = timezone.now()
    _save(template, ["meta_template_id", "status", "category", "rejected_reason", "synced_at"])
    return answer


def edit(template: WhatsAppTemplate) -> Job[JSON]:
    """Replaces the components of a template at Meta by those of our row. It is not sendable until Meta says so."""
    if not template.meta_template_id:
        raise InvalidInput("template", "Meta does not know this template: push it instead.")
    changes = {"components": definition(template).payload()["components"]}
    answer = yield from ask(templates.edit_template(template.meta_template_id, changes))
    template.status = TemplateStatus.PENDING
    template.category = str(answer.get("category") or template.category).upper()
    _save(template, ["status", "category"])
    return answer


def _save(template: WhatsAppTemplate, fields: list[str]) -> None:
    if template.pk:
        template.save(update_fields=[*fields, "updated_at"])


def delete(name: str, account: WhatsAppAccount | None, template_id: str = "") -> Job[JSON]:
    """Deletes every language of `name` at Meta, or the one with `template_id`; our rows become DELETED."""
    waba_id = accounts.waba_id(account)
    answer = yield from ask(templates.delete_template(waba_id, name, template_id))
    # Numbers of one business account share their templates.
    rows = WhatsAppTemplate.objects.filter(Q(account=account) | Q(account__waba_id=waba_id), name=name)
    if template_id:
        rows = rows.filter(meta_template_id=template_id)
    ids = list(rows.values_list("pk", flat=True))
    WhatsAppTemplate.objects.filter(pk__in=ids).update(status=TemplateStatus.DELETED)
    return answer
