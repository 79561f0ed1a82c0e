"""Numbers that are used in the WhatsApp Business app as well: older messages and the app's address book.

What is written in the app afterwards comes as `EchoEvent` (Meta's pages "history" and "smb_app_state_sync").
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event, read_each, unreadable
from django_meta_whatsapp.cloud_api.events.errors import ErrorDetail, error_details
from django_meta_whatsapp.cloud_api.events.messages import MessageEvent, message_values
from django_meta_whatsapp.cloud_api.events.people import Person, person_for
from django_meta_whatsapp.cloud_api.events.reading import (
    MalformedPartError,
    mapping,
    required,
    required_object,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMessageEvent(MessageEvent):
    """A message from before the number came to the API. `sender` is always the person, also of what we wrote.

    is_ours: whether the business wrote it. status: `SENT`, `DELIVERED`, `READ`, `PLAYED`, `PENDING` or `ERROR`.
    """

    is_ours: bool
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryProgressEvent(Event):
    """How far Meta is with the history. phase: 0 to 2; progress: percent; errors: when the business does not share it."""

    phase: str = ""
    chunk_order: str = ""
    progress: str = ""
    errors: tuple[ErrorDetail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContactEvent(Event):
    """Somebody was added to, changed in (`add`) or removed from (`remove`) the app's address book."""

    action: str
    phone_number: str
    full_name: str = ""
    first_name: str = ""


def read_history(change: Change) -> Iterator[Event]:
    """A value of the field `history`: chunks of threads, or messages by themselves, whose files come afterwards."""
    chunks = change.value.get("history")
    for chunk in chunks if isinstance(chunks, list) else []:
        try:
            yield from _read_chunk(change, required_object(chunk))
        except MalformedPartError as error:
            yield unreadable(change, chunk, str(error))
    yield from read_each(change, "messages", _read_alone)


def _read_alone(change: Change, part: JSON) -> HistoryMessageEvent:
    """A message outside of a thread: the person is who it is from, or who it is for."""
    is_ours = bool(text(part.get("to")) or text(part.get("to_user_id")))
    names = ("to", "to_user_id") if is_ours else ("from", "from_user_id")
    wa_id, user_id = (text(part.get(name)) for name in names)
    person = person_for(change.value.get("contacts"), Person(wa_id=wa_id, user_id=user_id))
    return _message(change, part, person, is_ours)


def _message(change: Change, part: JSON, person: Person, is_ours: bool) -> HistoryMessageEvent:
    return HistoryMessageEvent(
        **message_values(change, part, "history", person),
        is_ours=is_ours,
        status=text(mapping(part.get("history_context")).get("status")).upper(),
    )


def _read_chunk(change: Change, chunk: JSON) -> Iterator[Event]:
    threads = chunk.get("threads")
    for thread in threads if isinstance(threads, list) else []:
        yield from _read_thread(change, mapping(thread))
    about = {key: value for key, value in chunk.items() if key != "threads"}
    progress = mapping(chunk.get("metadata"))
    yield HistoryProgressEvent(
        event_id=change.hashed_id("history_progress", about),
        **change.common(about),
        phase=text(progress.get("phase")),
        chunk_order=text(progress.get("chunk_order")),
        progress=text(progress.get("progress")),
        errors=error_details(chunk.get("errors")),
    )


def _read_thread(change: Change, thread: JSON) -> Iterator[Event]:
    if not thread.get("messages"):
        return
    context = mapping(thread.get("context"))
    known = Person(
        wa_id=text(thread.get("id")) or text(context.get("wa_id")), user_id=text(context.get("user_id"))
    )
    person = person_for(change.value.get("contacts"), known) if known.wa_id or known.user_id else known

    def read(change: Change, part: JSON) -> HistoryMessageEvent:
        theirs = text(part.get("from")) == person.wa_id if person.wa_id else "from_user_id" in part
        return _message(change, part, person, not theirs)

    yield from read_each(change, "messages", read, within=thread)


def _read_app_contact(change: Change, part: JSON) -> AppContactEvent:
    contact, metadata = mapping(part.get("contact")), mapping(part.get("metadata"))
    return AppContactEvent(
        event_id=change.hashed_id("app_contact", part),
        **change.common(part, epoch=metadata.get("timestamp")),
        action=required(part, "action").lower(),
        phone_number=required(contact, "phone_number"),
        full_name=text(contact.get("full_name")),
        first_name=text(contact.get("first_name")),
    )


def read_app_state(change: Change) -> Iterator[Event]:
    """A value of the field `smb_app_state_sync`."""
    yield from read_each(change, "state_sync", _read_app_contact)
