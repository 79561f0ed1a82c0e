"""Inbound messages, and echoes of those written in the business app (Meta's page "messages webhooks")."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event, read_each
from django_meta_whatsapp.cloud_api.events.errors import (
    ErrorDetail,
    SystemErrorEvent,
    error_detail,
    error_details,
)
from django_meta_whatsapp.cloud_api.events.people import Person, person_for
from django_meta_whatsapp.cloud_api.events.reading import (
    digest,
    identity,
    mapping,
    required,
    text,
)
from django_meta_whatsapp.cloud_api.events.statuses import read_status
from django_meta_whatsapp.cloud_api.summaries import describe

REVISIONS = ("edit", "revoke")
"""Types of what changes another message, or takes it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent(Event):
    """A message from a user.

    sender: the wa_id, digits without `+`; empty for a user known only by `sender_user_id`.
    type: Meta's name (`text`, `image`, `interactive`, `system`, `unsupported` …).
    content: what is under that name: an object, or for contacts a list.
    text: one line for a chat list. context_id: the message that this one answers, edits or takes back.
    """

    message_id: str
    type: str
    content: Any = dataclass_field(default_factory=dict)
    text: str = ""
    sender: str = ""
    sender_user_id: str = ""
    sender_parent_user_id: str = ""
    profile_name: str = ""
    username: str = ""
    group_id: str = ""
    context_id: str = ""
    forwarded: bool = False
    context: JSON = dataclass_field(default_factory=dict)
    referral: JSON = dataclass_field(default_factory=dict)
    errors: tuple[ErrorDetail, ...] = ()

    @property
    def sender_name(self) -> str:
        """What to call the sender: the name of the profile, else the username."""
        return self.profile_name or self.username

    @property
    def media(self) -> JSON:
        """`{"id", "mime_type", "sha256", …}` of a message that carries a file, else an empty object."""
        return self.content if isinstance(self.content, dict) and "mime_type" in self.content else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoEvent(MessageEvent):
    """A message that the business sent from its own WhatsApp Business app; `sender` is the business."""

    recipient: str = ""
    recipient_user_id: str = ""


def _content(message: JSON, type_: str) -> Any:
    content = message.get(type_)
    return content if isinstance(content, dict | list) else {}


def _revised_id(type_: str, content: Any) -> str:
    return text(mapping(content).get("original_message_id")) if type_ in REVISIONS else ""


def message_values(change: Change, message: JSON, kind: str, person: Person) -> dict[str, Any]:
    """The keyword arguments of a MessageEvent whose event id begins with `kind` and whose sender is `person`."""
    message_id = required(message, "id")
    type_ = text(message.get("type")) or "unknown"
    content = _content(message, type_)
    context = mapping(message.get("context"))
    return {
        "event_id": identity(kind, message_id),
        **change.common(message, epoch=message.get("timestamp")),
        "message_id": message_id,
        "type": type_,
        "content": content,
        "text": describe(type_, content),
        "sender": person.wa_id,
        "sender_user_id": person.user_id,
        "sender_parent_user_id": person.parent_user_id,
        "profile_name": person.name,
        "username": person.username,
        "group_id": text(message.get("group_id")),
        "context_id": text(context.get("id")) or _revised_id(type_, content),
        "forwarded": context.get("forwarded") is True or context.get("frequently_forwarded") is True,
        "context": context,
        "referral": mapping(message.get("referral")),
        "errors": error_details(message.get("errors")),
    }


def _former_id(part: JSON) -> str:
    """Who somebody was before the change of number or id that a system message tells of."""
    return text(mapping(part.get("system")).get("previous_user_id"))


def _read_message(change: Change, part: JSON) -> MessageEvent:
    person = person_for(
        change.value.get("contacts"),
        Person(
            wa_id=text(part.get("from")),
            user_id=_former_id(part) or text(part.get("from_user_id")),
            parent_user_id=text(part.get("from_parent_user_id")),
        ),
    )
    return MessageEvent(**message_values(change, part, "message", person))


def _read_echo(change: Change, part: JSON) -> EchoEvent:
    business = Person(wa_id=text(part.get("from")))
    return EchoEvent(
        **message_values(change, part, "echo", business),
        recipient=text(part.get("to")),
        recipient_user_id=text(part.get("to_user_id")),
    )


def _system_error_reader(change: Change) -> Callable[[Change, JSON], SystemErrorEvent]:
    # An error says neither when nor about what: only what stands beside it tells two of the same kind apart. Two
    # that come alone, for one number and with the same words, cannot be told from one that is delivered twice.
    beside = digest(change.value)

    def read(change: Change, part: JSON) -> SystemErrorEvent:
        event_id = change.hashed_id("error", [beside, part])
        return SystemErrorEvent(event_id=event_id, **change.common(part), error=error_detail(part))

    return read


def read_messages(change: Change) -> Iterator[Event]:
    """Everything in a value of the field `messages`: messages, statuses and errors may come together."""
    yield from read_each(change, "messages", _read_message)
    yield from read_each(change, "statuses", read_status)
    if change.value.get("errors"):
        yield from read_each(change, "errors", _system_error_reader(change))


def read_echoes(change: Change) -> Iterator[Event]:
    """The messages of the field `smb_message_echoes`."""
    yield from read_each(change, "message_echoes", _read_echo)
