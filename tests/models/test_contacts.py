"""Contacts, the numbers that they have, and the identity row that follows the number."""

import pytest
from django.core.exceptions import ValidationError
from django.forms import modelform_factory

from django_meta_whatsapp.models import WhatsAppContact, WhatsAppContactIdentity
from tests.models import rows

pytestmark = pytest.mark.django_db


def identities(person: WhatsAppContact) -> list[str]:
    return list(person.identities.values_list("identity", flat=True))


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("+6591234567", "6591234567"),
        ("6591234567", "6591234567"),
        ("+45 12 34 56 78", "4512345678"),
        ("372 512-3456", "3725123456"),
        ("\u202a+47 912 34 567\u202c", "4791234567"),
        ("+1 (415) 555-0100", "14155550100"),
    ],
)
def test_a_number_is_stored_as_its_digits_and_nothing_is_guessed(given: str, stored: str) -> None:
    person = rows.contact(phone=given)
    assert person.phone == stored
    assert WhatsAppContact.objects.get(phone=given) == person
    person.refresh_from_db()
    assert (person.phone, person.normalized_phone, str(person)) == (stored, stored, f"+{stored}")


def test_a_saved_contact_has_the_identity_of_its_number() -> None:
    person = rows.contact(phone="+4512345678")
    assert identities(person) == ["p:4512345678"]
    person.save()
    assert identities(person) == ["p:4512345678"]
    made, _ = WhatsAppContact.objects.update_or_create(phone="4791234567", defaults={"name": "Kari"})
    assert identities(made) == ["p:4791234567"]


def test_a_changed_number_takes_its_identity_along_and_leaves_the_others() -> None:
    person = rows.contact(phone="5511987654321")
    person.identities.create(identity="p:551187654321")
    person.identities.create(identity="u:333:US.1349")
    person.phone = "4512345678"
    person.save(update_fields=["phone"])
    assert sorted(identities(person)) == ["p:4512345678", "p:551187654321", "u:333:US.1349"]
    person.phone = None
    person.save()
    assert sorted(identities(person)) == ["p:551187654321", "u:333:US.1349"]


def test_an_identity_that_somebody_has_stays_theirs() -> None:
    known = rows.contact(phone=None)
    known.identities.create(identity="p:4512345678")
    rows.contact(phone="4512345678")
    assert WhatsAppContactIdentity.objects.get(identity="p:4512345678").contact == known


def test_saving_other_fields_leaves_numbers_and_identities_alone() -> None:
    person = rows.contact(phone="4512345678")
    WhatsAppContactIdentity.objects.all().delete()
    person.name = "Asha"
    person.save(update_fields=["name"])
    deferred = WhatsAppContact.objects.defer("phone").get()
    deferred.notes = "Likes tea"
    deferred.save()
    assert identities(person) == []


def test_validation_tells_of_a_number_that_another_contact_answers_to() -> None:
    known = rows.contact(phone=None)
    known.identities.create(identity="p:4512345678")
    with pytest.raises(ValidationError) as caught:
        WhatsAppContact(phone="4512345678").full_clean()
    assert caught.value.message_dict == {"phone": ["This number belongs to another contact."]}
    rows.contact(phone="4791234567").full_clean()


@pytest.mark.parametrize("phone", ["abc", "12", "45123x5678"])
def test_validation_refuses_what_is_no_number(phone: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WhatsAppContact(phone=phone).full_clean()
    assert "phone" in caught.value.message_dict


PhoneForm = modelform_factory(WhatsAppContact, fields=["phone"])


def test_a_form_understands_typed_numbers_by_the_ten_digit_rule() -> None:
    form = PhoneForm({"phone": "98765 43210"})
    assert form.is_valid()
    assert form.save().phone == "919876543210"


@pytest.mark.parametrize("stored", ["6591234567", "4791234567", "4512345678", "3725123456"])
def test_a_ten_digit_international_number_survives_any_number_of_forms(stored: str) -> None:
    person = rows.contact(phone=stored)
    for _ in range(2):
        shown = PhoneForm(instance=person)["phone"].value()
        assert shown == f"+{stored}"
        form = PhoneForm({"phone": shown}, instance=person)
        assert form.is_valid()
        form.save()
        person.refresh_from_db()
        assert person.phone == stored


def test_a_form_names_the_field_and_the_reason_of_a_bad_number() -> None:
    form = PhoneForm({"phone": "call me"})
    assert form.errors == {"phone": ["'call me' is not a phone number."]}
    assert PhoneForm({"phone": ""}).is_valid()
