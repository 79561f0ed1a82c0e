"""Runs while Meta or the network gives no usable answer."""

from typing import Any

import pytest

from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services.campaigns import breaker, runner, sending
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.outcome_words import fresh, rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_answer_dropped_after_acceptance_is_unknown_and_never_sent_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=10)
    simulator.control.fault("drop", probability=1.0, count=3, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=7, failed=0)
    done = fresh(campaign)
    assert (done.status, done.unknown_count) == ("completed", 3)
    assert WhatsAppMessage.objects.filter(status="unknown").count() == 3
    assert WhatsAppSendAttempt.objects.filter(state=AttemptState.UNKNOWN).count() == 3
    assert runner.run(campaign.pk) == Counts(sent=7, failed=0)
    people = simulator.control.people()
    assert len(people) == 10
    assert {person["count"] for person in people.values()} == {1}


@pytest.mark.parametrize("fault", [{"kind": "html", "status": 502}, {"kind": "no_id"}])
def test_an_answer_that_is_none_of_metas_leaves_the_row_unknown(
    simulator: SimulatorServer, make_campaign: MakeCampaign, fault: dict[str, Any]
) -> None:
    campaign = make_campaign(people=2)
    simulator.control.fault(**fault, count=1, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=1, failed=0)
    assert fresh(campaign).unknown_count == 1


def test_something_went_wrong_at_meta_may_have_gone_out_and_is_never_sent_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=3)
    simulator.control.fail(131000, count=1, path="messages")
    assert runner.run(campaign.pk) == Counts(sent=2, failed=0)
    done = fresh(campaign)
    assert (done.status, done.unknown_count) == ("completed", 1)
    assert runner.run(campaign.pk) == Counts(sent=2, failed=0)
    assert simulator.control.ledger()["count"] == 2


def test_a_gateway_that_answers_nothing_sensible_stops_before_the_list_is_burnt(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "SEND_CONCURRENCY": 2}
    campaign = make_campaign(people=60)
    simulator.control.fault("html", status=502, count=None, path="messages")
    assert runner.run(campaign.pk) == Counts(0, 0)
    assert fresh(campaign).status == "paused"
    assert "Meta does not answer" in fresh(campaign).status_reason
    assert breaker.SILENCES <= fresh(campaign).unknown_count <= breaker.SILENCES + 10


def test_a_dead_network_pauses_the_campaign_and_everybody_stays_pending(
    make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FIRST_HOLD", 0.02)
    settings.WHATSAPP = {**settings.WHATSAPP, "GRAPH_BASE_URL": "http://127.0.0.1:9"}
    campaign = make_campaign(people=40)
    assert runner.run(campaign.pk) == Counts(0, 0)
    paused = fresh(campaign)
    assert paused.status == "paused"
    assert "Meta cannot be reached" in paused.status_reason
    # Nobody was called, so nobody's attempts are used up.
    assert {(status, attempts) for status, _, attempts in rows(campaign)} == {("pending", 0)}


@pytest.mark.usefixtures("impatient")
def test_a_network_that_comes_back_is_noticed(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FIRST_HOLD", 0.02)
    settings.WHATSAPP = {**settings.WHATSAPP, "GRAPH_BASE_URL": "http://127.0.0.1:9", "RUN_MAX_WAIT": 5.0}
    campaign = make_campaign(people=5)
    runner.run(campaign.pk)
    settings.WHATSAPP = {**settings.WHATSAPP, "GRAPH_BASE_URL": simulator.base_url}
    assert runner.run(campaign.pk) == Counts(5, 0)
    assert fresh(campaign).status == "completed"


def test_a_sender_drops_an_attempt_whose_mark_is_older_than_the_deadline(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "SEND_DEADLINE": -1.0, "RUN_MAX_WAIT": 0.0}
    campaign = make_campaign(people=1)

    def enough(progress: Any) -> None:
        settings.WHATSAPP = {**settings.WHATSAPP, "SEND_DEADLINE": 60.0}

    assert runner.run(campaign.pk, on_progress=enough) == Counts(1, 0)
    dropped = WhatsAppSendAttempt.objects.filter(state=AttemptState.NOT_SENT)
    assert dropped.count() >= 1
    assert {attempt.error_message for attempt in dropped} == {sending.TOO_LATE}
    assert rows(campaign) == [("accepted", None, 1)]
    assert [person["count"] for person in simulator.control.people().values()] == [1]
