"""Whole audiences become known by the rules of `contacts`, a few statements for thousands."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.models import WhatsAppContact, WhatsAppContactIdentity
from django_meta_whatsapp.services import acquaintance, contacts
from django_meta_whatsapp.services.contacts import Person
from tests.services.threads import at_once

pytestmark = pytest.mark.django_db

AUDIENCE = [
    Person(phone="+4520000001", name="Named"),
    Person(phone="+4520000002"),
    Person(phone="+4520000003", name="Another's number"),
    Person(phone="+4520000004", name="Made elsewhere"),
    Person(phone="+4520000005", name="Without a number"),
    Person(phone="+4520000006", name="Stranger"),
    Person(phone="+4520000006", name="Stranger again"),
    Person(phone="+4520000007"),
    Person(phone="+4520000007", name="Named late"),
    Person(user_id="US.1", name="By id"),
    Person(phone="+4520000008", user_id="US.2", name="By both"),
]


def people_known_in_part() -> None:
    contacts.ensure([Person(phone="+4520000001", name="Kept"), Person(phone="+4520000002")])
    other = contacts.ensure([Person(phone="+4520000099", name="Owner")])["p:4520000099"]
    contacts.link(other, ["p:4520000003"])
    WhatsAppContact.objects.bulk_create([WhatsAppContact(phone="4520000004", opted_out=True)])
    unnumbered = contacts.ensure([Person(user_id="US.5")], portfolio_id="33")["u:33:US.5"]
    WhatsAppContactIdentity.objects.create(contact=unnumbered, identity="p:4520000005")


def rows() -> list[tuple[str, str | None, str, bool]]:
    found = WhatsAppContactIdentity.objects.order_by("identity")
    names = ("identity", "contact__phone", "contact__name", "contact__opted_out")
    return list(found.values_list(*names))  # type: ignore[arg-type]


def test_the_rows_are_those_that_contacts_make_one_by_one() -> None:
    people_known_in_part()
    found = acquaintance.ensure(AUDIENCE, "33")
    here = rows()
    told = {key: (known.phone, known.name, known.is_marked) for key, known in found.items()}
    WhatsAppContact.objects.all().delete()
    people_known_in_part()
    by_rule = contacts.ensure(AUDIENCE, portfolio_id="33")
    assert here == rows()
    # One read them before their names were filled in, the other after.
    assert {key: (phone, is_marked) for key, (phone, _, is_marked) in told.items()} == {
        key: (contact.normalized_phone, contact.opted_out) for key, contact in by_rule.items()
    }


def test_who_is_known_is_told_with_their_marks() -> None:
    people_known_in_part()
    WhatsAppContact.objects.filter(phone="4520000001").update(is_blocked=True)
    asked = [f"p:452000000{number}" for number in range(1, 7)]
    found = acquaintance.find(asked)
    assert {key: (known.phone, known.name, known.is_marked) for key, known in found.items()} == {
        "p:4520000001": ("4520000001", "Kept", True),
        "p:4520000002": ("4520000002", "", False),
        "p:4520000003": ("4520000099", "Owner", False),
        "p:4520000004": ("4520000004", "", True),
        "p:4520000005": ("", "", False),
    }
    assert {key: known.pk for key, known in found.items()} == contacts.find(asked)


def test_strangers_cost_no_more_statements_when_they_are_more() -> None:
    def statements(first: int, count: int) -> int:
        people = [Person(phone=f"+45{first + number}", name="x") for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            acquaintance.ensure(people, "33")
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    inserts = 2 if connection.vendor == "postgresql" else 2 * 30
    assert statements(20000000, 30) <= inserts + 2
    assert statements(30000000, 3) <= statements(40000000, 30)


@pytest.mark.django_db(transaction=True)
def test_many_who_meet_the_same_people_at_once_make_one_row_each() -> None:
    people = [Person(phone=f"+4520000{number:03}", name="x") for number in range(40)]

    def ensure(number: int) -> dict[str, int]:
        found = acquaintance.ensure(people[number:] + people[:number], "33")
        return {identity: known.pk for identity, known in found.items()}

    results = at_once(ensure, 8)
    assert all(result == results[0] for result in results), results
    assert WhatsAppContact.objects.count() == WhatsAppContactIdentity.objects.count() == 40
