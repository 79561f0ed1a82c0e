"""Trying failed recipients again, and copying a campaign."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db.models import Exists, Field, OuterRef, QuerySet
from django.utils import timezone

from django_meta_whatsapp.cloud_api.errors import ErrorClass
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import (
    AttemptState,
    CampaignEventKind,
    CampaignStatus,
    MessageStatus,
    RecipientStatus,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.moves import Move
from django_meta_whatsapp.services.campaigns import states, tally
from django_meta_whatsapp.services.campaigns.transitions import note
from django_meta_whatsapp.services.transactions import in_transaction

DEFAULT_CLASSES = (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)
"""Those of which Meta says that a later try may succeed."""
BATCH = 500
DOUBLE_CLICK = timedelta(seconds=10)
_OWN = ("name", "status", "status_reason", "scheduled_at", "expires_at")
"""What a copy does not take over, beside all that the product writes."""
_NAME_LIMIT = 255


class Retried(NamedTuple):
    """How many are tried again, and whether that has made an ended campaign due."""

    people: int
    is_due: bool


class _Batch(NamedTuple):
    """What was looked at: the last key, None for no more; how many go again; whether the campaign had ended."""

    last: int | None
    people: int = 0
    had_ended: bool = False


def retry(campaign_id: int, error_classes: Collection[str], by: str) -> Retried:
    """Certain failures of these classes are pending again, in batches. Each makes an ended campaign due: whoever dies between
    two of them leaves nobody behind.
    """
    unknown = sorted(set(error_classes) - {each.value for each in ErrorClass})
    if unknown or not error_classes:
        known = ", ".join(each.value for each in ErrorClass)
        raise InvalidInput("error_classes", f"{', '.join(unknown) or 'none'} given; there are {known}.")
    done: list[_Batch] = []
    after: int | None = 0
    while after is not None:
        batch = in_transaction(partial(_retry_some, campaign_id, error_classes, after, by))
        done.append(batch)
        after = batch.last
    people = sum(batch.people for batch in done)
    if people:
        told = f"{people} are tried again."
        in_transaction(partial(note, campaign_id, CampaignEventKind.RETRIED, by, told, timezone.now()))
    return Retried(people, any(batch.had_ended for batch in done))


def _certain(campaign_id: int) -> QuerySet[WhatsAppCampaignRecipient]:
    """Failed rows that Meta has rejected, or that never left: every attempt is known to have come to nothing."""
    attempts = WhatsAppSendAttempt.objects.filter(recipient=OuterRef("pk"))
    open_or_taken = attempts.exclude(state__in=(AttemptState.REJECTED, AttemptState.NOT_SENT))
    return WhatsAppCampaignRecipient.objects.filter(
        ~Exists(open_or_taken),
        campaign_id=campaign_id,
        status=RecipientStatus.FAILED,
        accepted_at=None,
        contact__isnull=False,
    )


def _retry_some(campaign_id: int, error_classes: Collection[str], after: int, by: str) -> _Batch:
    """Looks at the next rows after the key `after`."""
    failed = WhatsAppCampaignRecipient.objects.filter(
        campaign_id=campaign_id, status=RecipientStatus.FAILED, error_class__in=error_classes, pk__gt=after
    )
    # Locked by themselves: what the attempts say is read once nobody can change the rows any more.
    held = [row.pk for row in locked(failed.order_by("pk"))[:BATCH]]
    if not held:
        return _Batch(None)
    keys = list(_certain(campaign_id).filter(pk__in=held).order_by("pk").values_list("pk", flat=True))
    if not keys:
        return _Batch(held[-1])
    rows = WhatsAppCampaignRecipient.objects.filter(pk__in=keys)
    rows.update(
        status=RecipientStatus.PENDING,
        not_before=None,
        attempt_count=0,
        failed_at=None,
        error_code=None,
        error_class="",
        error_message="",
    )
    messages = WhatsAppMessage.objects.filter(campaign_recipient__in=keys, status=MessageStatus.FAILED)
    messages.update(status=MessageStatus.SENDING, failed_at=None, error_code=None, error_message="")
    tally.apply(Move(campaign_id, RecipientStatus.FAILED, RecipientStatus.PENDING) for _ in keys)
    return _Batch(held[-1], len(keys), states.go_on(campaign_id, by=by))


def copy(campaign_id: int, by: str, name: str) -> WhatsAppCampaign:
    """A draft with the plan of the campaign, in the caller's transaction."""
    # The lock makes two clicks at once one after the other.
    source = locked(WhatsAppCampaign.objects.filter(pk=campaign_id)).get()
    recent = WhatsAppCampaign.objects.filter(
        cloned_from=source, status=CampaignStatus.DRAFT, created_at__gte=timezone.now() - DOUBLE_CLICK
    )
    made = recent.filter(events__kind=CampaignEventKind.CLONED, events__by=by).first()
    if made is not None and (not name or made.name == name):
        return made
    copied = WhatsAppCampaign(
        name=(name or f"{source.name[: _NAME_LIMIT - 7]} (copy)"),
        cloned_from=source,
        **{field.attname: getattr(source, field.attname) for field in _plan_fields()},
    )
    copied.save()
    note(copied.pk, CampaignEventKind.CLONED, by, f"Copy of #{source.pk}.", timezone.now())
    return copied


def _plan_fields() -> "list[Field[Any, Any]]":
    fields = WhatsAppCampaign._meta.concrete_fields
    return [each for each in fields if each.editable and not each.primary_key and each.name not in _OWN]
