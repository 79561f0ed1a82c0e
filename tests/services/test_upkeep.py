"""The tick finds what is due, hands it over once, and survives what fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Text
from django_meta_whatsapp.errors import QueueUnavailable
from django_meta_whatsapp.models import (
    AttemptState,
    CampaignStatus,
    RecipientStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppCampaignRun,
    WhatsAppContact,
    WhatsAppSendAttempt,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import clock, outbox_rows, tokens, unrouted, upkeep
from django_meta_whatsapp.services.campaigns import reconcile, runs

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=1)


def campaign(status: str, **fields: Any) -> WhatsAppCampaign:
    return WhatsAppCampaign.objects.create(name="Sale", status=status, **fields)


def runner_of(row: WhatsAppCampaign, lives: timedelta = LONG_AGO) -> WhatsAppCampaign:
    """Somebody who is at work on the campaign, or was until some time ago."""
    WhatsAppCampaignRun.objects.create(campaign=row, runner="host:1", expires_at=timezone.now() + lives)
    return row


def running(*statuses: str, **fields: Any) -> WhatsAppCampaign:
    """A running campaign whose recipients have these statuses."""
    row = campaign("running", frozen_at=timezone.now() - LONG_AGO)
    for number, status in enumerate(statuses):
        held = status in (RecipientStatus.LEASED, RecipientStatus.SENDING)
        WhatsAppCampaignRecipient.objects.create(
            campaign=row,
            identity=f"p:{number}",
            status=status,
            lease_expires_at=timezone.now() + LONG_AGO if held else None,
            **fields,
        )
    return row


def tick() -> list[int]:
    """The campaigns that one tick hands over."""
    found: list[int] = []
    assert upkeep.tick(found.append) == len(found)
    return found


def test_a_scheduled_campaign_is_handed_over_when_its_time_has_come() -> None:
    row = campaign("scheduled", scheduled_at=clock.now() + timedelta(minutes=5))
    assert tick() == []
    with clock.moved(timedelta(minutes=6)):
        assert tick() == [row.pk]
        assert tick() == []
    row.refresh_from_db()
    assert row.status == CampaignStatus.RUNNING


@pytest.mark.parametrize("status", ["draft", "paused", "completed", "failed", "cancelled"])
def test_campaigns_in_other_states_are_left_alone(status: str) -> None:
    campaign(status, scheduled_at=timezone.now() - LONG_AGO)
    assert tick() == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: running("pending", "accepted"),
        lambda: running("pending", not_before=timezone.now() - LONG_AGO),
        lambda: running("accepted", "unknown"),
    ],
    ids=["rows to send", "a row whose time has come", "nothing left but to end"],
)
def test_a_running_campaign_that_nobody_works_on_is_handed_over_once(
    make: Callable[[], WhatsAppCampaign],
) -> None:
    row = make()
    assert tick() == [row.pk]
    assert tick() == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: runner_of(running("pending", "leased")),
        lambda: runner_of(running("pending")),
        lambda: runner_of(running("accepted")),
        lambda: runner_of(campaign("running")),
        lambda: running("pending", not_before=timezone.now() + LONG_AGO),
        lambda: running("sending"),
    ],
    ids=["rows claimed", "no row claimed", "about to end", "freezing the audience", "not yet", "under way"],
)
def test_a_running_campaign_is_not_handed_over_while_it_has_to_wait(
    make: Callable[[], WhatsAppCampaign],
) -> None:
    make()
    assert tick() == []


def test_a_campaign_whose_runner_died_is_handed_over() -> None:
    row = runner_of(running("pending", "leased", "sending"), lives=-timedelta(seconds=1))
    assert tick() == [row.pk]


def test_a_campaign_that_was_handed_over_is_given_time() -> None:
    row = running("pending")
    assert tick() == [row.pk]
    with clock.moved(timedelta(seconds=29)):
        assert tick() == []
    with clock.moved(timedelta(seconds=31)):
        assert tick() == [row.pk]


def test_a_campaign_gets_as_many_runners_as_the_setting_says(settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "RUNNERS_PER_CAMPAIGN": 3}
    row = runner_of(running("pending"))
    found: list[int] = []
    upkeep.tick(found.append)
    assert found == [row.pk, row.pk]
    assert tick() == []


def test_a_campaign_that_waits_for_something_is_left_alone_until_then() -> None:
    row = running("pending")
    runs.wait_until(row.pk, clock.now() + timedelta(hours=5), "The budget.")
    assert tick() == []
    with clock.moved(timedelta(hours=6)):
        assert tick() == [row.pk]


def test_a_campaign_whose_runner_died_over_its_audience_is_handed_over() -> None:
    row = campaign("running")
    assert tick() == [row.pk]


def test_leases_that_ran_out_are_ended_and_the_campaign_goes_on() -> None:
    row = running("leased")
    past = timezone.now() - LONG_AGO
    WhatsAppCampaignRecipient.objects.update(lease_expires_at=past, lease="dead")
    assert tick() == [row.pk]
    assert WhatsAppCampaignRecipient.objects.get().status == RecipientStatus.PENDING


def test_restrictions_end_with_the_tick() -> None:
    WhatsAppAccount.objects.create(
        name="Shop", phone_number_id="1", state="restricted", restricted_until=timezone.now()
    )
    tick()
    assert WhatsAppAccount.objects.get().can_send


def unavailable(campaign_id: int) -> None:
    raise QueueUnavailable


def test_a_campaign_that_cannot_be_handed_over_stays_due() -> None:
    row = campaign("scheduled", scheduled_at=timezone.now() - LONG_AGO)
    assert upkeep.tick(unavailable) == 0
    row.refresh_from_db()
    assert row.status == CampaignStatus.SCHEDULED
    assert tick() == [row.pk]


def test_a_running_campaign_that_cannot_be_handed_over_is_tried_again_later() -> None:
    row = running("pending")
    assert upkeep.tick(unavailable) == 0
    assert tick() == []
    with clock.moved(timedelta(seconds=31)):
        assert tick() == [row.pk]


def test_one_part_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> tuple[int, int]:
        raise RuntimeError("the database is away")

    monkeypatch.setattr(reconcile, "expire_leases", fail)
    row = campaign("scheduled", scheduled_at=timezone.now() - LONG_AGO)
    log = WhatsAppWebhookLog.objects.create(body=b"{}", signature="")
    found: list[int] = []
    assert upkeep.tick(found.append) == 2
    assert found == [row.pk]
    log.refresh_from_db()
    assert log.state == "failed"


def under_way(account: WhatsAppAccount, since: timedelta) -> outbox_rows.Committed:
    """A message outside any campaign, whose sender has said nothing since."""
    contact, _ = WhatsAppContact.objects.get_or_create(phone="4512345678")
    committed = outbox_rows.commit(
        account,
        contact,
        Text("Hi"),
        "",
        call=None,  # type: ignore[arg-type]
        token=tokens.new_token(),
        dedupe_key=None,
    )
    assert isinstance(committed, outbox_rows.Committed)
    WhatsAppSendAttempt.objects.filter(pk=committed.attempt.pk).update(created_at=timezone.now() - since)
    return committed


@pytest.mark.django_db(transaction=True)
def test_a_message_whose_sender_died_is_unknown_and_one_under_way_is_left_alone(
    whatsapp_account: WhatsAppAccount,
) -> None:
    lost, young = under_way(whatsapp_account, LONG_AGO), under_way(whatsapp_account, timedelta(seconds=5))
    tick()
    assert (outbox_rows.reread(lost).status, outbox_rows.reread(young).status) == ("unknown", "sending")
    assert lost.message.error_message
    states = dict(WhatsAppSendAttempt.objects.values_list("pk", "state"))
    assert states == {lost.attempt.pk: AttemptState.UNKNOWN, young.attempt.pk: AttemptState.SENDING}
    # Its answer counts all the same, should it come after all.
    outbox_rows.settle_accepted(lost, {"messages": [{"id": "wamid.1"}]})
    message = outbox_rows.reread(lost)
    assert (message.status, message.message_id, message.error_message) == ("accepted", "wamid.1", "")


def test_what_is_looked_for_seldom_is_done_even_if_one_part_of_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> int:
        raise RuntimeError("a key that opens nothing")

    old = timezone.now() - timedelta(days=400)
    WhatsAppWebhookLog.objects.create(body=b"{}", state="done", received_at=old)
    monkeypatch.setattr(unrouted, "release", fail)
    monkeypatch.setattr(upkeep._Seldom, "due_at", 0.0)
    tick()
    assert not WhatsAppWebhookLog.objects.exists()
    WhatsAppWebhookLog.objects.create(body=b"{}", state="done", received_at=old)
    tick()
    assert WhatsAppWebhookLog.objects.exists()
