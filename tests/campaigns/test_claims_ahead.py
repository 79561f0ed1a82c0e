"""The next rows are claimed while others are marked, where the database lets two write at once."""

import threading
from typing import Any

import pytest
from django.db import connection

from django_meta_whatsapp.models import PauseCause, WhatsAppAccount, WhatsAppCampaignRecipient
from django_meta_whatsapp.services.campaigns import ledger, runner, states
from django_meta_whatsapp.services.campaigns.ledger import Claimed
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def claims_of_seven(settings: Any, simulator: SimulatorServer, template: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "CLAIM_BATCH": 7}
    simulator.control.number("222000222000222", throughput=1000)
    WhatsAppAccount.objects.update(throughput=300)


def held() -> int:
    return WhatsAppCampaignRecipient.objects.exclude(lease="").count()


def messaged(simulator: SimulatorServer) -> list[int]:
    return [person["count"] for person in simulator.control.people().values()]


def test_they_are_claimed_in_another_thread_than_they_are_marked(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def noting(*arguments: Any, claim: Any = ledger.claim) -> Claimed:
        threads.append(threading.get_ident())
        claimed: Claimed = claim(*arguments)
        return claimed

    monkeypatch.setattr(ledger, "claim", noting)
    assert runner.run(make_campaign(people=30).pk) == Counts(30, 0)
    assert messaged(simulator) == [1] * 30
    assert len(set(threads)) == (2 if connection.features.has_select_for_update else 1)


def test_a_run_that_stops_gives_back_what_it_has_claimed_ahead(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    claims: list[Claimed] = []

    def stopping(*arguments: Any, claim: Any = ledger.claim) -> Claimed:
        claims.append(claim(*arguments))
        if len(claims) == 3:
            stop.set()
        return claims[-1]

    monkeypatch.setattr(ledger, "claim", stopping)
    campaign = make_campaign(people=60)
    runner.run(campaign.pk, stop=stop)
    assert 0 < len(messaged(simulator)) <= 21
    assert held() == 0
    monkeypatch.undo()
    assert runner.run(campaign.pk) == Counts(60, 0)
    assert messaged(simulator) == [1] * 60


def test_a_campaign_that_is_paused_meanwhile_sends_nothing_of_it(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(people=60)
    claims: list[Claimed] = []

    def pausing(*arguments: Any, claim: Any = ledger.claim) -> Claimed:
        claims.append(claim(*arguments))
        if len(claims) == 3:
            states.pause(campaign.pk, "enough", PauseCause.PERSON)
        return claims[-1]

    monkeypatch.setattr(ledger, "claim", pausing)
    runner.run(campaign.pk)
    assert 0 < len(messaged(simulator)) <= 14
    assert held() == 0
    campaign.refresh_from_db()
    assert campaign.status == "paused"


def test_a_claim_ahead_that_fails_ends_the_run_and_loses_nothing(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(people=60)
    claims: list[Claimed] = []

    def failing(*arguments: Any, claim: Any = ledger.claim) -> Claimed:
        if len(claims) == 2:
            raise RuntimeError("a bug")
        claims.append(claim(*arguments))
        return claims[-1]

    monkeypatch.setattr(ledger, "claim", failing)
    with pytest.raises(RuntimeError, match="a bug"):
        runner.run(campaign.pk)
    assert held() == 0
    monkeypatch.undo()
    assert runner.run(campaign.pk) == Counts(60, 0)
    assert messaged(simulator) == [1] * 60
