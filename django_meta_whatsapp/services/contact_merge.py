"""Two contacts that turn out to be one person become one: everything of the one that goes is the other's from then on."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Case, Value, When
from django.utils import timezone

from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import (
    RecipientStatus,
    SkipReason,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppConversation,
)
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.services.campaigns import tally
from django_meta_whatsapp.services.transactions import database, in_transaction

_UNCALLED = (RecipientStatus.PENDING, RecipientStatus.LEASED)

Pair = tuple[Any, Any]
"""Rows of one account: the one that stays, and the one that goes."""


def merge(kept_id: int, gone_id: int) -> dict[int, int]:
    """Makes the contact `gone_id` part of `kept_id`, and deletes it. Returns the threads that went, to those that stay.

    Threads, messages, identities, labels, consent and what others' models have of it move. Of two choices about our messages
    the newest holds, and of two at the same time, or without a time, the stop. Somebody who is blocked stays blocked. Who
    would get one campaign twice gets it once. A number of statements that does not grow with the rows, in one transaction.

    Once it is done, doing it again changes nothing. Raises InvalidInput for a contact that is not there to be kept, and
    when a model of the host allows one row for each contact and both have one.
    """
    if kept_id == gone_id:
        raise InvalidInput("contact", "A contact cannot be merged with itself.")
    return in_transaction(partial(_merge, kept_id, gone_id))


def _merge(kept_id: int, gone_id: int) -> dict[int, int]:
    people = {row.pk: row for row in locked(_contacts(kept_id, gone_id).order_by("pk"))}
    if kept_id not in people:
        raise InvalidInput("contact", f"There is no contact {kept_id}.")
    if gone_id not in people:
        return {}
    kept, gone = people[kept_id], people[gone_id]
    threads = _merge_threads(kept, gone)
    _merge_standings(kept, gone)
    _keep_one_recipient(kept, gone)
    _move(WhatsAppContact, {gone.pk: kept.pk}, but=(WhatsAppConversation, WhatsAppContactAccount))
    _merge_person(kept, gone)
    return threads


def _contacts(*keys: int) -> models.QuerySet[WhatsAppContact]:
    return WhatsAppContact.objects.filter(pk__in=keys)


def _pairs(rows: Iterable[Any], kept: WhatsAppContact) -> list[Pair]:
    """Of the rows of both, those of accounts of which each has one."""
    by_account: dict[int, list[Any]] = {}
    for row in rows:
        by_account.setdefault(row.account_id, []).append(row)
    doubled = [each for each in by_account.values() if len(each) == 2]
    return [(a, b) if a.contact_id == kept.pk else (b, a) for a, b in doubled]


def _merge_threads(kept: WhatsAppContact, gone: WhatsAppContact) -> dict[int, int]:
    rows = WhatsAppConversation.objects.filter(contact__in=(kept, gone)).order_by("pk")
    pairs = _pairs(locked(rows), kept)
    for stays, goes in pairs:
        stays.last_message_at = _later(stays.last_message_at, goes.last_message_at)
        stays.unread_count += goes.unread_count
        stays.is_resolved = stays.is_resolved and goes.is_resolved
        stays.label_id = stays.label_id or goes.label_id
        stays.assigned_to = stays.assigned_to or goes.assigned_to
    fields = ["last_message_at", "unread_count", "is_resolved", "label", "assigned_to"]
    overwrite(WhatsAppConversation, [stays for stays, _ in pairs], fields)
    moved = {goes.pk: stays.pk for stays, goes in pairs}
    if moved:
        _move(WhatsAppConversation, moved)
        WhatsAppConversation.objects.filter(pk__in=moved).delete()
    left = WhatsAppConversation.objects.filter(contact=gone)
    # A number that is its contact's stays with the thread; a person without one brings the other's.
    left.update(contact=kept, phone_number=kept.normalized_phone or gone.normalized_phone)
    return moved


def _merge_standings(kept: WhatsAppContact, gone: WhatsAppContact) -> None:
    rows = WhatsAppContactAccount.objects.filter(contact__in=(kept, gone)).order_by("pk")
    pairs = _pairs(locked(rows), kept)
    for stays, goes in pairs:
        stays.is_blocked = stays.is_blocked or goes.is_blocked
        stays.marketing_opted_out, stays.marketing_changed_at = _newest(
            (stays.marketing_opted_out, stays.marketing_changed_at),
            (goes.marketing_opted_out, goes.marketing_changed_at),
        )
        stays.last_inbound_at = _later(stays.last_inbound_at, goes.last_inbound_at)
    fields = ["is_blocked", "marketing_opted_out", "marketing_changed_at", "last_inbound_at", "updated_at"]
    overwrite(WhatsAppContactAccount, [stays for stays, _ in pairs], fields)
    WhatsAppContactAccount.objects.filter(pk__in=[goes.pk for _, goes in pairs]).delete()
    WhatsAppContactAccount.objects.filter(contact=gone).update(contact=kept)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each), default=None)


Choice = tuple[bool, datetime | None]
"""Whether somebody stopped our messages, and when that was chosen; None: nobody knows."""


def _newest(one: Choice, other: Choice) -> Choice:
    """The choice that was made last; the stop when it is not known, or not later than the other."""
    (out, at), (other_out, other_at) = one, other
    if at and other_at:
        return max((at, out), (other_at, other_out))[1], max(at, other_at)
    untimed_stop = (out and not at) or (other_out and not other_at)
    timed = one if at else other
    return bool(untimed_stop or timed[0]), timed[1]


def _keep_one_recipient(kept: WhatsAppContact, gone: WhatsAppContact) -> None:
    """Where both are to get one campaign, one of the rows that nobody has called yet is skipped, claimed or not."""
    rows = WhatsAppCampaignRecipient.objects.filter(contact__in=(kept, gone))
    begun = rows.exclude(status__in=(*_UNCALLED, RecipientStatus.SKIPPED))
    campaigns: dict[int, list[WhatsAppCampaignRecipient]] = {}
    for row in locked(rows.filter(status__in=_UNCALLED).order_by("pk")):
        campaigns.setdefault(row.campaign_id, []).append(row)
    if not campaigns:
        return
    sent = set(begun.filter(campaign__in=campaigns).values_list("campaign_id", flat=True))
    surplus = [
        row
        for campaign_id, waiting in campaigns.items()
        for row in (waiting if campaign_id in sent else _preferred(waiting, kept)[1:])
    ]
    # Without its lease a claimed row is out of reach of whoever is about to mark it.
    ending = WhatsAppCampaignRecipient.objects.filter(pk__in=[row.pk for row in surplus]).order_by("pk")
    skipped = {"status": RecipientStatus.SKIPPED, "skip_reason": SkipReason.DUPLICATE}
    tally.apply(claims.end(ending, skipped, why=claims.not_again(SkipReason.DUPLICATE), at=timezone.now()))


def _preferred(
    rows: Sequence[WhatsAppCampaignRecipient], kept: WhatsAppContact
) -> list[WhatsAppCampaignRecipient]:
    """The row that is addressed as the contact is known first."""
    mine = phone_identity(kept.normalized_phone)
    return sorted(rows, key=lambda row: (row.identity != mine, row.contact_id != kept.pk, row.pk))


def _move(model: type[models.Model], moved: dict[int, int], but: Sequence[type[models.Model]] = ()) -> None:
    """Whatever refers to the rows of `model` that go refers to those that stay: keys to keys."""
    for relation in model._meta.get_fields(include_hidden=True):
        refers = relation.auto_created and (relation.one_to_many or relation.one_to_one)
        if refers and not relation.concrete and relation.related_model not in but:
            _move_one(relation.related_model, relation.field, moved)  # type: ignore[union-attr, arg-type]


def _move_one(model: type[models.Model], field: "models.ForeignKey[Any, Any]", moved: dict[int, int]) -> None:
    rows = model._base_manager.using(database())
    changed = rows.filter(**{f"{field.name}__in": list(moved)})
    if model._meta.auto_created:
        # A many-to-many relation: what both have, such as a label, stays once.
        other = next(each for each in model._meta.concrete_fields if each.is_relation and each is not field)
        has = rows.filter(**{f"{field.name}__in": list(moved.values())})
        changed = changed.exclude(**{f"{other.name}__in": list(has.values_list(other.name, flat=True))})
    target = Case(
        *(When(**{field.name: goes, "then": Value(stays)}) for goes, stays in moved.items()),
        output_field=field.target_field,
    )
    try:
        with transaction.atomic(using=database()):
            changed.update(**{field.name: target})
    except IntegrityError as error:
        raise InvalidInput("contact", f"Both have a row of {model._meta.label}, which allows one.") from error


def _merge_person(kept: WhatsAppContact, gone: WhatsAppContact) -> None:
    _contacts(gone.pk).delete()
    kept.phone = kept.phone or gone.phone
    kept.name = kept.name or gone.name
    kept.email = kept.email or gone.email
    kept.notes = "\n\n".join(dict.fromkeys(note for note in (kept.notes, gone.notes) if note))
    kept.is_blocked = kept.is_blocked or gone.is_blocked
    kept.opted_out, kept.opted_out_changed_at = _newest(
        (kept.opted_out, kept.opted_out_changed_at), (gone.opted_out, gone.opted_out_changed_at)
    )
    if kept.subscribed_via_signup_id is None:
        kept.subscribed_via_signup_id, kept.subscribed_at = gone.subscribed_via_signup_id, gone.subscribed_at
    kept.created_at = min(kept.created_at, gone.created_at)
    kept.save()
