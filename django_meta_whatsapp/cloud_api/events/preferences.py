"""Users who stop or resume marketing messages, or sign up (Meta's page "user_preferences webhook reference")."""

from collections.abc import Iterator
from dataclasses import dataclass

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event, read_each
from django_meta_whatsapp.cloud_api.events.people import Person, person_for
from django_meta_whatsapp.cloud_api.events.reading import required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPreferenceEvent(Event):
    """A user chose what they want to get.

    value: `stop`, `resume`, or `signup` with a `signup_id`. category: `marketing_messages`.
    """

    value: str
    wa_id: str = ""
    user_id: str = ""
    profile_name: str = ""
    category: str = ""
    detail: str = ""
    signup_id: str = ""


def _read_preference(change: Change, part: JSON) -> UserPreferenceEvent:
    known = Person(wa_id=text(part.get("wa_id")), user_id=text(part.get("user_id")))
    person = person_for(change.value.get("contacts"), known)
    common = change.common(part, epoch=part.get("timestamp"))
    return UserPreferenceEvent(
        event_id=change.hashed_id("preference", part),
        **common,
        value=required(part, "value").lower(),
        wa_id=person.wa_id,
        user_id=person.user_id,
        profile_name=person.name,
        category=text(part.get("category")),
        detail=text(part.get("detail")),
        signup_id=text(part.get("signup_id")),
    )


def read_preferences(change: Change) -> Iterator[Event]:
    """The choices of the field `user_preferences`."""
    yield from read_each(change, "user_preferences", _read_preference)
