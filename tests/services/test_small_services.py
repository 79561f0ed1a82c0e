"""Clock, tokens, accounts, conversations and transactions."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, OperationalError, transaction
from django.test import override_settings
from django.utils import timezone

from django_meta_whatsapp.errors import InsideTransaction, MissingSetting
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppConversation
from django_meta_whatsapp.services import accounts, clock, contacts, conversations, tokens, transactions
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.message_columns import columns_of
from tests.services.threads import at_once


@pytest.mark.parametrize(
    ("type_", "content", "columns"),
    [
        ("text", {"body": "hi"}, {}),
        ("contacts", [{"name": {"formatted_name": "Ann"}}], {}),
        (
            "image",
            {"id": "9", "mime_type": "image/png", "caption": "x"},
            {"media_id": "9", "media_mime_type": "image/png", "media_filename": ""},
        ),
        (
            "location",
            {"latitude": "north", "longitude": None, "name": "x" * 300, "address": "a" * 2000},
            {
                "location_latitude": None,
                "location_longitude": None,
                "location_name": "x" * 255,
                "location_address": "a" * 1000,
            },
        ),
    ],
)
def test_columns_follow_content_of_any_shape(type_: str, content: object, columns: dict[str, object]) -> None:
    assert columns_of(type_, content) == columns


def test_policy_time_moves_and_comes_back() -> None:
    with clock.moved(timedelta(hours=5)):
        clock.move(timedelta(hours=1))
        ahead = clock.now() - timezone.now()
    assert timedelta(hours=5, minutes=59) < ahead <= timedelta(hours=6)
    clock.move(timedelta(days=1))
    clock.reset()
    assert abs(clock.now() - timezone.now()) < timedelta(minutes=1)


def test_a_token_is_ours_and_never_the_same() -> None:
    made = {tokens.new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(tokens.is_ours(token) and len(token) <= 64 for token in made)


@pytest.mark.parametrize("text", ["", "dmw1.", "dmw1." + "0" * 31, "dmw1." + "0" * 33, "x" + "0" * 36])
def test_a_foreign_token_is_not_ours(text: str) -> None:
    assert not tokens.is_ours(text)


def given(**values: str) -> override_settings:
    return override_settings(WHATSAPP={**django_settings.WHATSAPP, **values})


def test_without_an_account_the_settings_speak() -> None:
    known = accounts.credentials(None)
    assert known.access_token == "simulator-token"
    assert accounts.phone_number_id(None) == known.phone_number_id == "222000222000222"
    assert accounts.waba_id(None) == known.waba_id == "111000111000111"
    assert known.app_secret == "simulator-app-secret"
    assert "simulator" not in repr(known)


def test_an_account_speaks_for_itself() -> None:
    account = WhatsAppAccount(phone_number_id="9", waba_id="8", access_token="own", app_secret="secret")
    assert accounts.credentials(account) == accounts.Credentials("own", "9", "8", "secret")
    assert (accounts.phone_number_id(account), accounts.waba_id(account)) == ("9", "8")
    assert (
        accounts.client_for(account).access_token == accounts.async_client_for(account).access_token == "own"
    )


def test_what_an_account_lacks_comes_from_the_settings() -> None:
    account = WhatsAppAccount(phone_number_id="9")
    known = accounts.credentials(account)
    assert known == accounts.Credentials("simulator-token", "9", "111000111000111", "simulator-app-secret")
    assert accounts.waba_id(account) == "111000111000111"


@pytest.mark.parametrize(
    ("key", "ask"),
    [
        ("ACCESS_TOKEN", accounts.credentials),
        ("ACCESS_TOKEN", accounts.client_for),
        ("PHONE_NUMBER_ID", accounts.phone_number_id),
        ("WABA_ID", accounts.waba_id),
    ],
)
def test_a_missing_setting_is_named(key: str, ask: object) -> None:
    with given(**{key: ""}), pytest.raises(MissingSetting, match=key):
        ask(None)  # type: ignore[operator]


@pytest.mark.django_db
def test_the_settings_number_gets_one_row_without_a_token() -> None:
    first = accounts.account_or_default(None)
    assert (first.phone_number_id, first.waba_id, first.access_token) == (
        "222000222000222",
        "111000111000111",
        "",
    )
    assert accounts.account_or_default(None) == first
    assert accounts.account_or_default(first) is first


@pytest.mark.django_db(transaction=True)
def test_the_settings_number_gets_one_row_from_many_at_once() -> None:
    results = at_once(lambda _: accounts.account_or_default(None).pk, 8)
    assert results == [WhatsAppAccount.objects.get().pk] * 8


@pytest.fixture
def thread(db: None) -> WhatsAppConversation:
    account = WhatsAppAccount.objects.create(name="Shop", phone_number_id="1")
    contact = contacts.ensure([Person(phone="+4512345678")])["p:4512345678"]
    return conversations.ensure(account, [contact])[contact.pk]


def test_a_person_has_one_thread_with_each_number(thread: WhatsAppConversation) -> None:
    again = conversations.ensure(thread.account, [thread.contact, thread.contact])
    assert again == {thread.contact_id: thread}
    assert thread.phone_number == "4512345678"
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2")
    assert conversations.ensure(other, [thread.contact])[thread.contact_id] != thread


def test_a_thread_never_gets_older(thread: WhatsAppConversation) -> None:
    now = timezone.now()
    conversations.touch([thread.pk], now, unread=1)
    conversations.touch([thread.pk], now - timedelta(hours=1), unread=2)
    thread.refresh_from_db()
    assert (thread.last_message_at, thread.unread_count) == (now, 3)


@pytest.mark.django_db(transaction=True)
def test_a_callers_transaction_is_refused() -> None:
    transactions.refuse_inside()
    with transaction.atomic(), pytest.raises(InsideTransaction):
        transactions.refuse_inside()


@pytest.mark.django_db
def test_the_transaction_of_a_test_case_is_not_the_callers() -> None:
    transactions.refuse_inside()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("deadlock detected"), IntegrityError("duplicate")])
def test_work_that_another_writer_broke_runs_again(error: Exception) -> None:
    troubles = [error, error]

    def work() -> str:
        if troubles:
            raise troubles.pop()
        return "done"

    assert transactions.in_transaction(work) == "done"


@pytest.mark.django_db(transaction=True)
def test_work_that_cannot_be_done_says_so_in_the_end() -> None:
    attempts = []

    def work() -> None:
        attempts.append(1)
        raise IntegrityError("always")

    with pytest.raises(IntegrityError, match="always"):
        transactions.in_transaction(work)
    assert len(attempts) == transactions.ATTEMPTS


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_inside_the_callers_transaction_is_theirs() -> None:
    attempts = []

    def work() -> None:
        attempts.append(1)
        raise OperationalError("deadlock detected")

    with transaction.atomic(), pytest.raises(OperationalError):
        transactions.in_transaction(work)
    assert len(attempts) == 1
