"""Only what Meta signed gets in. The rest is refused, and leaves no trace."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from django_meta_whatsapp.services import journal, signatures
from tests.webhooks.posting import SECRET, encoded, inbound, post, text_message

pytestmark = pytest.mark.usefixtures("both_doors")

BODY = encoded(inbound(text_message()))
OTHER_BODY = encoded(inbound(text_message("wamid.OTHER")))
GOOD = sign(SECRET, BODY)


def stored() -> tuple[int, int]:
    return WhatsAppWebhookLog.objects.count(), WhatsAppMessage.objects.count()


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        GOOD.removeprefix("sha256="),
        GOOD[:-1],
        GOOD + "0",
        GOOD.upper(),
        GOOD.replace("sha256", "sha1"),
        sign("somebody else's secret", BODY),
        sign("", BODY),
        sign(SECRET, OTHER_BODY),
        sign(SECRET, BODY + b"\n"),
        "sha256=\u00e9",
    ],
    ids=[
        "missing",
        "empty",
        "without prefix",
        "truncated",
        "longer",
        "upper case",
        "of another kind",
        "wrong secret",
        "empty secret",
        "of another body",
        "of a longer body",
        "not ASCII",
    ],
)
def test_a_wrong_or_missing_signature_is_refused_and_nothing_is_stored(
    account: WhatsAppAccount, signature: str
) -> None:
    assert post(BODY, signature=signature).status_code == 403
    assert stored() == (0, 0)


def test_a_good_signature_gets_in(account: WhatsAppAccount) -> None:
    answer = post(BODY, signature=GOOD)
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert stored() == (1, 1)


def test_the_signature_is_that_of_the_bytes_as_they_came(account: WhatsAppAccount) -> None:
    spaced = BODY.replace(b'"hi"', b'"\\u0068i \\ud83d\\ude00 \\/"')
    assert post(spaced).status_code == 200
    assert WhatsAppMessage.objects.get().content["body"] == "hi \U0001f600 /"
    assert bytes(WhatsAppWebhookLog.objects.get().body) == spaced


def test_without_any_secret_the_door_is_shut(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "APP_SECRET": ""}
    assert post(BODY, signature="").status_code == 403
    assert post(BODY, signature=GOOD).status_code == 403
    assert post(BODY, secret="").status_code == 403
    assert stored() == (0, 0)


def test_an_explicit_setting_opens_it_for_local_play(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "APP_SECRET": "", "ALLOW_UNSIGNED_WEBHOOKS": True}
    assert post(BODY, signature="").status_code == 200
    assert post(OTHER_BODY, signature="sha256=nonsense").status_code == 200
    assert stored() == (2, 2)


def test_the_setting_does_not_let_a_wrong_signature_in(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "ALLOW_UNSIGNED_WEBHOOKS": True}
    assert post(BODY, secret="wrong").status_code == 403
    assert post(BODY, signature="").status_code == 200
    assert stored() == (1, 1)


def test_an_account_with_a_secret_of_its_own_goes_by_it(account: WhatsAppAccount) -> None:
    account.app_secret = "own-secret"
    account.save()
    assert post(BODY, secret="own-secret").status_code == 200
    assert stored() == (1, 1)


def test_another_app_s_secret_says_nothing_about_the_account(account: WhatsAppAccount) -> None:
    account.app_secret = "own-secret"
    account.save()
    assert post(BODY, secret=SECRET).status_code == 200
    row = WhatsAppWebhookLog.objects.get()
    assert (row.state, row.event_count, row.unrouted_count) == ("unrouted", 1, 1)
    assert WhatsAppMessage.objects.count() == 0


def test_the_own_secret_of_one_account_says_nothing_about_the_settings_accounts(
    account: WhatsAppAccount,
) -> None:
    WhatsAppAccount.objects.create(name="Other", phone_number_id="2", app_secret="other-secret")
    assert post(BODY, secret="other-secret").status_code == 200
    assert WhatsAppMessage.objects.count() == 0
    assert post(inbound(text_message(), number="2"), secret="other-secret").status_code == 200
    assert WhatsAppMessage.objects.get().account.name == "Other"


def rotate_by_save(account: WhatsAppAccount) -> None:
    account.app_secret = "new-secret"
    account.save()


def rotate_in_another_process(account: WhatsAppAccount) -> None:
    WhatsAppAccount.objects.filter(pk=account.pk).update(app_secret="new-secret")


@pytest.mark.parametrize("rotate", [rotate_by_save, rotate_in_another_process])
def test_a_new_secret_holds_at_once(
    account: WhatsAppAccount, rotate: Callable[[WhatsAppAccount], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    account.app_secret = "old-secret"
    account.save()
    assert post(BODY, secret="old-secret").status_code == 200
    rotate(account)
    monkeypatch.setattr(signatures, "_REREAD_SECONDS", -1.0)
    assert post(OTHER_BODY, secret="new-secret").status_code == 200
    assert stored() == (2, 2)


def test_a_secret_that_was_replaced_holds_no_more(account: WhatsAppAccount) -> None:
    account.app_secret = "old-secret"
    account.save()
    rotate_by_save(account)
    assert post(BODY, secret="old-secret").status_code == 403
    assert stored() == (0, 0)


def test_what_a_door_still_lets_in_that_has_not_heard_of_the_new_secret_is_applied(
    account: WhatsAppAccount,
) -> None:
    account.app_secret = "old-secret"
    account.save()
    assert post(BODY, secret="old-secret").status_code == 200
    rotate_in_another_process(account)
    post(OTHER_BODY, secret="old-secret")
    assert [row.state for row in WhatsAppWebhookLog.objects.order_by("pk")] == ["done", "done"]
    assert WhatsAppMessage.objects.count() == 2


def test_a_door_that_has_not_heard_of_a_new_secret_takes_the_old_one_for_half_a_minute_only(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.app_secret = "old-secret"
    account.save()
    assert post(BODY, secret="old-secret").status_code == 200
    rotate_in_another_process(account)
    later = time.monotonic() + signatures.REFRESH_SECONDS + 1
    monkeypatch.setattr(signatures.time, "monotonic", lambda: later)
    assert post(OTHER_BODY, secret="old-secret").status_code == 403
    assert stored() == (1, 1)


def test_a_deleted_account_s_secret_holds_no_more(account: WhatsAppAccount) -> None:
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2", app_secret="other-secret")
    assert post(BODY, secret="other-secret").status_code == 200
    other.delete()
    assert post(OTHER_BODY, secret="other-secret").status_code == 403


def test_secrets_are_not_read_again_for_each_request(
    account: WhatsAppAccount, django_assert_num_queries: Any
) -> None:
    assert signatures.judged(BODY, GOOD)
    with django_assert_num_queries(0):
        assert signatures.judged(BODY, GOOD)
        assert not signatures.judged(BODY, sign("wrong", BODY))


def test_an_unsigned_event_that_waits_until_they_are_forbidden_counts_for_nobody(
    account: WhatsAppAccount,
) -> None:
    row = WhatsAppWebhookLog.objects.create(body=BODY, signature="")
    assert journal.process(row.pk)
    row.refresh_from_db()
    assert (row.state, row.unrouted_count) == ("unrouted", 1)
    assert not WhatsAppMessage.objects.exists()
