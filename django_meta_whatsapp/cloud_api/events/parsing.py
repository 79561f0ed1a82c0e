"""From a webhook body to events. A new field is one more row in `READERS`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from django_meta_whatsapp.cloud_api.events import (
    accounts,
    business,
    calls,
    coexistence,
    flows,
    groups,
    messages,
    payments,
    preferences,
    templates,
)
from django_meta_whatsapp.cloud_api.events.base import Change, Event, unknown, unreadable
from django_meta_whatsapp.cloud_api.events.reading import (
    MalformedPartError,
    mapping,
    required_object,
    storable,
    text,
)

MOST = 20_000
"""Parts of one body that are read. Meta's have 1,000 at most, those of shared history a few thousand: a whole message takes more
than a 20,000th of the 3 MB that a body may have.
"""

Reader = Callable[[Change], Iterable[Event]]

READERS: dict[str, Reader] = {
    "messages": messages.read_messages,
    "smb_message_echoes": messages.read_echoes,
    "smb_app_state_sync": coexistence.read_app_state,
    "history": coexistence.read_history,
    "calls": calls.read_calls,
    "user_preferences": preferences.read_preferences,
    "message_template_status_update": templates.read_template_status,
    "message_template_quality_update": templates.read_template_quality,
    "message_template_components_update": templates.read_template_components,
    "template_category_update": templates.read_template_category,
    "phone_number_quality_update": accounts.read_phone_quality,
    "phone_number_name_update": accounts.read_phone_name,
    "security": accounts.read_security,
    "account_update": accounts.read_account_update,
    "account_review_update": accounts.read_account_review,
    "account_alerts": accounts.read_account_alert,
    "business_capability_update": accounts.read_business_capability,
    "business_username_update": business.read_username,
    "partner_solutions": business.read_partner_solution,
    "payment_configuration_update": payments.read_payment_configuration,
    "flows": flows.read_flow,
    "group_lifecycle_update": groups.read_groups,
    "group_participants_update": groups.read_groups,
    "group_settings_update": groups.read_groups,
    "group_status_update": groups.read_groups,
}


def parse(body: object) -> list[Event]:
    """The events of a webhook body, in its order.

    Never raises: what is not known becomes `UnknownEvent`, what cannot be read `Unreadable`, and neither keeps the
    parts beside it from being read. All texts can be stored in any database (see `reading.storable`).
    Of a body with more than MOST parts the first are read, and an `Unreadable` before them says that there are more.
    """
    if not isinstance(body, dict):
        return [_lost(body, "the body is not an object")]
    entries = body.get("entry")
    if not isinstance(entries, list) or not entries:
        return [_lost(body, "the body has no entries")]
    events = list(islice(chain.from_iterable(map(_entry_events, entries)), MOST + 1))
    if len(events) > MOST:
        told = _lost({}, f"the body has more than {MOST} parts; those after them are not read")
        return [told, *events[:MOST]]
    return events


def _entry_events(entry: object) -> Iterator[Event]:
    changes = entry.get("changes") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(changes, list):
        yield _lost(entry, "an entry has no changes")
        return
    entry_id, time = text(storable(entry.get("id"))), storable(entry.get("time"))
    for change in changes:
        yield from _change_events(entry_id, time, storable(change))


def _change_events(entry_id: str, time: Any, part: object) -> list[Event]:
    raw = mapping(part)
    change = Change(entry_id, time, text(raw.get("field")), mapping(raw.get("value")))
    reader = READERS.get(change.field)
    try:
        required_object(raw.get("value"))
        events = list(islice(reader(change), MOST + 1)) if reader else []
    except MalformedPartError as error:
        return [unreadable(change, part, str(error))]
    # A value in which the reader found nothing is as unknown as a field without a reader.
    return events or [unknown(change, change.value)]


def _lost(part: object, reason: str) -> Event:
    """The event for a part so broken that it belongs to no account."""
    return unreadable(Change("", None, "", {}), storable(part), reason)
