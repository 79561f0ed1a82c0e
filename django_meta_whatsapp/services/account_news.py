"""What Meta tells about our numbers and accounts: limits, quality, bans and restrictions."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django_meta_whatsapp.cloud_api.events import (
    AccountUpdateEvent,
    BusinessCapabilityEvent,
    PhoneNameEvent,
    PhoneQualityEvent,
)
from django_meta_whatsapp.cloud_api.events.reading import moment
from django_meta_whatsapp.models import AccountState, QualityRating, WhatsAppAccount
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import guard
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.news import is_news, tell
from django_meta_whatsapp.services.routing import Business
from django_meta_whatsapp.services.transactions import in_transaction

UPGRADED_THROUGHPUT = 1000
_QUALITY = {"FLAGGED": QualityRating.RED, "UNFLAGGED": QualityRating.UNKNOWN}
_STOPS_MESSAGES = (
    "RESTRICTED_BIZ_INITIATED_MESSAGING",
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
)
_STATES: dict[str, tuple[AccountState, str]] = {
    "ACCOUNT_DELETED": (AccountState.DISCONNECTED, "The account was deleted at Meta."),
    "ACCOUNT_OFFBOARDED": (AccountState.DISCONNECTED, "The account was offboarded at Meta."),
    "ACCOUNT_RECONNECTED": (AccountState.CONNECTED, ""),
}


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
        change = _state_after(event)
        if change:
            _change(business.accounts, partial(_set_state, event, change, delivery))
    tell(business, events, delivery)


def lift_expired_restrictions() -> int:
    """Restrictions whose time is over end without a word from Meta. Returns how many did."""
    over = WhatsAppAccount.objects.filter(state=AccountState.RESTRICTED, restricted_until__lte=clock.now())
    return over.update(state=AccountState.CONNECTED, state_reason="", restricted_until=None)


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
    if not is_news(row, "quality", delivery.time_of(event)):
        return []
    row.quality_rating = _QUALITY.get(event.event, row.quality_rating)
    if event.event == "THROUGHPUT_UPGRADE":
        row.throughput = UPGRADED_THROUGHPUT
    return ["quality_rating", "throughput"]


def _set_name(event: PhoneNameEvent, delivery: Delivery, row: WhatsAppAccount) -> list[str]:
    if not is_news(row, "name", delivery.time_of(event)):
        return []
    row.profile_name = event.requested_name[:255]
    return ["profile_name"]


def _set_limit(
    event: PhoneQualityEvent | BusinessCapabilityEvent, delivery: Delivery, row: WhatsAppAccount
) -> list[str]:
    if not is_news(row, "limit", delivery.time_of(event)):
        return []
    row.messaging_limit = event.messaging_limit[:30]
    return ["messaging_limit"]


def _state_after(event: AccountUpdateEvent) -> dict[str, Any] | None:
    """The fields that an event sets, or None when it says nothing about sending."""
    if event.event in _STATES:
        state, reason = _STATES[event.event]
        return {"state": state, "state_reason": reason, "restricted_until": None}
    if event.event == "DISABLED_UPDATE":
        return _ban(event)
    if event.event == "ACCOUNT_RESTRICTION":
        return _restriction(event)
    return None


def _ban(event: AccountUpdateEvent) -> dict[str, Any] | None:
    if event.ban_state == "DISABLE":
        reason = f"Disabled by Meta on {event.ban_date}." if event.ban_date else "Disabled by Meta."
        return {"state": AccountState.DISABLED, "state_reason": reason[:255], "restricted_until": None}
    if event.ban_state == "REINSTATE":
        return {"state": AccountState.CONNECTED, "state_reason": "", "restricted_until": None}
    if event.ban_state == "SCHEDULE_FOR_DISABLE":
        return {"state_reason": f"Meta will disable this account on {event.ban_date}."[:255]}
    return None


def _restriction(event: AccountUpdateEvent) -> dict[str, Any] | None:
    stopping = [each for each in event.restrictions if each.get("restriction_type") in _STOPS_MESSAGES]
    if not stopping:
        return None
    ends = [moment(each.get("expiration")) for each in stopping]
    kinds = ", ".join(sorted({str(each["restriction_type"]) for each in stopping}))
    return {
        "state": AccountState.RESTRICTED,
        "state_reason": f"Restricted by Meta: {kinds}."[:255],
        # One without an end lasts until Meta says otherwise.
        "restricted_until": None if None in ends else max(end for end in ends if end is not None),
    }


def _set_state(
    event: AccountUpdateEvent, change: dict[str, Any], delivery: Delivery, row: WhatsAppAccount
) -> list[str]:
    if not is_news(row, "state", delivery.time_of(event)):
        return []
    for name, value in change.items():
        setattr(row, name, value)
    return list(change)
