"""From a webhook's events to the services that apply them. Who handles what is one table, `HANDLERS`."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError

from django_meta_whatsapp.cloud_api import events as kinds
from django_meta_whatsapp.cloud_api.events import Event
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.services import (
    account_news,
    calls,
    echoes,
    flow_news,
    history,
    inbox,
    news,
    preferences,
    statuses,
    template_news,
    unrouted,
)
from django_meta_whatsapp.services.batches import SIZE, batches, together
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.routing import KnownAccounts, Routes
from django_meta_whatsapp.services.signatures import Signature

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook to be applied. body: decoded JSON; delivery: what becomes of it."""

    body: object
    proof: Signature
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Handler:
    """apply(account or business, events, delivery) applies events of one kind. It is given SIZE of them at most, and must
    leave everything as it was when it raises, and change nothing when it gets the same events again.

    of_business: whether the events are those of a whole WhatsApp business account instead of one number.
    of_accounts: whether they change the rows of its numbers, so that they wait until there is one.
    together: whether it takes the events of several webhooks at once, and more of them (`batches.together`), as
    apply(account or business, told), each told a pair of an event and its delivery.
    """

    apply: Callable[..., None]
    of_business: bool = False
    of_accounts: bool = False
    together: bool = False


HANDLERS: dict[type[Event], Handler] = {
    kinds.MessageEvent: Handler(inbox.receive),
    kinds.StatusEvent: Handler(statuses.apply, together=True),
    kinds.UserPreferenceEvent: Handler(preferences.apply),
    kinds.TemplateStatusEvent: Handler(template_news.apply_status, of_business=True),
    kinds.TemplateQualityEvent: Handler(template_news.apply_quality, of_business=True),
    kinds.TemplateCategoryEvent: Handler(template_news.apply_category, of_business=True),
    kinds.TemplateComponentsEvent: Handler(template_news.apply_components, of_business=True),
    kinds.PhoneQualityEvent: Handler(account_news.apply_phone_quality, of_business=True, of_accounts=True),
    kinds.PhoneNameEvent: Handler(account_news.apply_phone_name, of_business=True, of_accounts=True),
    kinds.BusinessCapabilityEvent: Handler(account_news.apply_capability, of_business=True, of_accounts=True),
    kinds.AccountUpdateEvent: Handler(account_news.apply_account_update, of_business=True, of_accounts=True),
    kinds.FlowStatusEvent: Handler(flow_news.apply_status, of_business=True),
    kinds.EchoEvent: Handler(echoes.receive),
    kinds.HistoryMessageEvent: Handler(history.receive),
    kinds.CallEvent: Handler(calls.apply),
}
_FOR_NOBODY = "It names neither a number nor a business account that there can be."
OF_NUMBER, OF_BUSINESS = Handler(news.tell), Handler(news.tell, of_business=True)
"""All that has no rows: the host is told."""


Told = tuple[Event, Delivery]
_Groups = dict[tuple[int, ...], tuple[Handler, Any, list[Told]]]


def deliver(webhooks: Sequence[Webhook]) -> None:
    """Applies all events of webhooks. What became of them is in each one's `delivery`.

    Events that fail do so alone; only trouble with the database as such is raised.
    """
    parsed = [(webhook, kinds.parse(webhook.body)) for webhook in webhooks]
    known = KnownAccounts.of_events((event for _, events in parsed for event in events), _is_of_business)
    groups: _Groups = {}
    for webhook, events in parsed:
        webhook.delivery.events = len(events)
        _sort(events, Routes(known, webhook.proof), webhook.delivery, groups)
    for handler, target, told in groups.values():
        for batch in batches(told, together() if handler.together else SIZE):
            _apply(handler, target, batch)


def _is_of_business(kind: type[Event]) -> bool:
    handler = HANDLERS.get(kind)
    return handler is not None and handler.of_business


def _sort(events: Sequence[Event], routes: Routes, delivery: Delivery, groups: _Groups) -> None:
    """Puts events of one kind for one target together, in the order in which Meta gave them."""
    for event in events:
        if isinstance(event, kinds.Unreadable):
            if delivery.only is None:
                delivery.unreadable.append(event.reason)
            continue
        handler = HANDLERS.get(type(event)) or (OF_NUMBER if event.phone_number_id else OF_BUSINESS)
        named = event.entry_id if handler.of_business else event.phone_number_id or event.entry_id
        if delivery.only is not None and named not in delivery.only:
            continue
        delivery.unknown += isinstance(event, kinds.UnknownEvent)
        target = _target(handler, event, routes)
        if target is None:
            delivery.unrouted += 1
            if unrouted.waits([named]):
                delivery.unrouted_to[named] = routes.digest(named)
            else:
                delivery.unreadable.append(f"{event.event_id}: {_FOR_NOBODY}")
            continue
        key = (id(handler), id(target), 0 if handler.together else id(delivery))
        groups.setdefault(key, (handler, target, []))[2].append((event, delivery))


def _target(handler: Handler, event: Event, routes: Routes) -> Any:
    if not handler.of_business:
        return routes.account(event)
    business = routes.business(event)
    return business if business.accounts or (business.of_settings and not handler.of_accounts) else None


def _apply(handler: Handler, target: Any, told: Sequence[Told]) -> None:
    event, delivery = told[0]
    delivery.on_progress()
    try:
        if handler.together:
            handler.apply(target, told)
        else:
            handler.apply(target, [event for event, _ in told], delivery)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(told) > 1:
            # One of them is bad: the others are applied without it.
            middle = len(told) // 2
            for part in (told[:middle], told[middle:]):
                _apply(handler, target, part)
            return
        if isinstance(error, InvalidInput):
            # It will never say anything else.
            delivery.unreadable.append(f"{event.event_id}: {error}")
            return
        logger.exception("The event %s could not be applied", event.event_id)
        delivery.failures.append(f"{event.event_id}: {error!r}")
