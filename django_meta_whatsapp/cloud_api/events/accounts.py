"""Phone numbers and accounts: quality, limits, decisions, restrictions (Meta's account webhook pages)."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event
from django_meta_whatsapp.cloud_api.events.reading import mapping, objects, required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneQualityEvent(Event):
    """event: `ONBOARDING`, `THROUGHPUT_UPGRADE`, `FLAGGED` … messaging_limit: `TIER_2K` …, where Meta gives one."""

    event: str
    messaging_limit: str = ""
    previous_limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNameEvent(Event):
    """Meta decided on a display name: `APPROVED`, `REJECTED`, `DEFERRED` …"""

    decision: str
    requested_name: str = ""
    rejection_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent(Event):
    """The two-step PIN: `PIN_CHANGED`, `PIN_RESET_REQUEST` or `PIN_REQUEST_SUCCESS`, and who asked."""

    event: str
    requester: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdateEvent(Event):
    """Something happened to the account. `raw` holds what belongs to `event`.

    restrictions: `{"restriction_type", "expiration"}`. ban_state: `DISABLE`, `REINSTATE` or `SCHEDULE_FOR_DISABLE`.
    partner: Meta's `waba_info`, of a partner or app that came or went; disconnection: why and by whom, for a
    number that left. country: a new primary location. volume_tier: Meta's object about the price of volume.
    """

    event: str
    restrictions: list[JSON] = dataclass_field(default_factory=list)
    violation_type: str = ""
    ban_state: str = ""
    ban_date: str = ""
    partner: JSON = dataclass_field(default_factory=dict)
    disconnection: JSON = dataclass_field(default_factory=dict)
    country: str = ""
    volume_tier: JSON = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReviewEvent(Event):
    """Meta reviewed the account: `APPROVED`, `REJECTED`, `PENDING` or `DEFERRED`."""

    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAlertEvent(Event):
    """An alert. severity: `CRITICAL`, `WARNING` or `INFORMATIONAL`."""

    alert_type: str
    severity: str = ""
    status: str = ""
    description: str = ""
    entity_type: str = ""
    entity_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCapabilityEvent(Event):
    """What the portfolio may do. messaging_limit: `TIER_2K`, or people a day as text (`-1`: no limit)."""

    messaging_limit: str = ""
    max_phone_numbers: int | None = None


def read_phone_quality(change: Change) -> Iterator[Event]:
    """A value of the field `phone_number_quality_update`."""
    value = change.value
    yield PhoneQualityEvent(
        **change.whole("phone_quality"),
        event=required(value, "event").upper(),
        messaging_limit=text(value.get("max_daily_conversations_per_business"))
        or text(value.get("current_limit")),
        previous_limit=text(value.get("old_limit")),
    )


def read_phone_name(change: Change) -> Iterator[Event]:
    """A value of the field `phone_number_name_update`."""
    value = change.value
    yield PhoneNameEvent(
        **change.whole("phone_name"),
        decision=required(value, "decision").upper(),
        requested_name=text(value.get("requested_verified_name")),
        rejection_reason=text(value.get("rejection_reason")),
    )


def read_security(change: Change) -> Iterator[Event]:
    """A value of the field `security`."""
    yield SecurityEvent(
        **change.whole("security"),
        event=required(change.value, "event").upper(),
        requester=text(change.value.get("requester")),
    )


def read_account_update(change: Change) -> Iterator[Event]:
    """A value of the field `account_update`."""
    value = change.value
    ban = mapping(value.get("ban_info"))
    yield AccountUpdateEvent(
        **change.whole("account_update"),
        event=required(value, "event").upper(),
        restrictions=objects(value.get("restriction_info")),
        violation_type=text(mapping(value.get("violation_info")).get("violation_type")),
        ban_state=text(ban.get("waba_ban_state")).upper(),
        ban_date=text(ban.get("waba_ban_date")),
        partner=mapping(value.get("waba_info")),
        disconnection=mapping(value.get("disconnection_info")),
        country=text(value.get("country")),
        volume_tier=mapping(value.get("volume_tier_info")),
    )


def read_account_review(change: Change) -> Iterator[Event]:
    """A value of the field `account_review_update`."""
    decision = required(change.value, "decision").upper()
    yield AccountReviewEvent(**change.whole("account_review"), decision=decision)


def read_account_alert(change: Change) -> Iterator[Event]:
    """A value of the field `account_alerts`; older ones have no `alert_info` around the alert."""
    value = change.value
    alert = mapping(value.get("alert_info")) or value
    yield AccountAlertEvent(
        **change.whole("account_alert"),
        alert_type=required(alert, "alert_type").upper(),
        severity=text(alert.get("alert_severity")).upper(),
        status=text(alert.get("alert_status")).upper(),
        description=text(alert.get("alert_description")),
        entity_type=text(value.get("entity_type")).upper(),
        entity_id=text(value.get("entity_id")),
    )


def read_business_capability(change: Change) -> Iterator[Event]:
    """A value of the field `business_capability_update`, old and new spellings."""
    value = change.value
    limit = text(value.get("max_daily_conversations_per_business"))
    numbers = value.get("max_phone_numbers_per_business")
    yield BusinessCapabilityEvent(
        **change.whole("business_capability"),
        messaging_limit=limit or text(value.get("max_daily_conversation_per_phone")),
        max_phone_numbers=numbers if isinstance(numbers, int) and not isinstance(numbers, bool) else None,
    )
