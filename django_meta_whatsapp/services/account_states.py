"""Whether Meta lets a number send: what it tells gives the same state in whatever order it comes.

The state is that of the newest ban, reinstatement, departure or return. What Meta has told beside it since is kept in the
account's `notices`, of each kind what was told last: restrictions, of which each has its own end, and bans to come. A number
that is banned or gone is not restricted on top, so the end of a restriction gives it nothing back.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from django_meta_whatsapp.cloud_api.events import AccountUpdateEvent
from django_meta_whatsapp.cloud_api.events.reading import moment
from django_meta_whatsapp.models import AccountState, WhatsAppAccount
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.news import heard_at, is_news, second_of
from django_meta_whatsapp.services.transactions import in_transaction

_FIELDS = ["state", "state_reason", "restricted_until", "notices"]
_STOPS_MESSAGES = (
    "RESTRICTED_BIZ_INITIATED_MESSAGING",
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
)
_BAN_TO_COME = "SCHEDULE_FOR_DISABLE"
_STATES: dict[str, tuple[AccountState, str]] = {
    "ACCOUNT_DELETED": (AccountState.DISCONNECTED, "The account was deleted at Meta."),
    "ACCOUNT_OFFBOARDED": (AccountState.DISCONNECTED, "The account was offboarded at Meta."),
    "ACCOUNT_RECONNECTED": (AccountState.CONNECTED, ""),
}
_SEVERITY = {AccountState.CONNECTED: 0, AccountState.DISABLED: 1, AccountState.DISCONNECTED: 2}

Notice = dict[str, str]
"""at, kind, until: when it was told, Meta's name of it, and when it ends (a restriction; empty: when Meta says so) or begins (a
ban, in Meta's words). A restriction whose end has come is kept with a further key, `over`: what was told before it is over too.
"""


def note(event: AccountUpdateEvent, delivery: Delivery, row: WhatsAppAccount) -> list[str]:
    """What an event says of the state of a locked account. Returns the columns that it has set: none when it says nothing new."""
    state = _state_of(event)
    if state is not None:
        if not is_news(row, "state", event, delivery, _SEVERITY[state[0]]):
            return []
        (row.state, row.state_reason), row.restricted_until = state, None
        row.notices = list(_since_the_state(row, row.notices))
    else:
        told = _last_of_each_kind(_since_the_state(row, [*row.notices, *_notices(event, delivery)]))
        if told == row.notices:
            return []
        row.notices = told
    _show_notices(row)
    return _FIELDS


def lift_expired_restrictions() -> int:
    """Restrictions whose time is over end without a word from Meta. Returns how many accounts had them."""
    over = WhatsAppAccount.objects.filter(state=AccountState.RESTRICTED, restricted_until__lte=clock.now())
    return in_transaction(lambda: _lift(over)) if over.exists() else 0


def _lift(over: QuerySet[WhatsAppAccount]) -> int:
    rows = list(locked(over.defer("access_token", "verify_token", "app_secret").order_by("pk")))
    for row in rows:
        row.state, row.state_reason, row.restricted_until = AccountState.CONNECTED, "", None
        row.notices = [
            {**each, "over": "yes"} if each["kind"] in _STOPS_MESSAGES else each for each in row.notices
        ]
        _show_notices(row)
        row.save(update_fields=[*_FIELDS, "updated_at"])
    return len(rows)


def _state_of(event: AccountUpdateEvent) -> tuple[AccountState, str] | None:
    """The state that an event brings, and its reason; None when it brings none."""
    if event.event != "DISABLED_UPDATE":
        return _STATES.get(event.event)
    if event.ban_state == "REINSTATE":
        return AccountState.CONNECTED, ""
    if event.ban_state == "DISABLE":
        reason = f"Disabled by Meta on {event.ban_date}." if event.ban_date else "Disabled by Meta."
        return AccountState.DISABLED, reason[:255]
    return None


def _notices(event: AccountUpdateEvent, delivery: Delivery) -> Iterator[Notice]:
    at = second_of(delivery.time_of(event))
    if event.event == "DISABLED_UPDATE" and event.ban_state == _BAN_TO_COME:
        yield {"at": at, "kind": _BAN_TO_COME, "until": event.ban_date[:100]}
    if event.event == "ACCOUNT_RESTRICTION":
        for each in event.restrictions:
            if each.get("restriction_type") in _STOPS_MESSAGES:
                end = moment(each.get("expiration"))
                yield {"at": at, "kind": each["restriction_type"], "until": end.isoformat() if end else ""}


def _since_the_state(row: WhatsAppAccount, notices: list[Any]) -> Iterator[Notice]:
    """A ban, a return … outweighs what was told before it."""
    since = heard_at(row, "state")
    return (notice for notice in notices if notice["at"] >= since)


def _last_of_each_kind(notices: Iterable[Notice]) -> list[Notice]:
    """Of those of one second the longest."""
    last: dict[str, Notice] = {}
    for notice in notices:
        known = last.get(notice["kind"])
        if known is None or _order(notice) > _order(known):
            last[notice["kind"]] = notice
    return [last[kind] for kind in sorted(last)]


def _order(notice: Notice) -> tuple[str, bool, str]:
    return notice["at"], not notice["until"], notice["until"]


def _show_notices(row: WhatsAppAccount) -> None:
    """Sets what follows from the notices. The end of the restrictions, one of each kind, is the latest of their ends."""
    if row.state in (AccountState.DISABLED, AccountState.DISCONNECTED):
        return
    restrictions = [each for each in row.notices if each["kind"] in _STOPS_MESSAGES and "over" not in each]
    if restrictions:
        kinds = ", ".join(sorted({each["kind"] for each in restrictions}))
        ends = [each["until"] for each in restrictions]
        row.state, row.state_reason = AccountState.RESTRICTED, f"Restricted by Meta: {kinds}."
        # One without an end lasts until Meta says otherwise.
        row.restricted_until = max(map(datetime.fromisoformat, ends)) if all(ends) else None
    elif row.state == AccountState.CONNECTED:
        bans = [each["until"] for each in row.notices if each["kind"] == _BAN_TO_COME]
        row.state_reason = f"Meta will disable this account on {bans[0]}." if bans else ""
