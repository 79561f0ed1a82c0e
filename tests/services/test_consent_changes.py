"""Opting out and in: the newest choice holds, a repetition changes nothing, and every change leaves its evidence."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import UserPreferenceEvent, parse
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppContactAccount,
)
from django_meta_whatsapp.services import consent, preferences, suppression
from django_meta_whatsapp.services.delivery import Delivery
from tests.payload_files import load_payload
from tests.services.choosing import MAYA, START, message, prefer, receive, standing, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[tuple[bool, str]]]:
    """opted_out and event_id of each whatsapp_preference_changed."""
    found: list[tuple[bool, str]] = []

    def hear(contact: WhatsAppContact, opted_out: bool, event_id: str, **kwargs: Any) -> None:
        found.append((opted_out, event_id))

    signals.whatsapp_preference_changed.connect(hear)
    yield found
    signals.whatsapp_preference_changed.disconnect(hear)


def opt_in_by_word(account: WhatsAppAccount, second: int) -> None:
    receive(account, message(text("Start"), second))


def opt_in_by_resume(account: WhatsAppAccount, second: int) -> None:
    prefer(account, "resume", second)


@pytest.mark.parametrize(("lift", "source"), [(opt_in_by_word, "word"), (opt_in_by_resume, "meta")])
def test_an_opt_in_word_and_metas_resume_lift_it(account: WhatsAppAccount, lift: Any, source: str) -> None:
    receive(account, message(text("stop"), 1))
    lift(account, 2)
    assert standing() == (False, False)
    newest = WhatsAppConsentEvent.objects.first()
    assert newest is not None
    assert (newest.kind, newest.source, newest.marketing_only) == ("opted_in", source, False)
    assert WhatsAppConsentEvent.objects.count() == 2


def test_metas_stop_is_about_marketing_and_leaves_its_evidence(account: WhatsAppAccount) -> None:
    prefer(account, "stop", 1)
    assert standing() == (False, True)
    event = WhatsAppConsentEvent.objects.get()
    assert (event.kind, event.source, event.marketing_only) == ("opted_out", "meta", True)


def test_an_opt_in_word_takes_back_a_stop(account: WhatsAppAccount) -> None:
    prefer(account, "stop", 1)
    opt_in_by_word(account, 2)
    assert standing() == (False, False)


WISHES = [("out", 1), ("in", 2), ("resume", 3), ("out", 4)]


@pytest.mark.parametrize("order", list(itertools.permutations(WISHES)))
def test_the_newest_choice_holds_in_any_order(
    account: WhatsAppAccount, order: tuple[tuple[str, int], ...]
) -> None:
    for wish, second in order:
        if wish == "resume":
            prefer(account, wish, second)
        else:
            receive(account, message(text("stop" if wish == "out" else "start"), second))
    assert standing() == (True, True)
    row = WhatsAppContactAccount.objects.get()
    newest = datetime.fromtimestamp(START + 4, UTC)
    assert (row.marketing_changed_at, row.contact.opted_out_changed_at) == (newest, newest)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_in_one_webhook_the_newest_holds_and_each_change_is_told(
    account: WhatsAppAccount,
    order: tuple[int, ...],
    heard: list[tuple[bool, str]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    words = {1: "stop", 2: "start", 3: "stop"}
    with django_capture_on_commit_callbacks(execute=True):
        receive(account, *[message(text(words[second]), second) for second in order])
    assert standing() == (True, True)
    assert heard == [(True, "word:wamid.1"), (False, "word:wamid.2"), (True, "word:wamid.3")]


def test_a_redelivery_changes_nothing(
    account: WhatsAppAccount, heard: list[tuple[bool, str]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        receive(account, message(text("stop"), 1))
        receive(account, message(text("start"), 2))
        receive(account, message(text("stop"), 1))
    assert standing() == (False, False)
    assert WhatsAppConsentEvent.objects.count() == 2
    assert heard == [(True, "word:wamid.1"), (False, "word:wamid.2")]


def test_a_second_try_tells_again_what_changed_something_and_nothing_else(
    account: WhatsAppAccount, heard: list[tuple[bool, str]], django_capture_on_commit_callbacks: Any
) -> None:
    receive(account, message(text("start"), 3))
    receive(account, message(text("stop"), 2))
    receive(account, message(text("stop"), 4))
    with django_capture_on_commit_callbacks(execute=True):
        receive(account, message(text("stop"), 2), message(text("stop"), 4), again=True)
    assert heard == [(True, "word:wamid.4")]
    assert WhatsAppConsentEvent.objects.count() == 1


def test_refused_marketing_is_an_opt_out_of_marketing(account: WhatsAppAccount) -> None:
    person = WhatsAppContact.objects.create(phone=MAYA)
    consent.note_refusals(account, {person.pk: "dmw1.token"}, datetime.now(UTC))
    assert standing() == (False, True)
    event = WhatsAppConsentEvent.objects.get()
    assert (event.source, event.text, event.event_id) == ("error", "131050", "refused:dmw1.token")


def test_an_opt_out_at_one_number_holds_for_all_but_the_marketing_of_others_is_marked_there_only(
    account: WhatsAppAccount,
) -> None:
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="9", waba_id="9")
    receive(account, message(text("stop")))
    assert f"p:{MAYA}" in suppression.refusals(other, [f"p:{MAYA}"], category="MARKETING")
    assert not WhatsAppContactAccount.objects.filter(account=other).exists()


def test_evidence_is_neither_changed_nor_deleted(account: WhatsAppAccount) -> None:
    receive(account, message(text("stop")))
    event = WhatsAppConsentEvent.objects.get()
    event.kind = "opted_in"
    with pytest.raises(TypeError, match="not changed"):
        event.save()
    with pytest.raises(TypeError, match="only with its contact"):
        event.delete()
    assert WhatsAppConsentEvent.objects.get().kind == "opted_out"


def test_it_goes_with_its_contact(account: WhatsAppAccount) -> None:
    receive(account, message(text("stop")))
    WhatsAppContact.objects.get().delete()
    assert not WhatsAppConsentEvent.objects.exists()


def test_who_opts_somebody_out_by_hand_is_written_down(
    admin_client: Client, heard: list[tuple[bool, str]], django_capture_on_commit_callbacks: Any
) -> None:
    person = WhatsAppContact.objects.create(phone=MAYA)
    inlines = {
        f"{name}-{part}_FORMS": 0
        for name in ("identities", "account_states")
        for part in ("TOTAL", "INITIAL")
    }
    address = f"/admin/django_meta_whatsapp/whatsappcontact/{person.pk}/change/"
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(address, {"phone": f"+{MAYA}", "opted_out": "on", **inlines})
    assert answer.status_code == 302
    event = WhatsAppConsentEvent.objects.get()
    assert (event.contact, event.account, event.kind) == (person, None, "opted_out")
    assert (event.source, event.text, event.marketing_only) == ("person", "admin", False)
    assert heard == [(True, event.event_id)]
    person.refresh_from_db()
    assert person.opted_out_changed_at == event.happened_at
    admin_client.post(address, {"phone": f"+{MAYA}", "name": "Maya", "opted_out": "on", **inlines})
    assert WhatsAppConsentEvent.objects.count() == 1


def test_who_stops_the_marketing_of_a_number_by_hand_is_written_down(
    account: WhatsAppAccount, admin_client: Client
) -> None:
    receive(account, message(text("hi")))
    row = WhatsAppContactAccount.objects.get()
    given = {"contact": row.contact_id, "account": account.pk, "marketing_opted_out": "on"}
    address = f"/admin/django_meta_whatsapp/whatsappcontactaccount/{row.pk}/change/"
    assert admin_client.post(address, given).status_code == 302
    assert standing() == (False, True)
    event = WhatsAppConsentEvent.objects.get()
    assert (event.account, event.source, event.marketing_only) == (account, "person", True)
    prefer(account, "resume", 1)
    assert standing() == (False, True)


@pytest.mark.parametrize("name", ["user_preferences__stop", "user_preferences__resume"])
def test_metas_own_words_are_kept(account: WhatsAppAccount, name: str) -> None:
    body = load_payload(name)
    [wish] = body["entry"][0]["changes"][0]["value"]["user_preferences"]
    if wish["value"] == "resume":
        prefer(account, "stop", -1000)
    events = [event for event in parse(body) if isinstance(event, UserPreferenceEvent)]
    preferences.apply(account, events, Delivery(received_at=datetime.now(UTC)))
    newest = WhatsAppConsentEvent.objects.first()
    assert newest is not None
    assert newest.text == wish["detail"]
