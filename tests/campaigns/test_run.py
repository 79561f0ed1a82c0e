"""A campaign from its file to Meta, against the simulator."""

import asyncio
import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp import signals, utils
from django_meta_whatsapp.models import (
    MessageStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppContactIdentity,
    WhatsAppMessage,
)
from django_meta_whatsapp.services.campaigns import database, runner, tally
from django_meta_whatsapp.services.campaigns.states import Counts, Progress
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.run_words import sent_to
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_everybody_in_the_file_gets_one_message_with_their_own_values(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=30)
    assert runner.run(campaign.pk) == Counts(sent=30, failed=0)
    assert sent_to(simulator) == [f"+45{20000000 + n}" for n in range(30)]
    first = next(message for message in simulator.control.messages() if message["to"] == "+4520000007")
    values = [each["text"] for each in first["body"]["template"]["components"][0]["parameters"]]
    assert values == ["Person 7", "A-7"]
    campaign.refresh_from_db()
    assert (campaign.status, campaign.total_count, campaign.sent_count) == ("completed", 30, 30)
    assert campaign.started_at
    assert campaign.completed_at
    assert campaign.completed_at >= campaign.started_at


def test_campaign_messages_stand_in_the_conversation_as_people_read_them(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=2)
    runner.run(campaign.pk)
    messages = WhatsAppMessage.objects.order_by("phone_number")
    assert [message.message_body for message in messages] == [
        "Hi Person 0, your order A-0 is on its way.",
        "Hi Person 1, your order A-1 is on its way.",
    ]
    ledger = {message["wamid"]: message for message in simulator.control.messages()}
    for message in messages:
        attempt = message.attempts.get()
        assert message.status == MessageStatus.ACCEPTED
        assert message.accepted_at is not None
        assert message.campaign == campaign
        assert message.conversation.contact.phone == message.phone_number
        assert message.conversation.last_message_at == message.timestamp
        assert message.campaign_recipient.message_id == message.message_id == attempt.message_id
        assert ledger[str(message.message_id)]["callback_data"] == attempt.token


def test_a_finished_campaign_is_left_alone_and_says_its_counts(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign(people=4)
    assert utils.run_campaign(campaign.pk) == {"sent": 4, "failed": 0}
    assert utils.run_campaign(campaign.pk) == {"sent": 4, "failed": 0}
    assert len(sent_to(simulator)) == 4


@pytest.mark.parametrize(
    ("typed", "to"),
    [
        ("+6581234567", "+6581234567"),  # Singapore: 10 digits with the country code
        ("+4745123456", "+4745123456"),  # Norway
        ("+4512345678", "+4512345678"),  # Denmark
        ("+3725123456", "+3725123456"),  # Estonia
        ("9876543210", "+919876543210"),  # typed without a country: the 10-digit rule
        ("0045 12 34 56 78", "+4512345678"),
    ],
)
def test_a_number_of_ten_digits_reaches_its_own_country(
    simulator: SimulatorServer, make_campaign: MakeCampaign, typed: str, to: str
) -> None:
    campaign = make_campaign(f"phone,name,order\n{typed},Ann,1\n")
    runner.run(campaign.pk)
    assert sent_to(simulator) == [to]


def test_a_contact_with_ten_international_digits_is_messaged_where_they_live(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    for digits in ("6581234567", "4745123456", "4512345678", "3725123456"):
        WhatsAppContact.objects.create(phone=digits, name="Ann", email="ann@example.com")
    campaign = make_campaign(audience_type="contacts", parameter_mappings={"1": "name", "2": "email"})
    runner.run(campaign.pk)
    assert sent_to(simulator) == ["+3725123456", "+4512345678", "+4745123456", "+6581234567"]


def test_somebody_without_a_number_is_messaged_by_user_id(
    simulator: SimulatorServer, make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount
) -> None:
    contact = WhatsAppContact.objects.create(phone=None, name="Ann", email="ann@example.com")
    user_id = "US.13491208655302741918"
    identity = f"u:{whatsapp_account.portfolio_id}:{user_id}"
    WhatsAppContactIdentity.objects.create(contact=contact, identity=identity)
    campaign = make_campaign(audience_type="contacts", parameter_mappings={"1": "name", "2": "email"})
    assert runner.run(campaign.pk) == Counts(1, 0)
    message = next(iter(simulator.control.messages()))
    assert message["body"]["recipient"] == user_id
    assert "to" not in message["body"]


def test_an_audience_of_nobody_is_completed_with_nothing_sent(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    campaign = make_campaign("phone,name,order\n")
    assert runner.run(campaign.pk) == Counts(0, 0)
    campaign.refresh_from_db()
    assert campaign.status == "completed"


def test_two_runs_at_once_message_everybody_once(
    simulator: SimulatorServer, make_campaign: MakeCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "CLAIM_BATCH": 7}
    simulator.control.number("222000222000222", throughput=1000)
    WhatsAppAccount.objects.update(throughput=300)
    campaign = make_campaign(people=120)

    async def both() -> tuple[Counts, ...]:
        return tuple(await asyncio.gather(runner.arun(campaign.pk), runner.arun(campaign.pk)))

    assert asyncio.run(both()) == (Counts(120, 0), Counts(120, 0))
    people = simulator.control.people()
    assert len(people) == 120
    assert {person["count"] for person in people.values()} == {1}
    campaign.refresh_from_db()
    assert (campaign.total_count, campaign.sent_count, campaign.status) == (120, 120, "completed")


def test_two_loops_in_a_row_both_send(simulator: SimulatorServer, make_campaign: MakeCampaign) -> None:
    for people in (2, 3):
        campaign = make_campaign(people=people)
        assert asyncio.run(utils.arun_campaign(campaign.pk)) == {"sent": people, "failed": 0}


def test_the_end_is_announced_once_after_it_is_committed(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    heard: list[tuple[str, int, int, str]] = []

    def listener(campaign: WhatsAppCampaign, sent: int, failed: int, event_id: str, **_: Any) -> None:
        heard.append((campaign.status, sent, failed, event_id))

    signals.whatsapp_campaign_completed.connect(listener)
    try:
        campaign = make_campaign(people=2)
        runner.run(campaign.pk)
        runner.run(campaign.pk)
    finally:
        signals.whatsapp_campaign_completed.disconnect(listener)
    assert heard == [
        ("completed", 2, 0, f"campaign:{campaign.pk}:completed:{campaign.events.get(kind='completed').pk}")
    ]


def test_each_accepted_message_is_announced_and_a_failing_listener_stops_nothing(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    heard: list[str] = []

    def listener(message: WhatsAppMessage, event_id: str, **_: Any) -> None:
        heard.append(event_id)
        raise RuntimeError("a host's bug")

    signals.whatsapp_message_sent.connect(listener)
    try:
        assert runner.run(make_campaign(people=3).pk) == Counts(3, 0)
    finally:
        signals.whatsapp_message_sent.disconnect(listener)
    assert sorted(heard) == sorted(f"sent:{message['wamid']}" for message in simulator.control.messages())


def test_progress_is_told_until_nothing_is_left(
    simulator: SimulatorServer, make_campaign: MakeCampaign
) -> None:
    told: list[Progress] = []
    rows = "+4512345678,Ann,1\nnonsense,Bob,2\n+4512345679,Cid,3\n"
    campaign = make_campaign(f"phone,name,order\n{rows}")
    runner.run(campaign.pk, on_progress=told.append)
    assert told[-1] == Progress(total=3, skipped=1, sent=2, failed=0, unknown=0, left=0)
    assert [each.left for each in told] == sorted((each.left for each in told), reverse=True)


def test_queries_follow_batches_and_not_people(
    simulator: SimulatorServer, make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    simulator.control.number("222000222000222", throughput=1000)
    WhatsAppAccount.objects.update(throughput=1000)
    settings.WHATSAPP = {**settings.WHATSAPP, "SEND_CONCURRENCY": 200}
    counted: list[int] = []

    def run(people: int) -> int:
        campaign = make_campaign(people=people)
        counted.clear()
        runner.run(campaign.pk)
        return sum(counted)

    original = database.Database.__call__

    async def counting(self: database.Database, work: Any) -> Any:
        def counted_work() -> Any:
            with CaptureQueriesContext(connection) as queries:
                result = work()
            counted.append(len(queries))
            return result

        return await original(self, counted_work)

    monkeypatch.setattr(database.Database, "__call__", counting)
    few, many = run(50), run(250)
    # Five times the people are five times the marks of 50; one more query for each person would be 200.
    assert many - few < 150


def test_tallies_follow_the_rows(simulator: SimulatorServer, make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(
        "phone,name,order\n+4512345678,Ann,1\n+4512345678,Ann,1\nx,y,z\n+4512345679,Bob,\n"
    )
    runner.run(campaign.pk)
    campaign.refresh_from_db()
    kept = {
        name: getattr(campaign, name)
        for name in ("total_count", "skipped_count", "sent_count", "failed_count")
    }
    assert kept == {"total_count": 4, "skipped_count": 3, "sent_count": 1, "failed_count": 0}
    WhatsAppCampaign.objects.update(total_count=9, skipped_count=9, sent_count=9, failed_count=9)
    tally.recount(campaign)
    assert {name: getattr(campaign, name) for name in kept} == kept
    campaign.refresh_from_db()
    assert {name: getattr(campaign, name) for name in kept} == kept


@pytest.mark.parametrize("terminal", [True, False])
def test_the_command_says_how_it_ended_and_shows_a_bar_on_a_terminal(
    simulator: SimulatorServer, make_campaign: MakeCampaign, terminal: bool
) -> None:
    campaign = make_campaign(people=3)
    out, err = io.StringIO(), io.StringIO()
    err.isatty = lambda: terminal  # type: ignore[method-assign]
    call_command("whatsapp_campaign", "run", campaign.pk, stdout=out, stderr=err)
    assert "Completed: 3 sent, 0 failed, 0 of unknown outcome, 0 skipped." in out.getvalue()
    assert ("3/3" in err.getvalue()) == terminal
