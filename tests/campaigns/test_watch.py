"""How far a campaign is and why people have failed, from the shell."""

import io
import re
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services.campaigns import failures, runner
from django_meta_whatsapp.services.campaigns.failures import Failures
from django_meta_whatsapp.services.campaigns.states import Progress
from tests.campaigns.conftest import MakeCampaign
from tests.journeys.processes import running, wait_for
from tests.models import rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def failed(campaign: WhatsAppCampaign, code: int | None, text: str = "", people: int = 1) -> None:
    for _ in range(people):
        rows.recipient(campaign, status="failed", error_code=code, error_message=text)
    WhatsAppCampaign.objects.filter(pk=campaign.pk).update(failed_count=campaign.recipients.count())


def command(*arguments: Any, terminal: bool = False) -> tuple[str, str]:
    """What `whatsapp_campaign` writes to its output and to its errors."""
    out, err = io.StringIO(), io.StringIO()
    err.isatty = lambda: terminal  # type: ignore[method-assign]
    call_command("whatsapp_campaign", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_failures_are_counted_by_metas_number_and_by_our_words_where_there_is_none() -> None:
    campaign = rows.campaign()
    failed(campaign, 131026, "Ann cannot be reached", 2)
    failed(campaign, 131026, "Bob cannot be reached", 1)
    failed(campaign, 987654, "A new one")
    failed(campaign, None, "Given up.", 2)
    rows.recipient(campaign, status="unknown", error_message="Lost.")
    with CaptureQueriesContext(connection) as queries:
        found = failures.by_reason(campaign.pk)
    assert len(queries) == 1
    title = failures.CODES[131026].title
    assert found == [
        Failures(f"131026 {title}", 3),
        Failures("Given up.", 2),
        Failures("987654 A new one", 1),
    ]


def test_status_names_the_commonest_reasons_and_adds_up_the_others() -> None:
    campaign = rows.campaign(name="Spring", status="running")
    failed(campaign, 131026, people=3)
    for number in range(failures.MOST + 1):
        failed(campaign, None, f"Reason {number:02}.")
    told, _ = command("status", campaign.pk)
    assert "14 failed" in told
    lines = told.splitlines()[3:]
    assert lines[0].split()[:2] == ["3", "131026"]
    assert lines[-1].split() == ["2", "for", "other", "reasons"]
    assert len(lines) == failures.MOST + 1
    assert "Failed:" not in command("status", rows.campaign().pk)[0]


def test_a_run_says_at_its_end_why_people_have_failed(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=6)
    simulator.control.fail(131026, count=2)
    told, bar = command("run", campaign.pk, terminal=True)
    assert "Completed: 4 sent, 2 failed" in told
    (line,) = (each for each in told.splitlines() if "131026" in each)
    assert line.split()[0] == "2"
    last = re.split(r"[\r\n]+", bar.strip())[-1]
    assert "6/6" in last
    assert re.search(r"\d<\d\d:\d\d, +[\d.]+ ?(messages/s|s/ messages)", last)
    assert re.search(r"failed=2.*131026 .*: 2", last)


def test_a_run_tells_of_those_whom_meta_refused_for_good_and_not_of_those_who_are_tried_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_meta_whatsapp.services.campaigns.outcomes.backoff", lambda *_: 0.1)
    simulator.control.fail(131026, count=1)
    simulator.control.fail(131016, count=2)
    told: list[Progress] = []
    runner.run(make_campaign(people=5).pk, on_progress=told.append)
    assert (told[-1].sent, told[-1].failed) == (4, 1)
    assert told[-1].refused == {failures.reason(131026, ""): 1}


def test_the_bar_of_a_run_that_goes_on_begins_where_the_last_one_stopped(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=4)
    runner.run(campaign.pk)
    campaign.recipients.filter(phone_number="4520000003").update(status="pending", accepted_at=None)
    WhatsAppCampaign.objects.update(status="paused", sent_count=3)
    _, bar = command("run", campaign.pk, terminal=True)
    shown = re.findall(r"(\d)/4", bar)
    assert (min(shown), shown[-1]) == ("3", "4")


def test_watching_shows_a_bar_on_a_terminal_until_the_campaign_has_ended() -> None:
    campaign = rows.campaign(
        status="completed", status_reason="", total_count=5, skipped_count=1, sent_count=3, delivered_count=2
    )
    failed(campaign, 131026)
    WhatsAppCampaign.objects.update(rejected_count=1)
    told, bar = command("status", campaign.pk, "--watch", terminal=True)
    last = re.split(r"[\r\n]+", bar.strip())[-1]
    assert last.startswith("Completed: 100%")
    assert "4/4" in last
    assert "sent=3, delivered=2, read=0, failed=1" in last
    assert "131026" in last
    assert "5 recipients, 1 skipped, 3 sent" in told


def test_watching_tells_what_changes_and_ends_with_ctrl_c_while_the_campaign_goes_on() -> None:
    campaign = rows.campaign(name="Spring", status="running", frozen_at=timezone.now(), total_count=9)
    key = str(campaign.pk)
    with running(
        "-u", "-m", "django", "whatsapp_campaign", "status", key, "--watch", "--every", "0.1"
    ) as watch:
        wait_for(lambda: "9 recipients, 0 skipped, 0 sent" in watch.output)
        WhatsAppCampaign.objects.update(sent_count=4)
        wait_for(lambda: "4 sent" in watch.output)
        assert watch.terminate(signal.SIGINT) == 0
        *_, state, counts = watch.output.splitlines()
    assert state == "Spring: Running"
    assert counts.startswith("9 recipients, 0 skipped, 4 sent")
    campaign.refresh_from_db()
    assert campaign.status == "running"


def test_watching_a_campaign_that_does_not_exist_says_so() -> None:
    with pytest.raises(CommandError, match="There is no campaign 404"):
        call_command("whatsapp_campaign", "status", 404, "--watch")
