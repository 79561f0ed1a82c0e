"""An app secret or verify token that no key opens is left out, told of without being told, and shuts nobody else out."""

from typing import Any

import pytest
from django.db import connection

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage
from django_meta_whatsapp.services import journal, signatures, unrouted
from tests.webhooks.journal_rows import kept, only_row
from tests.webhooks.posting import NUMBER, SECRET, WABA, change, inbound, post, request, text_message

pytestmark = pytest.mark.usefixtures("both_doors")

GARBAGE = "not-encrypted-by-us"


def store(account: WhatsAppAccount, **columns: str) -> None:
    """What no key opens, as after a key was lost."""
    with connection.cursor() as cursor:
        for name, value in columns.items():
            cursor.execute(
                f"UPDATE {WhatsAppAccount._meta.db_table} SET {name} = %s WHERE id = %s", [value, account.pk]
            )
    signatures.forget()


@pytest.fixture
def broken(account: WhatsAppAccount) -> WhatsAppAccount:
    """Another account, on the same business account, whose secrets cannot be read."""
    other = WhatsAppAccount.objects.create(
        name="Broken", phone_number_id="2", waba_id=WABA, app_secret="its-own"
    )
    store(other, app_secret=GARBAGE, verify_token=GARBAGE)
    return other


def test_the_door_stays_open_for_all_others(
    broken: WhatsAppAccount, caplog: pytest.LogCaptureFixture
) -> None:
    WhatsAppAccount.objects.create(name="Own", phone_number_id="3", app_secret="own-secret")
    assert post(inbound(text_message())).status_code == 200
    assert post(inbound(text_message("wamid.3"), number="3"), secret="own-secret").status_code == 200
    assert post(inbound(text_message("wamid.2"), number="2"), secret="its-own").status_code == 403
    assert WhatsAppMessage.objects.count() == 2
    assert "app_secret of the account Broken" in caplog.text
    assert GARBAGE not in caplog.text
    assert SECRET not in caplog.text


def test_it_is_told_once_a_minute_and_not_with_each_webhook(
    broken: WhatsAppAccount, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "_REREAD_SECONDS", -1.0)
    for _ in range(3):
        post(inbound(text_message()), secret="wrong")
    assert caplog.text.count("app_secret of the account Broken") == 1
    monkeypatch.setattr(signatures, "_TELL_SECONDS", -1.0)
    post(inbound(text_message()), secret="wrong")
    assert caplog.text.count("app_secret of the account Broken") == 2


def test_so_does_the_handshake(broken: WhatsAppAccount, account: WhatsAppAccount) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "c", "hub.verify_token": account.verify_token}
    assert request("GET", query=query).status_code == 200
    assert request("GET", query={**query, "hub.verify_token": GARBAGE}).status_code == 403


def test_events_for_it_wait_and_hold_up_nothing_beside_them(
    broken: WhatsAppAccount, account: WhatsAppAccount
) -> None:
    for_it = kept(inbound(text_message("wamid.2"), number="2"))
    kept(inbound(text_message()))
    journal.process_due()
    assert WhatsAppMessage.objects.get().account == account
    for_it.refresh_from_db()
    assert (for_it.state, for_it.error) == ("unrouted", "")
    assert unrouted.release() == 0
    store(broken, app_secret="")
    assert unrouted.release() == 1
    journal.process_due()
    assert WhatsAppMessage.objects.count() == 2


def test_news_of_its_business_account_reach_the_others(
    broken: WhatsAppAccount, account: WhatsAppAccount
) -> None:
    assert post(change("account_update", {"event": "ACCOUNT_DELETED"}, time=1767000000)).status_code == 200
    account.refresh_from_db()
    assert (account.state, only_row().state) == ("disconnected", "done")


def test_the_settings_own_number_waits_too(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "PHONE_NUMBER_ID": NUMBER}
    store(account, app_secret=GARBAGE)
    assert post(inbound(text_message())).status_code == 200
    assert only_row().state == "unrouted"
