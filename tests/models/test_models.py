"""What models know about themselves."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from django_meta_whatsapp.models import AccountState, WhatsAppAccount, WhatsAppMessage, WhatsAppSignup
from tests.models import rows


@pytest.mark.django_db
def test_a_signups_link_is_made_of_digits_and_metas_id() -> None:
    signup = WhatsAppSignup(account=rows.account(display_phone_number="+1 555-000-9999"), signup_id="777")
    assert signup.get_deep_link() == "https://wa.me/15550009999/signup/777"
    assert signup.get_deep_link("+45 12 34 56 78") == "https://wa.me/4512345678/signup/777"


@pytest.mark.django_db
def test_a_signup_without_number_or_id_has_no_link() -> None:
    shop = rows.account()
    assert WhatsAppSignup(account=shop, signup_id="777").get_deep_link() == ""
    assert WhatsAppSignup(account=shop).get_deep_link("4512345678") == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "can_send"),
    [
        ({}, True),
        ({"is_active": False}, False),
        ({"state": AccountState.RESTRICTED}, False),
        ({"state": AccountState.DISABLED}, False),
        ({"state": AccountState.DISCONNECTED}, False),
    ],
)
def test_an_account_sends_unless_we_or_meta_switched_it_off(
    fields: dict[str, object], can_send: bool
) -> None:
    assert rows.account(**fields).can_send is can_send


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document", "sticker"])
def test_media_messages_say_so(kind: str) -> None:
    assert WhatsAppMessage(message_type=kind).has_media
    assert not WhatsAppMessage(message_type=kind).is_location


def test_a_location_is_a_location_and_a_text_is_neither() -> None:
    assert WhatsAppMessage(message_type="location").is_location
    text = WhatsAppMessage(message_type="text", message_body="Hi")
    assert not text.has_media
    assert str(text) == "Hi"


@pytest.mark.django_db
def test_a_contact_shows_its_name_first() -> None:
    assert str(rows.contact(name="Asha", phone="919876543210")) == "Asha"


@pytest.mark.django_db
def test_the_database_keeps_the_number_of_a_message_by_its_conversation() -> None:
    message = rows.message(rows.conversation())
    with pytest.raises(ProtectedError):
        message.account.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        _delete_past_django(message.account)


def _delete_past_django(account: WhatsAppAccount) -> None:
    table = connection.ops.quote_name(WhatsAppAccount._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [account.pk])
    connection.check_constraints()
