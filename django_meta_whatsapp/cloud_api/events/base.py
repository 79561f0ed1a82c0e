"""The events that webhooks bring. Each keeps the raw part that it was read from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.reading import (
    MalformedPartError,
    digest,
    mapping,
    moment,
    required_object,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at Meta.

    event_id: the same for each delivery of the same event (at most 200 characters): dedupe by it.
    entry_id: the WhatsApp business account's id. field: the webhook field it came in.
    phone_number_id: the business number, empty for events of the whole account.
    timestamp: aware UTC, None when Meta gave none or an impossible one.
    """

    event_id: str
    entry_id: str = ""
    field: str = ""
    phone_number_id: str = ""
    display_phone_number: str = ""
    timestamp: datetime | None = None
    raw: JSON = dataclass_field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """A field, or a value in it, that we do not know. `raw` holds the whole value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Event):
    """A part that lacks what it cannot do without. Parts beside it are read all the same."""

    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One `changes[]` item of a webhook body: what all events in it have in common."""

    entry_id: str
    entry_time: Any
    field: str
    value: JSON

    def common(self, raw: JSON, *, epoch: Any = None) -> dict[str, Any]:
        """The keyword arguments that all events of this change share. epoch: the event's time, else the entry's."""
        metadata = mapping(self.value.get("metadata"))
        return {
            "entry_id": self.entry_id,
            "field": self.field,
            "phone_number_id": self.phone_number_id,
            "display_phone_number": text(
                metadata.get("display_phone_number") or self.value.get("display_phone_number")
            ),
            "timestamp": moment(self.entry_time if epoch is None else epoch),
            "raw": raw,
        }

    @property
    def phone_number_id(self) -> str:
        """The business number that the change is about, or nothing."""
        return text(mapping(self.value.get("metadata")).get("phone_number_id"))

    def hashed_id(self, kind: str, part: Any) -> str:
        """The id of an event that has none at Meta: a hash of where, when and what."""
        return f"{kind}:{digest(self.entry_id, self.entry_time, self.field, self.phone_number_id, part)}"

    def whole(self, kind: str) -> dict[str, Any]:
        """The keyword arguments of an event that is the whole change."""
        return {"event_id": self.hashed_id(kind, self.value), **self.common(self.value)}


def unknown(change: Change, raw: JSON) -> UnknownEvent:
    """The event for `raw`, which we do not know how to read."""
    return UnknownEvent(event_id=change.hashed_id("unknown", raw), **change.common(raw))


def unreadable(change: Change, part: Any, reason: str) -> Unreadable:
    """The event for a part that cannot be read."""
    raw = part if isinstance(part, dict) else {"part": part}
    return Unreadable(event_id=change.hashed_id("unreadable", part), **change.common(raw), reason=reason)


def read_each(
    change: Change, key: str, read: Callable[[Change, JSON], Event], *, within: JSON | None = None
) -> Iterator[Event]:
    """One event for each part of the list under `key` of the change's value, or of the object `within`.

    A part that cannot be read becomes `Unreadable`.
    """
    parts = (change.value if within is None else within).get(key)
    if parts is None:
        return
    for part in parts if isinstance(parts, list) else [parts]:
        try:
            yield read(change, required_object(part))
        except MalformedPartError as error:
            yield unreadable(change, part, str(error))
