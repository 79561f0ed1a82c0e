"""Usernames and partner solutions (Meta's pages "business_username_update" and "partner_solutions")."""

from collections.abc import Iterator
from dataclasses import dataclass

from django_meta_whatsapp.cloud_api.events.base import Change, Event
from django_meta_whatsapp.cloud_api.events.reading import required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class UsernameEvent(Event):
    """The username of a number: `approved`, `reserved` or `deleted`."""

    status: str
    username: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerSolutionEvent(Event):
    """A solution with a partner was made or changed. `entry_id` is the portfolio's id, not an account's.

    event: `SOLUTION_CREATED` or `SOLUTION_UPDATED`. status: `ACTIVE`, `DRAFT`, `PENDING_DEACTIVATION` …
    """

    event: str
    solution_id: str
    status: str = ""


def read_username(change: Change) -> Iterator[Event]:
    """A value of the field `business_username_update`."""
    yield UsernameEvent(
        **change.whole("username"),
        status=required(change.value, "status").lower(),
        username=text(change.value.get("username")),
    )


def read_partner_solution(change: Change) -> Iterator[Event]:
    """A value of the field `partner_solutions`."""
    value = change.value
    yield PartnerSolutionEvent(
        **change.whole("partner_solution"),
        event=required(value, "event").upper(),
        solution_id=required(value, "solution_id"),
        status=text(value.get("solution_status")).upper(),
    )
