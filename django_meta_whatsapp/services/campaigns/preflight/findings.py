"""What is in order with template and number and what is not, by our rows and by what Meta says now."""

from collections.abc import Iterator, Mapping
from typing import Any

from django_meta_whatsapp.cloud_api.client import Client
from django_meta_whatsapp.cloud_api.operations import business, templates
from django_meta_whatsapp.errors import MetaAPIError
from django_meta_whatsapp.models import QualityRating, WhatsAppAccount, WhatsAppTemplate
from django_meta_whatsapp.services.campaigns.assignment import Assignment, refusals
from django_meta_whatsapp.services.campaigns.preflight.report import Finding, Level

_NUMBER_FIELDS = "id,status,quality_rating,whatsapp_business_manager_messaging_limit,health_status"
_SERVING = ("CONNECTED", "FLAGGED", "RATE_LIMITED")
_TEMPLATE_FIELDS = "id,name,language,status,category"


def of_rows(assignment: Assignment) -> Iterator[Finding]:
    """Template and account, as we know them."""
    for refusal in refusals(assignment):
        yield Finding(refusal.area, Level.PROBLEM, refusal.why)
    for key in assignment.personaliser.unused:
        yield Finding("template", Level.CHECK, f'The parameter "{key}" fills nothing.')
    needed = len(assignment.personaliser.slots)
    yield Finding(
        "template", Level.OK, f"{assignment.campaign.template}: {needed} values filled for each person."
    )


def of_quality(account: WhatsAppAccount) -> Iterator[Finding]:
    """The number's quality as we know it."""
    quality = QualityRating(account.quality_rating)
    yield Finding("account", _quality_level(quality), f"The quality of {account} is: {quality.label}.")


def of_template_at_meta(client: Client, waba_id: str, template: WhatsAppTemplate) -> Iterator[Finding]:
    """Whether Meta has the template in the state and category that we have."""
    if not waba_id:
        yield Finding("template", Level.CHECK, "Without a WABA ID Meta cannot be asked for it.")
        return
    try:
        call = templates.list_templates(waba_id, fields=_TEMPLATE_FIELDS, name=template.name)
        entries = [entry for page in client.pages(call) for entry in page.data]
    except MetaAPIError as error:
        yield Finding("template", Level.CHECK, f"Meta could not be asked: {error}")
        return
    key = {"name": template.name, "language": template.language}
    found = next((entry for entry in entries if key.items() <= entry.items()), None)
    if found is None:
        yield Finding("template", Level.PROBLEM, f"Meta has no template {template}.")
        return
    for name in ("status", "category"):
        ours, theirs = getattr(template, name), str(found.get(name) or "")
        if theirs and theirs != ours:
            level = Level.PROBLEM if name == "status" and theirs != "APPROVED" else Level.CHECK
            text = f"Meta has it as {theirs}, here it is {ours}: synchronise the templates."
            yield Finding("template", level, text)


def of_number_at_meta(client: Client, account: WhatsAppAccount) -> Iterator[Finding]:
    """Status, quality and health of the number."""
    try:
        number = client.run(business.phone_number(account.phone_number_id, fields=_NUMBER_FIELDS))
    except MetaAPIError as error:
        yield Finding("account", Level.CHECK, f"Meta could not be asked: {error}")
        return
    status = str(number.get("status") or "")
    if status and status not in _SERVING:
        yield Finding("account", Level.PROBLEM, f"Meta has the number as {status}.")
    quality = str(number.get("quality_rating") or "")
    if quality and quality != account.quality_rating and quality in QualityRating.values:
        yield Finding(
            "account", _quality_level(quality), f"Meta rates it now: {QualityRating(quality).label}."
        )
    yield from _health(number)


def _quality_level(quality: str) -> Level:
    return Level.OK if quality == QualityRating.GREEN else Level.CHECK


def _health(number: Mapping[str, Any]) -> Iterator[Finding]:
    health = number.get("health_status")
    entities = health.get("entities") if isinstance(health, Mapping) else None
    for entity in entities or ():
        can_send = str(entity.get("can_send_message") or "")
        if can_send in ("LIMITED", "BLOCKED"):
            errors = [str(each.get("error_description")) for each in entity.get("errors") or ()]
            level = Level.PROBLEM if can_send == "BLOCKED" else Level.CHECK
            yield Finding("account", level, " ".join([f"{entity.get('entity_type')}: {can_send}.", *errors]))
