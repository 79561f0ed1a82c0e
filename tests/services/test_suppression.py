"""The gate lets through whom it should, and nobody else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.cloud_api.content import Template, Text
from django_meta_whatsapp.errors import SendRefused
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppBlockedUser,
    WhatsAppContact,
    WhatsAppContactAccount,
)
from django_meta_whatsapp.services import clock, contacts, suppression
from django_meta_whatsapp.services.contacts import Person

pytestmark = pytest.mark.django_db

HER = "p:4512345678"


@pytest.fixture
def account() -> WhatsAppAccount:
    return WhatsAppAccount.objects.create(name="Shop", phone_number_id="1")


@pytest.fixture
def contact() -> WhatsAppContact:
    return contacts.ensure([Person(phone="+4512345678")])[HER]


def wrote(account: WhatsAppAccount, contact: WhatsAppContact, ago: timedelta) -> None:
    WhatsAppContactAccount.objects.create(account=account, contact=contact, last_inbound_at=clock.now() - ago)


def reasons(account: WhatsAppAccount, category: str) -> dict[str, str]:
    found = suppression.refusals(account, [HER, "p:4587654321"], category=category)
    return {identity: verdict.reason for identity, verdict in found.items()}


@pytest.mark.parametrize("category", ["MARKETING", "UTILITY", "AUTHENTICATION", ""])
def test_a_person_without_a_mark_may_be_messaged(
    account: WhatsAppAccount, contact: WhatsAppContact, category: str
) -> None:
    assert reasons(account, category) == {}


@pytest.mark.parametrize(
    ("category", "stopped"),
    [("MARKETING", True), ("UTILITY", True), ("authentication", False), ("", True)],
)
def test_an_opt_out_stops_all_templates_but_authentication(
    account: WhatsAppAccount, contact: WhatsAppContact, category: str, stopped: bool
) -> None:
    WhatsAppContact.objects.update(opted_out=True)
    assert reasons(account, category) == ({HER: "opted_out"} if stopped else {})


@pytest.mark.parametrize(
    ("category", "stopped"),
    [("MARKETING", True), ("utility", False), ("AUTHENTICATION", False), ("", True)],
)
def test_stopped_marketing_stops_marketing_of_this_number_only(
    account: WhatsAppAccount, contact: WhatsAppContact, category: str, stopped: bool
) -> None:
    WhatsAppContactAccount.objects.create(account=account, contact=contact, marketing_opted_out=True)
    assert reasons(account, category) == ({HER: "opted_out"} if stopped else {})
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2")
    assert reasons(other, category) == {}


def test_a_block_stops_everything(account: WhatsAppAccount, contact: WhatsAppContact) -> None:
    WhatsAppContact.objects.update(is_blocked=True)
    assert reasons(account, "AUTHENTICATION") == {HER: "blocked"}


def test_a_block_by_one_number_stops_that_number_only(
    account: WhatsAppAccount, contact: WhatsAppContact
) -> None:
    WhatsAppContactAccount.objects.create(account=account, contact=contact, is_blocked=True)
    assert reasons(account, "AUTHENTICATION") == {HER: "blocked"}
    assert reasons(WhatsAppAccount.objects.create(name="Other", phone_number_id="2"), "MARKETING") == {}


@pytest.mark.parametrize("active", [True, False])
def test_somebody_blocked_at_meta_is_refused_without_being_a_contact(
    account: WhatsAppAccount, active: bool
) -> None:
    WhatsAppBlockedUser.objects.create(account=account, identity=HER, is_active=active)
    assert reasons(account, "UTILITY") == ({HER: "blocked"} if active else {})


def test_a_mark_holds_for_every_identity_of_the_person(
    account: WhatsAppAccount, contact: WhatsAppContact
) -> None:
    contacts.link(contact, ["u:33:US.1", "p:45123"])
    WhatsAppContact.objects.update(opted_out=True)
    found = suppression.refusals(account, ["u:33:US.1", "p:45123"], category="MARKETING")
    assert set(found) == {"u:33:US.1", "p:45123"}


def test_a_mark_on_a_row_made_elsewhere_counts(account: WhatsAppAccount) -> None:
    WhatsAppContact.objects.bulk_create([WhatsAppContact(phone="4512345678", opted_out=True)])
    assert reasons(account, "MARKETING") == {HER: "opted_out"}


def test_more_people_cost_no_more_queries(account: WhatsAppAccount) -> None:
    contacts.ensure([Person(phone=f"+45200000{number:02}") for number in range(90)])

    def queries(count: int) -> int:
        identities = [f"p:45200000{number:02}" for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            suppression.refusals(account, identities, category="MARKETING")
        return len(captured)

    assert queries(90) == queries(3)


def refusal(account: WhatsAppAccount, contact: WhatsAppContact, content: Text | Template) -> str:
    known = contacts.identities_of([contact.pk])[contact.pk]
    try:
        suppression.check_identities(account, known, content, "MARKETING")
    except SendRefused as error:
        return error.reason
    return ""


def test_free_text_needs_a_message_of_the_last_day(
    account: WhatsAppAccount, contact: WhatsAppContact
) -> None:
    assert refusal(account, contact, Text("hi")) == "window_closed"
    assert refusal(account, contact, Template("hello")) == ""
    wrote(account, contact, timedelta(hours=23, minutes=58))
    assert refusal(account, contact, Text("hi")) == ""


def test_the_window_closes_a_minute_early(account: WhatsAppAccount, contact: WhatsAppContact) -> None:
    wrote(account, contact, timedelta(hours=23, minutes=59, seconds=1))
    assert refusal(account, contact, Text("hi")) == "window_closed"


def test_the_window_follows_policy_time(account: WhatsAppAccount, contact: WhatsAppContact) -> None:
    wrote(account, contact, timedelta(hours=1))
    with clock.moved(timedelta(hours=23)):
        assert refusal(account, contact, Text("hi")) == "window_closed"
    assert refusal(account, contact, Text("hi")) == ""


def test_somebody_who_opted_out_and_then_writes_gets_an_answer_but_no_template(
    account: WhatsAppAccount, contact: WhatsAppContact
) -> None:
    WhatsAppContact.objects.update(opted_out=True)
    wrote(account, contact, timedelta(minutes=1))
    assert refusal(account, contact, Text("hi")) == ""
    assert refusal(account, contact, Template("hello")) == "opted_out"


def test_somebody_blocked_gets_no_answer_either(account: WhatsAppAccount, contact: WhatsAppContact) -> None:
    wrote(account, contact, timedelta(minutes=1))
    WhatsAppContactAccount.objects.update(is_blocked=True)
    assert refusal(account, contact, Text("hi")) == "blocked"
