"""What became of messages that we sent (Meta's page "status messages webhook reference")."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event, unknown
from django_meta_whatsapp.cloud_api.events.calls import read_call_status
from django_meta_whatsapp.cloud_api.events.errors import ErrorDetail, error_details
from django_meta_whatsapp.cloud_api.events.payments import read_payment_status
from django_meta_whatsapp.cloud_api.events.people import Person, person_for
from django_meta_whatsapp.cloud_api.events.reading import identity, mapping, required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What Meta charges for a message.

    type: `regular`, `free_customer_service` or `free_entry_point`; category: `marketing`, `utility`, `service` …
    billable: deprecated at Meta in favour of `type`; None when missing.
    """

    model: str = ""
    type: str = ""
    category: str = ""
    billable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent(Event):
    """A message got further, or failed.

    status: `sent`, `delivered`, `read`, `played` or `failed`; anything Meta adds later comes as it is.
    recipient_id: the wa_id, or a group's id; may be empty when `recipient_user_id` is known.
    callback_data: what we gave with the send.
    """

    message_id: str
    status: str
    recipient_id: str = ""
    recipient_user_id: str = ""
    recipient_type: str = "individual"
    participant_id: str = ""
    callback_data: str = ""
    errors: tuple[ErrorDetail, ...] = ()
    pricing: Pricing | None = None
    conversation: JSON = dataclass_field(default_factory=dict)


def read_status(change: Change, part: JSON) -> Event:
    """One item of `statuses[]`. Statuses of payments and calls share the list but not the meaning."""
    read = _READERS.get(text(part.get("type")))
    return read(change, part) if read else unknown(change, part)


def _read_message_status(change: Change, part: JSON) -> StatusEvent:
    message_id, status = required(part, "id"), required(part, "status")
    recipient = person_for(
        change.value.get("contacts"),
        Person(wa_id=text(part.get("recipient_id")), user_id=text(part.get("recipient_user_id"))),
    )
    participant = text(part.get("recipient_participant_id")) or text(
        part.get("recipient_participant_user_id")
    )
    # The id uses only what this status itself says: contacts come with some deliveries and not with others.
    who = text(part.get("recipient_id")) or text(part.get("recipient_user_id"))
    return StatusEvent(
        event_id=identity("status", message_id, status, who, *([participant] if participant else [])),
        **change.common(part, epoch=part.get("timestamp")),
        message_id=message_id,
        status=status,
        recipient_id=recipient.wa_id,
        recipient_user_id=recipient.user_id,
        recipient_type=text(part.get("recipient_type")) or "individual",
        participant_id=participant,
        callback_data=text(part.get("biz_opaque_callback_data")),
        errors=error_details(part.get("errors")),
        pricing=_pricing(part.get("pricing")),
        conversation=mapping(part.get("conversation")),
    )


def _pricing(value: object) -> Pricing | None:
    raw = mapping(value)
    if not raw:
        return None
    billable = raw.get("billable")
    category = text(raw.get("category"))
    return Pricing(
        model=text(raw.get("pricing_model")),
        type=text(raw.get("type")),
        # Meta spells this one category in two ways.
        category=category.replace("authentication_international", "authentication-international"),
        billable=billable if isinstance(billable, bool) else None,
    )


_READERS: dict[str, Callable[[Change, JSON], Event]] = {
    "": _read_message_status,
    "message": _read_message_status,
    "payment": read_payment_status,
    "call": read_call_status,
}
