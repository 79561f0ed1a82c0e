"""What became of the messages that we sent: status events climb the ladder, in bulk.

Every send of ours carries a token that its statuses bring back. It finds the attempt, so a status is applied even when
it is quicker than the answer to the send, and settles the attempt when there never was an answer.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from django.dispatch import Signal

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.error_codes import error_class_of
from django_meta_whatsapp.cloud_api.events import ErrorDetail, StatusEvent
from django_meta_whatsapp.models import ConsentSource, WhatsAppAccount, WhatsAppMessage, WhatsAppWaitingStatus
from django_meta_whatsapp.models.bulk import ladder
from django_meta_whatsapp.models.bulk.ladder import Climb, Rung
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.models.ladder import EVENT_STATES
from django_meta_whatsapp.services import consent, news, tokens, waiting_statuses, webhook_gaps
from django_meta_whatsapp.services.batches import SIZE, batches
from django_meta_whatsapp.services.campaigns import tally
from django_meta_whatsapp.services.consent import Choice
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.transactions import in_transaction

Told = tuple[StatusEvent, Delivery]
"""A status event, and the try to apply the webhook that brought it."""


class _News(NamedTuple):
    """A signal to be sent. key: its message's."""

    signal: Signal
    key: int
    event_id: str
    delivery: Delivery
    arguments: dict[str, str]


@dataclass(slots=True)
class _Found:
    """What was told in one batch by the rows that it is about. messages, recipients: keys to rungs."""

    told: dict[int, list[Told]] = field(default_factory=dict)
    messages: dict[int, list[Rung]] = field(default_factory=dict)
    recipients: dict[int, list[Rung]] = field(default_factory=dict)
    without_attempt: dict[int, list[Rung]] = field(default_factory=dict)
    unmatched: list[Told] = field(default_factory=list)


def apply(account: WhatsAppAccount, told: Sequence[Told]) -> None:
    """Applies the status events of one number. A constant number of queries, one more for each campaign concerned.

    Statuses of messages that have no row are counted as unmatched. They wait for it, unless another system sent them.
    """
    known = [each for each in told if each[0].status in EVENT_STATES]
    unmatched = in_transaction(partial(_apply_or_keep, account, known))
    for event, delivery in unmatched:
        delivery.unmatched += 1
        delivery.foreign += _is_foreign(event)
    if unmatched:
        _look_again(account, unmatched)
    webhook_gaps.note(account.pk, (delivery.time_of(event) for event, delivery in known))
    if len(known) < len(told):
        _tell_of_unknown(account, told)


def _tell_of_unknown(account: WhatsAppAccount, told: Iterable[Told]) -> None:
    """Statuses that Meta has added since are no rungs: the host is told of them."""
    for event, delivery in told:
        if event.status not in EVENT_STATES:
            delivery.unknown += 1
            news.tell(account, [event], delivery)


def apply_waiting(account_id: int, message_ids: Collection[str], **kwargs: object) -> None:
    """Applies what came before these messages had their rows. Takes the arguments of `signals.messages_known`."""
    for batch in batches(list(message_ids)):
        _apply_kept(waiting_statuses.of_messages(account_id, batch), again=False)


def apply_overdue() -> int:
    """Applies what still waits though its message has a row; how many statuses those were."""
    applied = 0
    # Whoever stopped may have stopped before the signals.
    while done := _apply_kept(waiting_statuses.overdue(SIZE), again=True):
        applied += done
    return applied


def _apply_kept(rows: Iterable[WhatsAppWaitingStatus], *, again: bool) -> int:
    """Returns how many were applied. They go when their signals have run: whoever dies before that leaves them to the tick.

    One whose receivers failed stays with what went wrong: nobody else would know.
    """
    by_account: dict[int, list[WhatsAppWaitingStatus]] = {}
    for row in rows:
        by_account.setdefault(row.account_id, []).append(row)
    accounts = WhatsAppAccount.objects.defer("access_token", "app_secret", "verify_token").in_bulk(by_account)
    applied = 0
    for account_id, kept in by_account.items():
        tries = {row: Delivery(row.created_at, again=again) for row in kept}
        told = [(waiting_statuses.event_of(row), delivery) for row, delivery in tries.items()]
        unmatched = in_transaction(partial(_apply, accounts[account_id], told))
        left = {event.message_id for event, _ in unmatched}
        done = [row for row in kept if row.message_id not in left]
        failed = {row: "\n".join(tries[row].receivers) for row in done if tries[row].receivers}
        waiting_statuses.keep_failures(failed)
        waiting_statuses.forget(row for row in done if row not in failed)
        applied += len(done)
    return applied


def _look_again(account: WhatsAppAccount, unmatched: Sequence[Told]) -> None:
    """A row may have come at the same moment, from somebody who did not see these statuses."""
    known = ladder.message_keys(account.pk, {event.message_id for event, _ in unmatched})
    if known:
        apply_waiting(account.pk, known)


def _is_foreign(event: StatusEvent) -> bool:
    return event.callback_data != "" and not tokens.is_ours(event.callback_data)


def _apply_or_keep(account: WhatsAppAccount, told: Sequence[Told]) -> list[Told]:
    unmatched = _apply(account, told)
    waiting_statuses.keep(
        account, [(event, _rung(event, delivery)) for event, delivery in unmatched if not _is_foreign(event)]
    )
    return unmatched


def _apply(account: WhatsAppAccount, told: Sequence[Told]) -> list[Told]:
    """Returns those whose message has no row."""
    found = _find(account, told)
    tally.apply(ladder.climb_recipients(found.recipients, found.without_attempt))
    climbs = ladder.climb_messages(found.messages)
    _note_stopped_marketing(account, found)
    _announce(climbs, found)
    return found.unmatched


def _find(account: WhatsAppAccount, told: Sequence[Told]) -> _Found:
    """Finds the rows, and settles the attempts among them."""
    ours = {event.callback_data for event, _ in told if tokens.is_ours(event.callback_data)}
    attempts = ladder.attempts_by_token(account.pk, ours)
    strays = {event.message_id for event, _ in told if event.callback_data not in attempts}
    keys = ladder.message_keys(account.pk, strays) if strays else {}
    found = _Found()
    unsettled: dict[int, list[Rung]] = {}
    for event, delivery in told:
        rung = _rung(event, delivery)
        attempt = attempts.get(event.callback_data)
        if attempt is not None and not attempt.settled:
            unsettled.setdefault(attempt.key, []).append(rung)
        if attempt is not None and attempt.recipient_key is not None:
            found.recipients.setdefault(attempt.recipient_key, []).append(rung)
        key = attempt.message_key if attempt else keys.get(event.message_id)
        if key is not None:
            found.messages.setdefault(key, []).append(rung)
            found.told.setdefault(key, []).append((event, delivery))
        if attempt is None and key is not None:
            found.without_attempt.setdefault(key, []).append(rung)
        if attempt is None and key is None:
            found.unmatched.append((event, delivery))
    ladder.accept(unsettled)
    return found


def _rung(event: StatusEvent, delivery: Delivery) -> Rung:
    error = event.errors[0] if event.errors else None
    return Rung(
        message_id=event.message_id,
        status=event.status,
        at=delivery.time_of(event),
        error_code=error.code if error else None,
        error_class=error_class_of(error.code) if error and error.code is not None else "",
        error_message=_told(error) if error else "",
        pricing=_pricing(event),
    )


def _pricing(event: StatusEvent) -> JSON | None:
    price = event.pricing
    if price is None:
        return None
    return {
        "status": event.status,
        "pricing_model": price.model,
        "type": price.type,
        "category": price.category,
        "billable": price.billable,
    }


def _told(error: ErrorDetail) -> str:
    return ": ".join(part for part in (error.title, error.details) if part)


def _note_stopped_marketing(account: WhatsAppAccount, found: _Found) -> None:
    stops = [
        (key, event, delivery)
        for key, told in found.told.items()
        for event, delivery in told
        if any(error.code == consent.MARKETING_STOPPED for error in event.errors)
    ]
    if not stops:
        return
    keys = {key for key, _, _ in stops}
    contacts = dict(
        WhatsAppMessage.objects.filter(among("pk", keys)).values_list("pk", "conversation__contact_id")
    )
    by_webhook: dict[int, tuple[Delivery, list[Choice]]] = {}
    for key, event, delivery in stops:
        choice = Choice(
            contacts[key],
            True,
            delivery.time_of(event),
            event.event_id,
            ConsentSource.ERROR,
            text=str(consent.MARKETING_STOPPED),
            message_key=key,
        )
        by_webhook.setdefault(id(delivery), (delivery, []))[1].append(choice)
    for delivery, choices in by_webhook.values():
        consent.note(account, choices, delivery)


def _announce(climbs: Iterable[Climb], found: _Found) -> None:
    """Signals what climbed, and reads the messages only when somebody listens."""
    news = [each for climb in climbs for each in _news(climb, found.told[climb.key])]
    news = [each for each in news if each.signal.has_listeners(WhatsAppMessage)]
    messages = WhatsAppMessage.objects.in_bulk({each.key for each in news}) if news else {}
    for each in news:
        each.delivery.announce(
            each.signal, WhatsAppMessage, each.event_id, message=messages[each.key], **each.arguments
        )


def _news(climb: Climb, told: Sequence[Told]) -> Iterator[_News]:
    # An earlier try may have stopped before the signals of its own events: they come whatever the row says by now.
    again = {each[0].event_id: each for each in told if each[1].again}
    if climb.newly_accepted or again:
        # The answer to the send may never come; if it does, this signal comes twice.
        yield _News(signals.whatsapp_message_sent, climb.key, f"sent:{climb.message_id}", told[0][1], {})
    for event, delivery in again.values():
        yield _changed(climb.key, event, delivery)
    if climb.status == climb.before:
        return
    for event, delivery in told:
        if event.status == climb.status and event.event_id not in again:
            yield _changed(climb.key, event, delivery)
            return


def _changed(key: int, event: StatusEvent, delivery: Delivery) -> _News:
    told = {"status": event.status}
    return _News(signals.whatsapp_message_status_changed, key, event.event_id, delivery, told)
