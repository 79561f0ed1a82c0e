"""Calls: offered, answered, ended (Meta's page "calls webhook reference")."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event, read_each
from django_meta_whatsapp.cloud_api.events.errors import ErrorDetail, error_details
from django_meta_whatsapp.cloud_api.events.people import Person, person_for
from django_meta_whatsapp.cloud_api.events.reading import identity, mapping, moment, required, text

BY_USER = "USER_INITIATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent(Event):
    """A call begins (`connect`) or is over (`terminate`).

    direction: `USER_INITIATED` or `BUSINESS_INITIATED`. user, user_id: the person, whoever called.
    session: `{"sdp_type", "sdp"}` of a call that begins. status: `COMPLETED` or `FAILED`, duration in seconds,
    of one that is over.
    """

    call_id: str
    event: str
    direction: str = ""
    user: str = ""
    user_id: str = ""
    profile_name: str = ""
    session: JSON = dataclass_field(default_factory=dict)
    status: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    callback_data: str = ""
    errors: tuple[ErrorDetail, ...] = ()

    @property
    def is_by_user(self) -> bool:
        """Whether the person called us."""
        return self.direction == BY_USER


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStatusEvent(Event):
    """What becomes of a call that we make: `RINGING`, `ACCEPTED` or `REJECTED`."""

    call_id: str
    status: str
    recipient_id: str = ""
    recipient_user_id: str = ""
    callback_data: str = ""


def _read_call(change: Change, part: JSON) -> CallEvent:
    call_id, event = required(part, "id"), required(part, "event").lower()
    direction = text(part.get("direction")).upper()
    side = "from" if direction == BY_USER else "to"
    known = Person(wa_id=text(part.get(side)), user_id=text(part.get(f"{side}_user_id")))
    person = person_for(change.value.get("contacts"), known)
    duration = text(part.get("duration"))
    return CallEvent(
        event_id=identity("call", call_id, event),
        **change.common(part, epoch=part.get("timestamp")),
        call_id=call_id,
        event=event,
        direction=direction,
        user=person.wa_id,
        user_id=person.user_id,
        profile_name=person.name,
        session=mapping(part.get("session")),
        status=text(part.get("status")).upper(),
        started_at=moment(part.get("start_time")),
        ended_at=moment(part.get("end_time")),
        duration=int(duration)
        if duration.isascii() and duration.isdecimal() and len(duration) < 10
        else None,
        callback_data=text(part.get("biz_opaque_callback_data")),
        errors=error_details(part.get("errors")),
    )


def read_call_status(change: Change, part: JSON) -> CallStatusEvent:
    """One item of `statuses[]` that is about a call."""
    call_id, status = required(part, "id"), required(part, "status").upper()
    return CallStatusEvent(
        event_id=identity("call_status", call_id, status),
        **change.common(part, epoch=part.get("timestamp")),
        call_id=call_id,
        status=status,
        recipient_id=text(part.get("recipient_id")),
        recipient_user_id=text(part.get("recipient_user_id")),
        callback_data=text(part.get("biz_opaque_callback_data")),
    )


def read_calls(change: Change) -> Iterator[Event]:
    """Everything in a value of the field `calls`."""
    yield from read_each(change, "calls", _read_call)
    yield from read_each(change, "statuses", read_call_status)
