"""What a run tells while it goes on."""

from collections.abc import Callable
from threading import Thread

import pytest
from django.db import connection

from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppContact
from django_meta_whatsapp.services.campaigns import outcomes, runner
from django_meta_whatsapp.services.campaigns.states import Progress
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_bar_reaches_its_end_although_statuses_outrun_our_own_bookkeeping(
    webhook_site: SimulatorServer, make_campaign: Callable[..., WhatsAppCampaign]
) -> None:
    told: list[Progress] = []
    runner.run(make_campaign(people=60).pk, on_progress=told.append)
    assert (told[-1].total, told[-1].left) == (60, 0)
    assert [progress.left for progress in told] == sorted((progress.left for progress in told), reverse=True)


@pytest.mark.parametrize("slowest", ["who opts out", "the others"])
def test_who_opts_out_between_freezing_and_sending_is_not_left_on_the_bar(
    simulator: SimulatorServer,
    make_campaign: Callable[..., WhatsAppCampaign],
    monkeypatch: pytest.MonkeyPatch,
    slowest: str,
) -> None:
    campaign = make_campaign(people=6)
    waits = iter([1.0] + [0.2] * 5 if slowest == "who opts out" else [0.2] + [1.0] * 5)
    monkeypatch.setattr(outcomes, "backoff", lambda error, attempts: next(waits))
    simulator.control.fail(130429, count=6)
    told: list[Progress] = []

    def opt_out() -> None:
        WhatsAppContact.objects.filter(phone="4520000000").update(opted_out=True)
        connection.close()

    def opt_out_after_the_first_batch(progress: Progress) -> None:
        if not told:
            elsewhere = Thread(target=opt_out)
            elsewhere.start()
            elsewhere.join()
        told.append(progress)

    runner.run(campaign.pk, on_progress=opt_out_after_the_first_batch)
    assert (told[-1].skipped, told[-1].sent, told[-1].left) == (1, 5, 0)
