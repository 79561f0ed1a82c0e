"""What Meta tells about our numbers: limits, quality, rates, names, and (see `account_states`) whether they may send."""

from collections.abc import Callable, Sequence
from functools import partial

from django_meta_whatsapp.cloud_api.events import (
    AccountUpdateEvent,
    BusinessCapabilityEvent,
    PhoneNameEvent,
    PhoneQualityEvent,
)
from django_meta_whatsapp.models import QualityRating, WhatsAppAccount
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services import account_states, budget
from django_meta_whatsapp.services.campaigns import guard
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.news import is_news, tell
from django_meta_whatsapp.services.routing import Business
from django_meta_whatsapp.services.transactions import in_transaction

UPGRADED_THROUGHPUT = 1000
_QUALITY = {"FLAGGED": QualityRating.RED, "UNFLAGGED": QualityRating.UNKNOWN}
_UNLIMITED = -(10**12)
"""Of limits of the same second the lower one holds."""
_THROUGHPUT = {"THROUGHPUT_UPGRADE": UPGRADED_THROUGHPUT}


def apply_phone_quality(business: Business, events: Sequence[PhoneQualityEvent], delivery: Delivery) -> None:
    """Quality and throughput of a number, and the limit that it shares with the business's other numbers."""
    for event in events:
        number = business.number(event.display_phone_number)
        if number is None:
            delivery.unmatched += 1
            continue
        _change([number], partial(_set_quality, event, delivery))
        if event.messaging_limit:
            _change(business.accounts, partial(_set_limit, event, delivery))
    tell(business, events, delivery)


def apply_phone_name(business: Business, events: Sequence[PhoneNameEvent], delivery: Delivery) -> None:
    """The name that people see, once Meta has approved it."""
    for event in events:
        number = business.number(event.display_phone_number)
        if number is None:
            delivery.unmatched += 1
        elif event.decision == "APPROVED" and event.requested_name:
            _change([number], partial(_set_name, event, delivery))
    tell(business, events, delivery)


def apply_capability(
    business: Business, events: Sequence[BusinessCapabilityEvent], delivery: Delivery
) -> None:
    """The limit that the business's numbers share."""
    for event in events:
        if event.messaging_limit:
            _change(business.accounts, partial(_set_limit, event, delivery))
    tell(business, events, delivery)


def apply_account_update(
    business: Business, events: Sequence[AccountUpdateEvent], delivery: Delivery
) -> None:
    """Whether Meta lets the business's numbers send."""
    for event in events:
        _change(business.accounts, partial(account_states.note, event, delivery))
    tell(business, events, delivery)


def _change(accounts: Sequence[WhatsAppAccount], change: Callable[[WhatsAppAccount], list[str]]) -> None:
    """Changes the accounts under lock. `change` says which fields it has set."""

    def work() -> None:
        rows = WhatsAppAccount.objects.defer("access_token", "verify_token", "app_secret")
        for row in locked(rows.filter(pk__in=[account.pk for account in accounts]).order_by("pk")):
            before = row.quality_rating
            fields = change(row)
            if fields:
                row.save(update_fields=[*fields, "heard_at", "updated_at"])
                guard.account_changed(row)
            if guard.is_worse(row.quality_rating, before):
                guard.quality_dropped(row, None, row.quality_rating)

    in_transaction(work)


def _set_quality(event: PhoneQualityEvent, delivery: Delivery, row: WhatsAppAccount) -> list[str]:
    """An event is about the rating, or the rate, or neither: of each the newest holds."""
    fields = []
    if event.event in _QUALITY and is_news(row, "quality", event, delivery, event.event == "FLAGGED"):
        row.quality_rating = _QUALITY[event.event]
        fields.append("quality_rating")
    if event.event in _THROUGHPUT and is_news(row, "throughput", event, delivery):
        row.throughput = _THROUGHPUT[event.event]
        fields.append("throughput")
    return fields


def _set_name(event: PhoneNameEvent, delivery: Delivery, row: WhatsAppAccount) -> list[str]:
    if not is_news(row, "name", event, delivery):
        return []
    row.profile_name = event.requested_name[:255]
    return ["profile_name"]


def _set_limit(
    event: PhoneQualityEvent | BusinessCapabilityEvent, delivery: Delivery, row: WhatsAppAccount
) -> list[str]:
    people = budget.people_of(event.messaging_limit)
    if not is_news(row, "limit", event, delivery, _UNLIMITED if people is None else -people):
        return []
    row.messaging_limit = event.messaging_limit[:30]
    return ["messaging_limit"]
