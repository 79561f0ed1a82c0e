"""How calls end, and what that does to the row, the run and the campaign. Faults come from the simulator."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.errors import RetryLaterError, RetryNowError
from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppMessage,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import guard, outcomes, runner
from django_meta_whatsapp.services.campaigns.states import Counts
from django_meta_whatsapp.services.pacing.rules import PAIR_INTERVAL, PAIR_MARGIN
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.outcome_words import fresh, rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one_by_one(settings: Any) -> None:
    """One call at a time, and no waiting for rows that may go later."""
    settings.WHATSAPP = {**settings.WHATSAPP, "SEND_CONCURRENCY": 1, "RUN_MAX_WAIT": 0.0}


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("code", [131026, 130497, 131021, 131009, 132000])
def test_an_error_of_one_recipient_fails_that_row_and_no_other(
    simulator: SimulatorServer, make_campaign: MakeCampaign, code: int
) -> None:
    campaign = make_campaign(people=3)
    simulator.control.fail(code, count=1, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=2, failed=1)
    assert rows(campaign) == [("failed", code, 1), ("accepted", None, 1), ("accepted", None, 1)]
    failed = campaign.recipients.get(status="failed")
    assert failed.failed_at
    assert str(code) in failed.error_message
    assert failed.chat_message
    assert (failed.chat_message.status, failed.chat_message.error_code) == ("failed", code)
    assert failed.attempts.get().state == AttemptState.REJECTED
    assert fresh(campaign).status == "completed"


def test_a_campaign_whose_every_message_was_rejected_has_failed(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=3)
    simulator.control.fail(131026, count=None, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=0, failed=3)
    assert (fresh(campaign).status, fresh(campaign).status_reason) == (
        "failed",
        "Everything that was sent was rejected.",
    )


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize(
    ("code", "kind"),
    [(132015, "template"), (132001, "template"), (131031, "account"), (368, "account"), (190, "auth")],
)
def test_trouble_with_template_account_or_token_pauses_the_campaign_and_burns_nobody(
    simulator: SimulatorServer, make_campaign: MakeCampaign, code: int, kind: str
) -> None:
    heard: list[tuple[str, str]] = []

    def listener(campaign: WhatsAppCampaign, reason: str, **_: Any) -> None:
        heard.append((campaign.status, reason))

    campaign = make_campaign(people=4)
    simulator.control.fail(code, count=1, path="messages")
    signals.whatsapp_campaign_paused.connect(listener)
    try:
        assert runner.run(campaign.pk) == Counts(sent=0, failed=0)
    finally:
        signals.whatsapp_campaign_paused.disconnect(listener)
    paused = fresh(campaign)
    assert paused.status == "paused"
    assert str(code) in paused.status_reason
    assert heard == [("paused", paused.status_reason)]
    assert [status for status, _, _ in rows(campaign)] == ["pending"] * 4
    assert campaign.recipients.order_by("pk")[0].error_class == kind
    # The trouble is over, also by what is known of the template: a run goes on, and nobody is messaged twice.
    WhatsAppTemplate.objects.update(status="APPROVED")
    assert runner.run(campaign.pk) == Counts(sent=4, failed=0)
    assert {person["count"] for person in simulator.control.people().values()} == {1}
    assert (fresh(campaign).status, fresh(campaign).status_reason) == ("completed", "")


def test_trouble_that_is_told_during_a_look_at_the_rows_is_not_forgotten(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's look finds nothing, and while it asks the database a call is refused for all."""
    campaign = make_campaign(people=3)
    simulator.control.fail(190, count=1, path="messages")
    told = Event()
    failed, look = outcomes.failed, guard.Guard.look

    def failed_and_told(*arguments: Any) -> Any:
        told.set()
        return failed(*arguments)

    def long_look(watched: guard.Guard) -> Any:
        found = look(watched)
        told.wait(20)
        return found

    monkeypatch.setattr(outcomes, "failed", failed_and_told)
    monkeypatch.setattr(guard.Guard, "look", long_look)
    runner.run(campaign.pk)
    assert fresh(campaign).status == "paused"


def test_a_token_revoked_mid_run_pauses_and_the_rest_stays_pending(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=60)

    def revoke(progress: Any) -> None:
        if progress.sent:
            simulator.control.token("simulator-token", revoked=True)

    counts = runner.run(campaign.pk, on_progress=revoke)
    assert 0 < counts.sent < 60
    assert fresh(campaign).status == "paused"
    statuses = [status for status, _, _ in rows(campaign)]
    assert statuses.count("pending") == 60 - counts.sent
    simulator.control.token("simulator-token", revoked=False)
    assert runner.run(campaign.pk) == Counts(sent=60, failed=0)
    assert {person["count"] for person in simulator.control.people().values()} == {1}


def test_a_template_paused_mid_run_stops_the_campaign(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=60)

    def pause(progress: Any) -> None:
        if progress.sent:
            simulator.control.template("order_update", status="PAUSED")

    counts = runner.run(campaign.pk, on_progress=pause)
    assert 0 < counts.sent < 60
    assert fresh(campaign).status == "paused"
    assert "132015" in fresh(campaign).status_reason


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("code", [130429, 131016, 80007, 2])
def test_a_passing_rejection_is_tried_again_until_it_goes(
    simulator: SimulatorServer, make_campaign: MakeCampaign, code: int
) -> None:
    campaign = make_campaign(people=3)
    simulator.control.fail(code, count=2, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=3, failed=0)
    assert {person["count"] for person in simulator.control.people().values()} == {1}
    assert WhatsAppSendAttempt.objects.filter(state=AttemptState.REJECTED, error_code=code).count() == 2
    # One message in the chat, however often it was tried.
    assert WhatsAppMessage.objects.count() == 3
    assert {(status, error) for status, error, _ in rows(campaign)} == {("accepted", None)}


@pytest.mark.usefixtures("impatient")
def test_a_recipient_who_is_refused_too_often_has_failed(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "MAX_ATTEMPTS": 2}
    campaign = make_campaign(people=1)
    simulator.control.fail(131016, count=None, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=0, failed=1)
    assert rows(campaign) == [("failed", 131016, 2)]


@pytest.mark.usefixtures("one_by_one")
def test_a_recipient_who_must_wait_a_day_is_left_for_the_next_day(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=2)
    simulator.control.fail(131049, count=1, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=1, failed=0)
    assert fresh(campaign).status == "running"
    waiting = campaign.recipients.get(status="pending")
    assert waiting.not_before
    assert waiting.not_before - clock.now() > timedelta(hours=23)
    assert runner.run(campaign.pk) == Counts(sent=1, failed=0)
    with clock.moved(timedelta(hours=25)):
        assert runner.run(campaign.pk) == Counts(sent=2, failed=0)
    assert fresh(campaign).status == "completed"


def test_backoff_grows_and_never_undercuts_meta() -> None:
    soon, later = RetryNowError("x", code=131016), RetryLaterError("x", code=4)
    pair = RetryNowError("x", code=131056)
    told = RetryLaterError("x", code=131049, retry_after=86400.0)
    for attempt in (1, 2, 3):
        assert 0.75 * 2 ** (attempt - 1) <= outcomes.backoff(soon, attempt) <= 1.25 * 2 ** (attempt - 1)
        assert 0.75 * 4 ** (attempt - 1) <= outcomes.backoff(pair, attempt) <= 1.25 * 4 ** (attempt - 1)
    assert 45 <= outcomes.backoff(later, 1) <= 75
    assert outcomes.backoff(later, 20) == 3600.0
    assert outcomes.backoff(told, 1) == 86400.0


@pytest.mark.usefixtures("one_by_one")
def test_whoever_has_stopped_marketing_as_meta_s_refusal_says_gets_no_more_of_it(
    simulator: SimulatorServer, make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount
) -> None:
    heard: list[tuple[Any, bool]] = []

    def hear(contact: Any, opted_out: bool, **kwargs: Any) -> None:
        heard.append((contact, opted_out))

    WhatsAppTemplate.objects.update(category="MARKETING")
    campaign = make_campaign(people=2)
    simulator.control.fail(131050, count=1, path="messages")
    signals.whatsapp_preference_changed.connect(hear)
    try:
        assert runner.run(campaign.pk) == Counts(sent=1, failed=1)
    finally:
        signals.whatsapp_preference_changed.disconnect(hear)
    refused = campaign.recipients.get(status="failed")
    stopped = WhatsAppContactAccount.objects.filter(account=whatsapp_account, marketing_opted_out=True)
    assert [row.contact for row in stopped] == [refused.contact]
    assert heard == [(refused.contact, True)]
    assert runner.run(make_campaign(people=2).pk) == Counts(sent=1, failed=0)


@pytest.mark.usefixtures("one_by_one")
def test_a_campaign_that_somebody_pauses_gives_back_all_that_it_has_claimed(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    WhatsAppAccount.objects.update(throughput=4)
    campaign = make_campaign(people=2)

    def pause(**kwargs: Any) -> None:
        WhatsAppCampaign.objects.update(status="paused")

    signals.whatsapp_message_sent.connect(pause)
    try:
        assert runner.run(campaign.pk) == Counts(sent=1, failed=0)
    finally:
        signals.whatsapp_message_sent.disconnect(pause)
    assert rows(campaign) == [("accepted", None, 1), ("pending", None, 0)]


def test_somebody_who_opts_out_after_the_freezing_is_skipped(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=3)
    simulator.control.fail(190, count=None, path="messages")
    runner.run(campaign.pk)
    simulator.control.clear_faults()
    WhatsAppContact.objects.filter(phone="4520000001").update(opted_out=True)
    WhatsAppContact.objects.filter(phone="4520000002").delete()
    assert runner.run(campaign.pk) == Counts(sent=1, failed=1)
    skipped = campaign.recipients.get(status="skipped")
    assert (skipped.phone_number, skipped.skip_reason) == ("4520000001", "opted_out")
    erased = campaign.recipients.get(status="failed")
    assert "contact was deleted" in erased.error_message
    assert list(simulator.control.people()) == ["4520000000"]
    assert fresh(campaign).skipped_count == 1


def test_a_number_that_is_too_fast_slows_down_and_everybody_still_gets_one(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    simulator.control.number("222000222000222", throughput=20)
    WhatsAppAccount.objects.update(throughput=200)
    campaign = make_campaign(people=60)
    assert runner.run(campaign.pk) == Counts(60, 0)
    assert WhatsAppSendAttempt.objects.filter(error_code=130429).exists()
    assert {person["count"] for person in simulator.control.people().values()} == {1}


def test_meta_s_other_number_for_a_person_is_learnt(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign("phone,name,order\n+5531912345678,Ana,1\n")
    runner.run(campaign.pk)
    message = next(iter(simulator.control.messages()))
    assert message["wa_id"] != "5531912345678"
    contact = WhatsAppContact.objects.get(phone="5531912345678")
    assert f"p:{message['wa_id']}" in contact.identities.values_list("identity", flat=True)


@pytest.mark.usefixtures("one_by_one")
def test_a_person_gets_no_more_messages_than_the_pair_rate_allows(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_meta_whatsapp.services.pacing.local.PAIR_BURST", 1)
    first, second = make_campaign(people=1), make_campaign(people=1)
    assert runner.run(first.pk) == Counts(1, 0)
    assert runner.run(second.pk) == Counts(0, 0)
    waiting = second.recipients.get()
    assert waiting.status == "pending"
    assert waiting.not_before
    assert 0 < (waiting.not_before - timezone.now()).total_seconds() <= PAIR_INTERVAL + PAIR_MARGIN
