"""Whether Meta lets a number send: bans, restrictions and returns, in whatever order we hear of them."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import account_states, clock
from tests.payload_files import load_payload
from tests.services.meta_news import ban, deliver, reread, restriction, shop, update

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unsigned")]

BY_US, BY_THEM = "RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"


@pytest.fixture
def account() -> WhatsAppAccount:
    return shop()


def test_a_ban_stops_the_account_until_it_is_reinstated(account: WhatsAppAccount) -> None:
    deliver(ban("SCHEDULE_FOR_DISABLE", 1))
    assert reread(account).can_send
    assert account.state_reason == "Meta will disable this account on July 1."
    deliver(ban("DISABLE", 2))
    assert (reread(account).state, account.can_send) == ("disabled", False)
    assert account.state_reason == "Disabled by Meta on July 1."
    deliver(ban("REINSTATE", 3))
    assert (reread(account).state, account.state_reason) == ("connected", "")
    deliver(ban("DISABLE", 2))
    deliver(ban("SOMETHING_NEW", 4))
    assert reread(account).can_send


def test_a_restriction_ends_by_itself(account: WhatsAppAccount) -> None:
    ends = clock.now() + timedelta(days=3)
    deliver(restriction("RESTRICTED_BIZ_INITIATED_MESSAGING", 1, int(ends.timestamp())))
    assert (reread(account).state, account.can_send) == ("restricted", False)
    assert account.state_reason == "Restricted by Meta: RESTRICTED_BIZ_INITIATED_MESSAGING."
    assert account_states.lift_expired_restrictions() == 0
    with clock.moved(timedelta(days=3, seconds=1)):
        assert account_states.lift_expired_restrictions() == 1
    assert reread(account).can_send


def test_a_restriction_without_an_end_stays(account: WhatsAppAccount) -> None:
    deliver(restriction("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", 1, None))
    with clock.moved(timedelta(days=999)):
        assert account_states.lift_expired_restrictions() == 0
    assert not reread(account).can_send


def test_a_restriction_that_concerns_no_messages_stops_none(account: WhatsAppAccount) -> None:
    deliver(restriction("RESTRICTED_ADD_PHONE_NUMBER_ACTION", 1, None))
    assert reread(account).can_send


@pytest.mark.parametrize("event", ["ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED"])
def test_an_account_that_left_is_disconnected(account: WhatsAppAccount, event: str) -> None:
    deliver(update(event, 1))
    assert reread(account).state == "disconnected"
    deliver(update("ACCOUNT_RECONNECTED", 2))
    assert reread(account).can_send


def test_news_about_other_things_leave_the_account_alone(account: WhatsAppAccount) -> None:
    deliver(load_payload("account_update__violation"))
    deliver(update("PARTNER_ADDED"))
    assert reread(account).can_send


def in_days(days: int) -> int:
    return int((clock.now() + timedelta(days=days)).timestamp())


def sending_after(account: WhatsAppAccount, days: int) -> bool:
    with clock.moved(timedelta(days=days, seconds=2)):
        account_states.lift_expired_restrictions()
        return bool(reread(account).can_send)


GONE = update("ACCOUNT_OFFBOARDED", 1)


@pytest.mark.parametrize("second", [0, 2, 3])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("stopped", "state"), [(ban("DISABLE", 2), "disabled"), (GONE, "disconnected")])
def test_a_restriction_and_its_end_lift_no_ban(
    account: WhatsAppAccount, stopped: dict[str, Any], state: str, order: int, second: int
) -> None:
    for body in (stopped, restriction(BY_US, second, in_days(1)))[::order]:
        deliver(body)
    assert not sending_after(account, 1)
    assert (account.state, account.restricted_until) == (state, None)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_restrictions_of_several_kinds_last_as_long_as_the_longest(
    account: WhatsAppAccount, order: tuple[int, ...]
) -> None:
    told = [
        restriction(BY_US, 1, in_days(1)),
        restriction(BY_THEM, 2, in_days(3)),
        restriction(BY_US, 2, in_days(5)),
    ]
    for place in order:
        deliver(told[place])
    assert reread(account).state_reason == f"Restricted by Meta: {BY_US}, {BY_THEM}."
    assert not sending_after(account, 3)
    assert sending_after(account, 5)
    assert account.state_reason == ""


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("before", [None, 9, 1])
def test_of_the_restrictions_of_one_kind_the_one_told_last_holds(
    account: WhatsAppAccount, before: int | None, order: tuple[int, ...]
) -> None:
    """Of those of one second the longest."""
    told = [
        restriction(BY_US, 1, before and in_days(before)),
        restriction(BY_US, 2, in_days(2)),
        restriction(BY_US, 2, in_days(3)),
        ban("SCHEDULE_FOR_DISABLE", 1),
    ]
    for place in order:
        deliver(told[place])
    assert len(reread(account).notices) == 2
    assert not sending_after(account, 2)
    assert sending_after(account, 3)


def test_within_one_second_a_restriction_without_an_end_is_the_longest(account: WhatsAppAccount) -> None:
    for end in (in_days(1), None, in_days(2)):
        deliver(restriction(BY_US, 1, end))
    assert not sending_after(account, 3)


def test_what_was_told_before_a_restriction_that_has_ended_restricts_nobody_any_more(
    account: WhatsAppAccount,
) -> None:
    ended = restriction(BY_US, 2, in_days(1))
    deliver(ended)
    assert sending_after(account, 1)
    for late in (restriction(BY_US, 1, None), ban("SCHEDULE_FOR_DISABLE", 1), ended):
        deliver(late)
        assert reread(account).can_send
    deliver(restriction(BY_US, 3, in_days(2)))
    assert not reread(account).can_send


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_announced_ban_hides_no_restriction_and_outlasts_it(
    account: WhatsAppAccount, order: tuple[int, ...]
) -> None:
    told = [
        ban("SCHEDULE_FOR_DISABLE", 5),
        restriction(BY_US, 1, in_days(1)),
        restriction(BY_US, 9, in_days(2)),
    ]
    for place in order:
        deliver(told[place])
    assert reread(account).state == "restricted"
    assert sending_after(account, 2)
    assert account.state_reason == "Meta will disable this account on July 1."


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_return_ends_what_was_told_before_it_and_nothing_later(
    account: WhatsAppAccount, order: tuple[int, ...]
) -> None:
    told = [
        restriction(BY_US, 1, None),
        ban("DISABLE", 2),
        ban("REINSTATE", 3),
        restriction(BY_THEM, 4, in_days(1)),
    ]
    for place in order:
        deliver(told[place])
    assert (reread(account).state, account.state_reason) == ("restricted", f"Restricted by Meta: {BY_THEM}.")
    assert sending_after(account, 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_the_states_of_one_second_the_graver_one_holds(
    account: WhatsAppAccount, order: tuple[int, ...]
) -> None:
    told = [ban("REINSTATE", 1), ban("DISABLE", 1), GONE]
    for place in order:
        deliver(told[place])
    assert reread(account).state == "disconnected"
