"""What people choose about our marketing: the newest choice holds, whatever the order in which we hear of them."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import UserPreferenceEvent, parse
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppLabel,
    WhatsAppSignup,
)
from django_meta_whatsapp.services import contacts, preferences
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.delivery import Delivery
from tests.payload_files import load_payload
from tests.webhooks import posting
from tests.webhooks.journal_rows import listening

pytestmark = pytest.mark.django_db

MAYA = "15550001111"
START = 1767000000


@pytest.fixture
def account() -> WhatsAppAccount:
    return WhatsAppAccount.objects.create(name="Shop", phone_number_id=posting.NUMBER, waba_id=posting.WABA)


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any]]]:
    """What the signals of preferences and signups brought."""
    found: list[tuple[str, Any]] = []

    def on_change(contact: WhatsAppContact, opted_out: bool, event_id: str, **kwargs: Any) -> None:
        found.append(("stopped" if opted_out else "resumed", contact.normalized_phone))

    def on_signup(contact: WhatsAppContact, signup: WhatsAppSignup, event_id: str, **kwargs: Any) -> None:
        found.append(("subscribed", signup.signup_id))

    signals.whatsapp_preference_changed.connect(on_change)
    signals.whatsapp_user_subscribed.connect(on_signup)
    yield found
    signals.whatsapp_preference_changed.disconnect(on_change)
    signals.whatsapp_user_subscribed.disconnect(on_signup)


def choice(value: str, second: int = 0, wa_id: str = MAYA, **parts: Any) -> dict[str, Any]:
    return {
        "wa_id": wa_id,
        "category": "marketing_messages",
        "value": value,
        "timestamp": START + second,
        **parts,
    }


def body(*choices: dict[str, Any]) -> dict[str, Any]:
    return posting.change("user_preferences", posting.value(user_preferences=list(choices)))


def apply(account: WhatsAppAccount, body: dict[str, Any], *, again: bool = False) -> Delivery:
    events = [event for event in parse(body) if isinstance(event, UserPreferenceEvent)]
    delivery = Delivery(received_at=datetime.now(UTC), again=again)
    preferences.apply(account, events, delivery)
    return delivery


def opted_out(account: WhatsAppAccount) -> bool:
    return WhatsAppContactAccount.objects.get(account=account).marketing_opted_out


def test_a_stop_marks_the_person_for_this_number_only(account: WhatsAppAccount) -> None:
    apply(account, load_payload("user_preferences__stop"))
    row = WhatsAppContactAccount.objects.get()
    assert (row.account, row.contact.phone, row.contact.name) == (account, MAYA, "Maya")
    assert (row.marketing_opted_out, row.contact.opted_out) == (True, False)


def test_a_stop_that_shows_number_and_user_id_makes_one_person_of_two(account: WhatsAppAccount) -> None:
    by_number = contacts.ensure([Person(phone=f"+{MAYA}")])[f"p:{MAYA}"]
    contacts.ensure([Person(user_id="US.1")], portfolio_id=account.portfolio_id)
    apply(account, body(choice("stop", user_id="US.1")))
    row = WhatsAppContactAccount.objects.get()
    assert (row.contact_id, row.marketing_opted_out) == (by_number.pk, True)
    assert WhatsAppContact.objects.get() == by_number


def test_a_resume_lifts_it(account: WhatsAppAccount) -> None:
    apply(account, body(choice("stop", 1)))
    apply(account, load_payload("user_preferences__resume"))
    assert not opted_out(account)


@pytest.mark.parametrize("order", list(itertools.permutations([("stop", 1), ("resume", 2), ("stop", 3)])))
@pytest.mark.parametrize("together", [True, False])
def test_the_newest_choice_holds_in_any_order(
    account: WhatsAppAccount, order: tuple[tuple[str, int], ...], together: bool
) -> None:
    choices = [choice(*each) for each in order]
    for batch in [choices] if together else [[each] for each in choices]:
        apply(account, body(*batch))
    row = WhatsAppContactAccount.objects.get()
    assert (row.marketing_opted_out, row.marketing_changed_at) == (
        True,
        datetime.fromtimestamp(START + 3, UTC),
    )


@pytest.mark.parametrize("order", [("stop", "resume"), ("resume", "stop")])
@pytest.mark.parametrize("together", [True, False])
def test_of_two_choices_at_the_same_moment_the_stop_holds(
    account: WhatsAppAccount, order: tuple[str, str], together: bool
) -> None:
    choices = [choice(value) for value in order]
    for batch in [choices] if together else [[each] for each in choices]:
        apply(account, body(*batch))
    assert opted_out(account)


def test_a_repetition_days_later_changes_nothing(
    account: WhatsAppAccount, heard: list[tuple[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for each in (choice("stop", 1), choice("resume", 2), choice("stop", 1), choice("resume", 2)):
            apply(account, body(each))
    assert not opted_out(account)
    assert heard == [("stopped", MAYA), ("resumed", MAYA)]


def test_a_second_try_announces_again(
    account: WhatsAppAccount, heard: list[tuple[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    apply(account, body(choice("stop")))
    with django_capture_on_commit_callbacks(execute=True):
        apply(account, body(choice("stop")), again=True)
    assert heard == [("stopped", MAYA)]


def test_somebody_known_by_a_user_id_only_can_stop_too(account: WhatsAppAccount) -> None:
    apply(account, body(choice("stop", wa_id="", user_id="US.1349")))
    assert opted_out(account)
    assert WhatsAppContact.objects.get().phone is None


def test_choices_about_other_things_are_counted_as_unknown_and_told_of(
    account: WhatsAppAccount, django_capture_on_commit_callbacks: Any
) -> None:
    given = body(choice("maybe"), choice("stop", category="service_messages"))
    with (
        listening(signals.whatsapp_event_received) as heard,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert apply(account, given).unknown == 2
    assert heard == [event.event_id for event in parse(given)]
    assert not WhatsAppContactAccount.objects.exists()


@pytest.fixture
def signup(account: WhatsAppAccount) -> WhatsAppSignup:
    return WhatsAppSignup.objects.create(
        account=account,
        signup_id="700000000000001",
        auto_add_to_label=WhatsAppLabel.objects.create(name="subscribers"),
    )


def test_a_signup_subscribes_the_person(account: WhatsAppAccount, signup: WhatsAppSignup) -> None:
    apply(account, body(choice("stop", 1)))
    apply(account, load_payload("user_preferences__signup"))
    contact = WhatsAppContact.objects.get()
    assert (contact.subscribed_via_signup, [label.name for label in contact.labels.all()]) == (
        signup,
        ["subscribers"],
    )
    assert contact.subscribed_at == datetime.fromtimestamp(START + 21, UTC)
    assert not opted_out(account)
    signup.refresh_from_db()
    assert signup.subscriber_count == 1


def test_a_signup_that_comes_twice_counts_once(
    account: WhatsAppAccount,
    signup: WhatsAppSignup,
    heard: list[tuple[str, Any]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    given = load_payload("user_preferences__signup")
    with django_capture_on_commit_callbacks(execute=True):
        apply(account, given)
        apply(account, given)
        apply(account, given, again=True)
    signup.refresh_from_db()
    assert signup.subscriber_count == 1
    assert [each for each in heard if each[0] == "subscribed"] == [("subscribed", "700000000000001")] * 2


def test_whoever_signs_up_elsewhere_counts_there(account: WhatsAppAccount, signup: WhatsAppSignup) -> None:
    other = WhatsAppSignup.objects.create(account=account, signup_id="8")
    apply(account, body(choice("signup", 1, signup_id=signup.signup_id)))
    apply(account, body(choice("signup", 2, signup_id="8")))
    apply(account, body(choice("signup", 3, signup_id="8")))
    signup.refresh_from_db()
    other.refresh_from_db()
    assert (signup.subscriber_count, other.subscriber_count) == (0, 1)


@pytest.mark.parametrize("signup_id", ["", "9", "of another business"])
def test_a_signup_that_is_not_ours_is_counted_as_unmatched(account: WhatsAppAccount, signup_id: str) -> None:
    stranger = WhatsAppAccount.objects.create(name="Stranger", phone_number_id="2", waba_id="2")
    WhatsAppSignup.objects.create(account=stranger, signup_id="of another business")
    assert apply(account, body(choice("signup", signup_id=signup_id))).unmatched == 1
    assert WhatsAppContact.objects.get().subscribed_via_signup is None


def test_a_choice_of_days_ago_changes_nothing(account: WhatsAppAccount) -> None:
    apply(account, body(choice("stop", int(timedelta(days=3).total_seconds()))))
    apply(account, body(choice("resume", 0)))
    assert opted_out(account)
