"""People are one row each, whoever names them and however often at once."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.models import WhatsAppContact, WhatsAppContactIdentity
from django_meta_whatsapp.services import contacts
from django_meta_whatsapp.services.contacts import Person
from tests.services.threads import at_once

pytestmark = pytest.mark.django_db


def test_a_stranger_gets_a_contact_and_an_identity() -> None:
    found = contacts.ensure([Person(phone="+4512345678", name="Bo")])
    contact = found["p:4512345678"]
    assert (contact.phone, contact.name) == ("4512345678", "Bo")
    assert list(contact.identities.values_list("identity", flat=True)) == ["p:4512345678"]


def test_a_known_person_keeps_row_and_name() -> None:
    first = contacts.ensure([Person(phone="+4512345678", name="Bo")])["p:4512345678"]
    again = contacts.ensure([Person(phone="+4512345678", name="Robert")])["p:4512345678"]
    assert (again.pk, again.name) == (first.pk, "Bo")


def test_a_name_fills_an_empty_one() -> None:
    contacts.ensure([Person(phone="+4512345678")])
    contact = contacts.ensure([Person(phone="+4512345678", name="Bo")])["p:4512345678"]
    assert contact.name == "Bo"
    assert WhatsAppContact.objects.get().name == "Bo"


def test_a_person_named_twice_in_one_call_is_one_row() -> None:
    contacts.ensure([Person(phone="+4512345678"), Person(phone="+4512345678", name="Bo")])
    assert WhatsAppContact.objects.get().name == "Bo"


def test_nobody_in_particular_gets_no_row() -> None:
    assert contacts.ensure([Person(name="Nobody")]) == {}
    assert not WhatsAppContact.objects.exists()


def test_a_person_without_a_number_is_known_by_user_id_within_the_portfolio() -> None:
    first = contacts.ensure([Person(user_id="US.1", name="Ann")], portfolio_id="33")["u:33:US.1"]
    again = contacts.ensure([Person(user_id="US.1")], portfolio_id="33")["u:33:US.1"]
    other = contacts.ensure([Person(user_id="US.1")], portfolio_id="44")["u:44:US.1"]
    assert first.pk == again.pk != other.pk
    assert (first.phone, first.name) == (None, "Ann")


def test_a_person_who_comes_with_both_identities_has_both() -> None:
    found = contacts.ensure([Person(phone="+4512345678", user_id="US.1")], portfolio_id="33")
    assert found["p:4512345678"].pk == found["u:33:US.1"].pk
    assert WhatsAppContact.objects.count() == 1


def test_a_number_is_adopted_by_the_person_known_without_one() -> None:
    known = contacts.ensure([Person(user_id="US.1")], portfolio_id="33")["u:33:US.1"]
    contacts.ensure([Person(phone="+4512345678", user_id="US.1")], portfolio_id="33")
    known.refresh_from_db()
    assert known.phone == "4512345678"
    assert contacts.find(["p:4512345678", "u:33:US.1"]) == {"p:4512345678": known.pk, "u:33:US.1": known.pk}


def test_a_user_id_is_added_to_the_person_known_by_number() -> None:
    known = contacts.ensure([Person(phone="+4512345678")])["p:4512345678"]
    contacts.ensure([Person(phone="+4512345678", user_id="US.1")], portfolio_id="33")
    assert contacts.find(["u:33:US.1"]) == {"u:33:US.1": known.pk}


def test_whoever_only_looks_people_up_merges_nobody() -> None:
    by_number = contacts.ensure([Person(phone="+4512345678")])["p:4512345678"]
    by_user = contacts.ensure([Person(user_id="US.1")], portfolio_id="33")["u:33:US.1"]
    found = contacts.ensure([Person(phone="+4512345678", user_id="US.1")], portfolio_id="33")
    assert found["p:4512345678"].pk == by_number.pk
    assert found["u:33:US.1"].pk == by_user.pk
    assert WhatsAppContact.objects.get(pk=by_user.pk).phone is None


def test_a_number_that_another_row_holds_is_not_taken_from_it() -> None:
    known = contacts.ensure([Person(user_id="US.1")], portfolio_id="33")["u:33:US.1"]
    WhatsAppContact.objects.bulk_create([WhatsAppContact(phone="4512345678")])
    contacts.ensure([Person(phone="+4512345678", user_id="US.1")], portfolio_id="33")
    known.refresh_from_db()
    assert known.phone is None


def test_a_row_made_elsewhere_is_found_by_its_number() -> None:
    WhatsAppContact.objects.bulk_create([WhatsAppContact(phone="4512345678", name="Bo")])
    row = WhatsAppContact.objects.get()
    assert contacts.find(["p:4512345678"]) == {"p:4512345678": row.pk}
    assert contacts.identities_of([row.pk]) == {row.pk: ["p:4512345678"]}
    assert contacts.ensure([Person(phone="+4512345678")])["p:4512345678"].pk == row.pk
    assert WhatsAppContactIdentity.objects.get().contact_id == row.pk


def test_linking_leaves_an_identity_with_its_owner() -> None:
    first = contacts.ensure([Person(phone="+4512345678")])["p:4512345678"]
    second = contacts.ensure([Person(phone="+4587654321")])["p:4587654321"]
    contacts.link(second, ["p:4512345678", "p:4511111111"])
    assert contacts.find(["p:4512345678", "p:4511111111"]) == {
        "p:4512345678": first.pk,
        "p:4511111111": second.pk,
    }
    assert contacts.identities_of([second.pk])[second.pk] == ["p:4587654321", "p:4511111111"]


def test_more_people_cost_no_more_queries() -> None:
    def queries(people: list[Person]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            contacts.ensure(people)
        return len(captured)

    few = queries([Person(phone=f"+45200000{number:02}", name="x") for number in range(3)])
    many = queries([Person(phone=f"+45300000{number:02}", name="x") for number in range(90)])
    assert many == few
    assert queries([Person(phone=f"+45300000{number:02}") for number in range(90)]) == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_introduce_the_same_people_at_once_make_one_row_each() -> None:
    people = [Person(phone=f"+4520000{number:03}", name="x") for number in range(20)]
    people += [Person(user_id=f"US.{number}") for number in range(20)]

    def ensure(number: int) -> set[int]:
        order = people[number:] + people[:number]
        return {contact.pk for contact in contacts.ensure(order, portfolio_id="33").values()}

    results = at_once(ensure, 8)
    assert all(result == results[0] for result in results), results
    assert WhatsAppContact.objects.count() == WhatsAppContactIdentity.objects.count() == 40


@pytest.mark.parametrize(
    ("contacts_told", "expected"),
    [
        ([{"input": "+1", "wa_id": "551187654321", "user_id": "BR.1"}], ("p:551187654321", "u:333:BR.1")),
        ([{"input": "US.1", "user_id": "US.1"}], ("u:333:US.1",)),
        ([{"wa_id": None, "user_id": ""}, "garbage", 7], ()),
        (None, ()),
    ],
)
def test_what_meta_s_answer_says_of_the_person_is_read_as_far_as_it_can_be(
    contacts_told: Any, expected: tuple[str, ...]
) -> None:
    """A message that Meta has taken is sent, whatever else the answer holds."""
    assert contacts.identities_in_answer({"contacts": contacts_told}, "333") == expected
