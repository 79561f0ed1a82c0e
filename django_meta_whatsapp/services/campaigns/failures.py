"""Why recipients of a campaign have failed, in words and numbers."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import Case, Count, F, Min, TextField, Value, When

from django_meta_whatsapp.cloud_api.error_codes import CODES
from django_meta_whatsapp.models import AttemptState, RecipientStatus, WhatsAppCampaignRecipient
from django_meta_whatsapp.models.bulk.settling import Answer

MOST = 10
"""Reasons that are told one by one."""


class Failures(NamedTuple):
    """How many recipients have failed for one reason."""

    reason: str
    people: int


def reason(code: int | None, text: str) -> str:
    """Meta's error number with what it means; `text` where there is no number that we know."""
    if code is None:
        return text
    known = CODES.get(code)
    return f"{code} {known.title if known else text}".strip()


def refusals(answers: Iterable[Answer]) -> Iterator[str]:
    """The reasons of those whom Meta has refused for good; few different ones, however many people there are."""
    for answer in answers:
        if answer.state == AttemptState.REJECTED and answer.retry_at is None:
            yield reason(answer.error_code, "") or answer.error_class


def by_reason(campaign_id: int, most: int = MOST) -> list[Failures]:
    """The commonest reasons for which recipients count as failed now, by their number. One query over the failed rows."""
    failed = WhatsAppCampaignRecipient.objects.filter(campaign_id=campaign_id, status=RecipientStatus.FAILED)
    # Meta's texts differ from person to person, its numbers do not; what has no number has a text of ours.
    own = Case(When(error_code=None, then=F("error_message")), default=Value(""), output_field=TextField())
    counted = (
        failed.order_by().values("error_code", own=own).annotate(text=Min("error_message"), count=Count("pk"))
    )
    found = counted.order_by("-count", "error_code", "text").values_list("error_code", "text", "count")
    return [Failures(reason(code, text), count) for code, text, count in found[:most]]
