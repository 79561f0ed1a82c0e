"""Events that name no business number: for the only one of their business account, or for nobody."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppMessage,
    WhatsAppUnroutedTarget,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import journal, replay_threads, unrouted
from tests.webhooks.posting import WABA, change, inbound, post, text_message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_test() -> Iterator[None]:
    yield
    replay_threads.close()


def number(number_id: str, **fields: Any) -> WhatsAppAccount:
    return WhatsAppAccount.objects.create(name=number_id, phone_number_id=number_id, **fields)


def states() -> list[str]:
    return list(WhatsAppWebhookLog.objects.order_by("pk").values_list("state", flat=True))


def waiting_for() -> set[str]:
    return set(WhatsAppUnroutedTarget.objects.values_list("target", flat=True))


def without_number(body: dict[str, Any]) -> dict[str, Any]:
    for part in body["entry"][0]["changes"]:
        del part["value"]["metadata"]
    return body


def test_events_without_any_id_are_parked_as_they_can_wait_for_nobody(account: WhatsAppAccount) -> None:
    nameless = inbound(text_message())
    nameless["entry"][0] = {**without_number(nameless)["entry"][0], "id": ""}
    post(nameless)
    for waba in ("", "9" * 200):
        post(change("account_update", {"event": "ACCOUNT_DELETED"}, waba=waba))
    rows = WhatsAppWebhookLog.objects.all()
    assert [(row.state, row.not_before, row.unrouted_count) for row in rows] == [("failed", None, 1)] * 3
    assert all("names neither a number nor a business account" in row.error for row in rows)
    assert waiting_for() == set()


def test_an_event_that_names_no_number_is_for_the_only_one_of_its_business_account(
    account: WhatsAppAccount,
) -> None:
    post(without_number(inbound(text_message())))
    assert states() == ["done"]
    assert WhatsAppMessage.objects.get().account == account


def test_where_there_are_two_it_waits_until_there_is_one(account: WhatsAppAccount) -> None:
    other = number("2", waba_id=WABA)
    post(without_number(inbound(text_message())))
    assert (states(), waiting_for()) == (["unrouted"], {WABA})
    other.waba_id = "999"
    other.save()
    replay_threads.close()
    unrouted.release()
    journal.process_due()
    assert states() == ["done"]
    assert WhatsAppMessage.objects.get().account == account


def test_a_number_of_another_app_makes_it_no_less_two(account: WhatsAppAccount) -> None:
    number("2", waba_id=WABA, app_secret="other-secret")
    post(without_number(inbound(text_message())))
    assert states() == ["unrouted"]


def test_an_event_without_number_counts_only_when_the_account_s_secret_signed_it(
    account: WhatsAppAccount,
) -> None:
    number("2", waba_id="2", app_secret="other-secret")
    post(without_number(inbound(text_message())), secret="other-secret")
    assert states() == ["unrouted"]
    assert not WhatsAppMessage.objects.exists()
