"""Groups: made, joined, changed, suspended (Meta's page "groups webhook reference")."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event, read_each
from django_meta_whatsapp.cloud_api.events.errors import ErrorDetail, error_details
from django_meta_whatsapp.cloud_api.events.reading import objects, required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEvent(Event):
    """Something about a group of ours; which of Meta's four fields it came in is in `field`.

    type: `group_create`, `group_participants_add`, `group_suspend` … request_id: of the call of ours that asked for it.
    added, removed: participants, `{"wa_id"}` or `{"user_id"}`. What else belongs to `type` is in `raw`.
    """

    type: str
    group_id: str = ""
    request_id: str = ""
    subject: str = ""
    invite_link: str = ""
    join_approval_mode: str = ""
    added: list[JSON] = dataclass_field(default_factory=list)
    removed: list[JSON] = dataclass_field(default_factory=list)
    errors: tuple[ErrorDetail, ...] = ()


def _read_group(change: Change, part: JSON) -> GroupEvent:
    return GroupEvent(
        event_id=change.hashed_id("group", part),
        **change.common(part, epoch=part.get("timestamp")),
        type=required(part, "type").lower(),
        group_id=text(part.get("group_id")),
        request_id=text(part.get("request_id")),
        subject=text(part.get("subject")),
        invite_link=text(part.get("invite_link")),
        join_approval_mode=text(part.get("join_approval_mode")),
        added=objects(part.get("added_participants")),
        removed=objects(part.get("removed_participants")),
        errors=error_details(part.get("errors")),
    )


def read_groups(change: Change) -> Iterator[Event]:
    """A value of one of the four fields `group_…_update`."""
    yield from read_each(change, "groups", _read_group)
