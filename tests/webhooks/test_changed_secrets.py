"""What the door let in under an app secret stays let in, whatever becomes of the secret before it is applied."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from django_meta_whatsapp.services import journal, replay, signatures
from tests.webhooks.journal_rows import only_row
from tests.webhooks.posting import NUMBER, SECRET, WABA, change, encoded, inbound, post, text_message

pytestmark = pytest.mark.usefixtures("both_doors")

BODY = encoded(inbound(text_message()))
Change = Callable[[WhatsAppAccount, Any], None]


def _of_settings(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "APP_SECRET": "new-secret"}


def _by_save(account: WhatsAppAccount, settings: Any) -> None:
    account.app_secret = "new-secret"
    account.save()


def _by_a_save_of_that_field(account: WhatsAppAccount, settings: Any) -> None:
    account.app_secret = "new-secret"
    account.save(update_fields=["app_secret"])


def _by_update(account: WhatsAppAccount, settings: Any) -> None:
    WhatsAppAccount.objects.filter(pk=account.pk).update(app_secret="new-secret")


def _taken_away(account: WhatsAppAccount, settings: Any) -> None:
    account.app_secret = ""
    account.save()


CHANGES = [
    pytest.param("", _of_settings, id="the settings'"),
    pytest.param("", _by_save, id="the settings' by its own"),
    pytest.param("", _by_a_save_of_that_field, id="the settings' by its own, that field alone"),
    pytest.param("old-secret", _by_save, id="its own"),
    pytest.param("old-secret", _by_update, id="its own, in bulk"),
    pytest.param("old-secret", _taken_away, id="its own by the settings'"),
]


def let_in(account: WhatsAppAccount, secret: str) -> WhatsAppWebhookLog:
    account.app_secret = secret
    account.save()
    assert post(BODY, secret=secret or SECRET).status_code == 200
    return only_row()


@pytest.mark.parametrize(("secret", "change"), CHANGES)
def test_what_waits_while_the_secret_changes_is_applied(
    account: WhatsAppAccount, by_the_worker: None, settings: Any, secret: str, change: Change
) -> None:
    row = let_in(account, secret)
    change(account, settings)
    assert journal.process(row.pk)
    assert (only_row().state, WhatsAppMessage.objects.get().account) == ("done", account)


@pytest.mark.parametrize(("secret", "change"), CHANGES)
def test_a_replay_after_the_secret_changed_changes_nothing(
    account: WhatsAppAccount, settings: Any, secret: str, change: Change
) -> None:
    row = let_in(account, secret)
    change(account, settings)
    replay.replay(replay.Selection(first=row.pk), on_progress=lambda *done: None)
    assert (only_row().state, only_row().unrouted_count) == ("done", 0)
    assert WhatsAppMessage.objects.count() == 1


def test_a_number_of_the_settings_without_a_row_gets_what_waited_too(
    transactional_db: None, by_the_worker: None, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "PHONE_NUMBER_ID": NUMBER}
    assert post(BODY).status_code == 200
    settings.WHATSAPP = {**settings.WHATSAPP, "APP_SECRET": "new-secret"}
    assert journal.process(only_row().pk)
    assert only_row().state == "done"


def test_the_secret_of_one_account_never_speaks_for_another(
    account: WhatsAppAccount, by_the_worker: None, settings: Any
) -> None:
    WhatsAppAccount.objects.create(name="Other", phone_number_id="2", app_secret="other-secret")
    assert post(BODY, secret="other-secret").status_code == 200
    _by_save(account, settings)
    assert journal.process(only_row().pk)
    assert only_row().state == "unrouted"


def test_the_settings_secret_does_not_speak_for_an_account_that_had_its_own_by_then(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    account.app_secret = "own-secret"
    account.save()
    late = timezone.now() - timedelta(minutes=1)
    WhatsAppAccount.objects.filter(pk=account.pk).update(own_secret_since=late)
    assert post(BODY).status_code == 200
    assert journal.process(only_row().pk)
    assert only_row().state == "unrouted"


def test_nor_for_one_that_came_with_its_own(transactional_db: None, by_the_worker: None) -> None:
    assert post(BODY).status_code == 200
    WhatsAppAccount.objects.create(name="Shop", phone_number_id=NUMBER, app_secret="own-secret")
    assert journal.process(only_row().pk)
    assert only_row().state == "unrouted"


def _other_app(settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "APP_SECRET": "new-secret"}


def test_the_settings_secret_of_before_does_not_speak_for_an_account_that_came_after_it(
    account: WhatsAppAccount, by_the_worker: None, settings: Any
) -> None:
    assert post(inbound(text_message(), number="777")).status_code == 200
    _other_app(settings)
    WhatsAppAccount.objects.create(name="Later", phone_number_id="777")
    assert journal.process(only_row().pk)
    assert only_row().state == "unrouted"


@pytest.mark.parametrize("secret", ["", "own-secret"])
def test_nor_for_one_that_becomes_another_number_after_it(
    account: WhatsAppAccount, by_the_worker: None, settings: Any, secret: str
) -> None:
    account.app_secret = secret
    account.save()
    assert post(inbound(text_message(), number="777"), secret=secret or SECRET).status_code == 200
    _other_app(settings)
    account.phone_number_id, account.app_secret = "777", secret and "new-secret"
    account.save()
    assert journal.process(only_row().pk)
    assert only_row().state == "unrouted"


@pytest.mark.parametrize("field", ["waba_id", "portfolio_id"])
def test_nor_for_one_that_joins_another_business_after_it(
    account: WhatsAppAccount, by_the_worker: None, field: str
) -> None:
    account.app_secret = "own-secret"
    account.save()
    ban = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
    assert post(change("account_update", ban, waba="778"), secret="own-secret").status_code == 200
    setattr(account, field, "778")
    account.app_secret = "new-secret"
    account.save(update_fields=[field, "app_secret"])
    assert journal.process(only_row().pk)
    assert (only_row().state, WhatsAppAccount.objects.get().state) == ("unrouted", "connected")


def test_nor_for_one_that_has_the_key_of_another_that_is_gone(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    let_in(account, "own-secret")
    key = account.pk
    account.delete()
    WhatsAppAccount(pk=key, name="Other", phone_number_id=NUMBER, app_secret="new-secret").save()
    assert journal.process(only_row().pk)
    assert only_row().state == "unrouted"


def test_after_a_change_of_its_number_notes_count_when_every_process_has_read_the_secrets(
    account: WhatsAppAccount,
) -> None:
    account.phone_number_id, account.app_secret = "777", "own-secret"
    account.save()
    changed = account.identity_since
    assert changed is not None
    ages = [-1, 0, signatures.REFRESH_SECONDS, signatures.REFRESH_SECONDS + 1]
    proofs = [
        signatures.Signature(BODY, "sha256=", str(account.pk), changed + timedelta(seconds=age))
        for age in ages
    ]
    assert [proof.covers(account) for proof in proofs] == [False, False, False, True]
    assert signatures.Signature(BODY, "sha256=", str(account.pk)).covers(account) is False


def test_all_that_waited_for_the_settings_number_finds_the_row_that_the_first_makes(
    transactional_db: None, by_the_worker: None, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "PHONE_NUMBER_ID": NUMBER, "WABA_ID": WABA}
    ban = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
    for body in (change("account_update", ban), BODY, encoded(inbound(text_message("wamid.2")))):
        assert post(body).status_code == 200
    _other_app(settings)
    for key in WhatsAppWebhookLog.objects.order_by("pk").values_list("pk", flat=True):
        assert journal.process(key)
    assert set(WhatsAppWebhookLog.objects.values_list("state", flat=True)) == {"done"}
    assert WhatsAppAccount.objects.get().state == "disabled"


def test_a_save_that_tells_nothing_new_of_its_identity_leaves_the_notes_alone(
    account: WhatsAppAccount, django_assert_num_queries: Any
) -> None:
    # The row, and whether somebody waits for it.
    with django_assert_num_queries(2):
        account.save(update_fields=["name", "state"])
    with django_assert_num_queries(3):
        account.save()
    account.waba_id = "778"
    account.save(update_fields=["name"])
    assert WhatsAppAccount.objects.get().identity_since is None


def test_another_secret_of_its_own_is_no_new_beginning(account: WhatsAppAccount, settings: Any) -> None:
    let_in(account, "old-secret")
    began = WhatsAppAccount.objects.get().own_secret_since
    _by_save(account, settings)
    assert began is not None
    assert WhatsAppAccount.objects.get().own_secret_since == began


def test_accounts_that_share_a_secret_of_their_own_share_what_it_signed(
    account: WhatsAppAccount, by_the_worker: None, settings: Any
) -> None:
    for number in ("2", "3"):
        WhatsAppAccount.objects.create(name=number, phone_number_id=number, app_secret="shared")
    body = inbound(text_message("wamid.2"), number="2")
    body["entry"] += inbound(text_message("wamid.3"), number="3")["entry"]
    assert post(body, secret="shared").status_code == 200
    WhatsAppAccount.objects.filter(phone_number_id="3").update(app_secret="new")
    assert journal.process(only_row().pk)
    assert sorted(WhatsAppMessage.objects.values_list("message_id", "account__name")) == [
        ("wamid.2", "2"),
        ("wamid.3", "3"),
    ]


def test_of_very_many_that_share_one_the_present_secret_decides(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "_MOST_NAMED", 1)
    for number in ("2", "3"):
        WhatsAppAccount.objects.create(name=number, phone_number_id=number, app_secret="shared")
    assert post(inbound(text_message(), number="2"), secret="shared").status_code == 200
    assert only_row().signed_for == signatures.NOBODY
    assert journal.process(only_row().pk)
    assert only_row().state == "done"


def test_the_journal_keeps_no_secret_and_no_digest_of_one(account: WhatsAppAccount) -> None:
    assert let_in(account, "own-secret").signed_for == str(account.pk)
    assert post(inbound(text_message("wamid.2"))).status_code == 200
    assert WhatsAppWebhookLog.objects.latest("pk").signed_for == "*"
