"""Recipients of unknown outcome: nobody is sent to again unless somebody, or the policy, says so; a late status always counts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Template
from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppWebhookGap,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.models.bulk import claims, settling
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services import clock, upkeep, webhook_gaps
from django_meta_whatsapp.services.campaigns import resending, runner, unknowns
from django_meta_whatsapp.utils import send_message
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.stored import Line, Out, mark
from tests.models import rows
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

QUIET = timedelta(hours=24)


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each tick looks, whatever an earlier test's tick has done."""
    monkeypatch.setattr(resending, "LOOK_EVERY", 0.0)
    webhook_gaps._written.clear()
    yield
    clock.reset()


@pytest.fixture
def resend_policy(settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "UNKNOWN_POLICY": "resend"}


def lost(simulator: SimulatorServer, make_campaign: MakeCampaign, fault: str = "html") -> WhatsAppCampaign:
    """A campaign to one person whose answer was lost. fault: html, before Meta took it; drop, after."""
    simulator.control.fault(fault, count=1)
    campaign = make_campaign(people=1)
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.unknown_count) == ("completed", 1)
    return campaign


def later_status(campaign: WhatsAppCampaign) -> None:
    """Something that was sent a moment ago over the same number has been delivered."""
    assert campaign.account
    thread = rows.conversation(account=campaign.account)
    at = timezone.now() + timedelta(seconds=2)
    rows.message(
        thread, account=campaign.account, status="delivered", timestamp=at, sent_at=at, delivered_at=at
    )


def tick() -> list[int]:
    found: list[int] = []
    upkeep.tick(found.append)
    return found


def times(simulator: SimulatorServer) -> list[int]:
    return [person["count"] for person in simulator.control.people().values()]


def state(campaign: WhatsAppCampaign) -> tuple[str, str]:
    campaign.refresh_from_db()
    return campaign.status, campaign.recipients.get().status


def test_by_default_an_unknown_recipient_is_never_sent_to_again(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = lost(simulator, make_campaign)
    later_status(campaign)
    with clock.moved(timedelta(days=30)):
        assert tick() == []
    assert state(campaign) == ("completed", "unknown")


def test_the_resend_policy_sends_again_once_the_quiet_period_is_over_and_later_statuses_have_come(
    webhook_site: SimulatorServer,
    make_campaign: MakeCampaign,
    whatsapp_account: WhatsAppAccount,
    resend_policy: None,
) -> None:
    campaign = lost(webhook_site, make_campaign)
    with clock.moved(QUIET + timedelta(minutes=1)):
        assert tick() == []  # nothing shows that webhooks arrive
    later_status(campaign)
    with clock.moved(QUIET - timedelta(minutes=1)):
        assert tick() == []
    clock.move(QUIET + timedelta(minutes=1))
    assert tick() == [campaign.pk]
    assert state(campaign) == ("running", "pending")
    assert runner.run(campaign.pk).sent == 1
    assert times(webhook_site) == [1]
    first, second = campaign.recipients.get().attempts.order_by("pk")
    assert (first.state, second.state) == (AttemptState.UNKNOWN, AttemptState.ACCEPTED)
    assert first.token != second.token
    assert tick() == []
    assert webhook_site.control.drain()["drained"]
    assert state(campaign) == ("completed", "read")
    assert [event.kind for event in campaign.events.order_by("pk")][-3:] == [
        "reopened",
        "resolved",
        "completed",
    ]


def test_the_resend_policy_waits_twice_as_long_as_webhooks_were_ever_late_since(
    simulator: SimulatorServer, make_campaign: MakeCampaign, resend_policy: None
) -> None:
    campaign = lost(simulator, make_campaign)
    later_status(campaign)
    now = timezone.now()
    WhatsAppWebhookGap.objects.create(account=campaign.account, began_at=now, ended_at=now + QUIET)
    with clock.moved(QUIET + timedelta(minutes=1)):
        assert tick() == []
    with clock.moved(2 * QUIET + timedelta(minutes=1)):
        assert tick() == [campaign.pk]


def test_a_gap_that_was_over_before_the_attempt_delays_nothing(
    simulator: SimulatorServer, make_campaign: MakeCampaign, resend_policy: None
) -> None:
    campaign = lost(simulator, make_campaign)
    later_status(campaign)
    WhatsAppWebhookGap.objects.create(
        account=campaign.account,
        began_at=timezone.now() - timedelta(days=9),
        ended_at=timezone.now() - timedelta(days=1),
    )
    with clock.moved(QUIET + timedelta(minutes=1)):
        assert tick() == [campaign.pk]


def test_the_resend_policy_waits_while_a_webhook_is_not_applied(
    simulator: SimulatorServer, make_campaign: MakeCampaign, resend_policy: None
) -> None:
    campaign = lost(simulator, make_campaign)
    later_status(campaign)
    long_ago = timezone.now() - timedelta(hours=1)
    waiting = WhatsAppWebhookLog.objects.create(
        body=b"{}", received_at=long_ago, state="failed", attempts=1, not_before=clock.now() + QUIET
    )
    with clock.moved(QUIET + timedelta(minutes=1)):
        assert tick() == []
        waiting.delete()
        assert tick() == [campaign.pk]


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"expires_at": timezone.now()}])
def test_the_resend_policy_leaves_campaigns_alone_that_are_cancelled_or_expired(
    simulator: SimulatorServer, make_campaign: MakeCampaign, resend_policy: None, change: dict[str, Any]
) -> None:
    campaign = lost(simulator, make_campaign)
    later_status(campaign)
    WhatsAppCampaign.objects.filter(pk=campaign.pk).update(**change)
    with clock.moved(QUIET + timedelta(minutes=1)):
        tick()
    assert state(campaign)[1] == "unknown"


def test_a_late_status_of_the_first_attempt_keeps_the_second_from_being_made(
    webhook_site: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    webhook_site.control.webhooks(enabled=False)
    campaign = lost(webhook_site, make_campaign, "drop")
    row = campaign.recipients.get()
    assert unknowns.resend([row.pk], by="ann") == 1
    assert state(campaign) == ("scheduled", "pending")
    webhook_site.control.webhooks(enabled=True)
    assert webhook_site.control.drain()["drained"]
    assert state(campaign)[1] == "read"
    runner.run(campaign.pk)
    assert times(webhook_site) == [1]
    assert state(campaign) == ("completed", "read")
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.unknown_count, campaign.read_count) == (1, 0, 1)


def test_a_late_status_between_the_claim_and_the_mark_fences_the_second_call() -> None:
    line = Line("unknown", lease="", attempt="unknown", chat="unknown")
    WhatsAppCampaign.objects.update(unknown_count=1)
    assert unknowns.resend([line.row.pk]) == 1
    with transaction.atomic():
        [claimed] = claims.claim(line.row.campaign_id, lease="second", seconds=60, limit=9, due=clock.now())
    first = Answer(line.attempt.token, "mine", AttemptState.ACCEPTED, timezone.now(), message_id="wamid.1")
    late = Out(claimed.pk, "late", claimed.chat_message_id)
    with transaction.atomic():
        settling.settle([first])
        assert mark(late, lease="second") == set()


def test_a_late_refusal_of_the_first_attempt_says_nothing_of_the_second() -> None:
    """Else a message that may be there would be tried a third time."""
    line = Line("unknown", lease="", attempt="unknown", chat="unknown")
    line.tried("unknown")
    refusal = Answer(
        line.attempt.token, "mine", AttemptState.REJECTED, timezone.now(), retry_at=timezone.now()
    )
    with transaction.atomic():
        assert settling.settle([refusal]) == []
    line.row.refresh_from_db()
    line.attempt.refresh_from_db()
    assert (line.row.status, line.attempt.state) == ("unknown", "rejected")


def test_counted_as_sent_it_is_accepted_and_a_late_status_climbs_on(
    webhook_site: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    webhook_site.control.webhooks(enabled=False)
    campaign = lost(webhook_site, make_campaign, "drop")
    row = campaign.recipients.get()
    assert unknowns.count_as_sent([row.pk], by="ann") == 1
    assert unknowns.count_as_sent([row.pk], by="ann") == 0
    assert state(campaign) == ("completed", "accepted")
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.unknown_count) == (1, 0)
    event = campaign.events.get(kind="resolved")
    assert (event.by, event.reason) == ("ann", "1 of unknown outcome counted as sent.")
    webhook_site.control.webhooks(enabled=True)
    assert webhook_site.control.drain()["drained"]
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.read_count) == (1, 1)


def test_given_up_it_has_failed_is_not_tried_again_and_a_delivery_counts_all_the_same(
    webhook_site: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    webhook_site.control.webhooks(enabled=False)
    campaign = lost(webhook_site, make_campaign, "drop")
    assert unknowns.give_up(list(unknowns.listed(campaign.pk).values_list("pk", flat=True))) == 1
    campaign.refresh_from_db()
    assert (campaign.failed_count, campaign.rejected_count, campaign.unknown_count) == (1, 1, 0)
    webhook_site.control.webhooks(enabled=True)
    assert webhook_site.control.drain()["drained"]
    campaign.refresh_from_db()
    assert (campaign.failed_count, campaign.rejected_count, campaign.read_count) == (0, 0, 1)


def test_nobody_is_sent_to_again_in_a_cancelled_campaign(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = lost(simulator, make_campaign)
    WhatsAppCampaign.objects.update(status="cancelled")
    with pytest.raises(WrongCampaignState, match="cancelled"):
        unknowns.resend([campaign.recipients.get().pk])


def test_statuses_that_come_late_leave_one_gap_and_timely_ones_none(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_GAP_SECONDS": 600.0}
    send_message(whatsapp_account, "+4512345678", Template("hello_world", "en_US"), category="UTILITY")
    assert webhook_site.control.drain()["drained"]
    assert not WhatsAppWebhookGap.objects.exists()
    hour_ago = timezone.now() - timedelta(hours=1)
    webhook_gaps.note(whatsapp_account.pk, [timezone.now(), hour_ago])
    webhook_gaps.note(whatsapp_account.pk, [hour_ago + timedelta(minutes=5)])
    gap = WhatsAppWebhookGap.objects.get()
    assert gap.began_at == hour_ago
    webhook_gaps.note(whatsapp_account.pk, [hour_ago - timedelta(hours=1)])
    gap = WhatsAppWebhookGap.objects.get()
    assert timedelta(hours=2) <= gap.ended_at - gap.began_at < timedelta(hours=3)
