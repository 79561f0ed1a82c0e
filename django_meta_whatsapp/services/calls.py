"""Calls. Who calls us may be answered like somebody who writes to us."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django_meta_whatsapp.cloud_api.events import CallEvent
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import contacts, news, windows
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.people import key_of, person_named
from django_meta_whatsapp.services.transactions import in_transaction


def apply(account: WhatsAppAccount, events: Sequence[CallEvent], delivery: Delivery) -> None:
    """Opens the 24 hours for people who call, and tells of every call. Raises InvalidInput for a caller without a name."""
    people = {
        event.event_id: person_named(event.user, event.user_id, event.profile_name)
        for event in events
        if event.is_by_user and event.event == "connect"
    }
    found = contacts.ensure(list(people.values()), portfolio_id=account.portfolio_id)
    newest: dict[int, datetime] = {}
    for event in events:
        if event.event_id in people:
            caller = found[key_of(people[event.event_id], account)].pk
            at = delivery.time_of(event)
            newest[caller] = max(newest.get(caller, at), at)
    if newest:
        in_transaction(partial(windows.extend, account, newest))
    news.tell(account, events, delivery)
