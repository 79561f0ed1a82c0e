"""Freezing with its rows really committed: batches are prepared while others are stored, and nothing else is different."""

from collections import Counter
from typing import Any

import pytest
from django.db.models.signals import pre_delete

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.models import (
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import batches
from django_meta_whatsapp.services.campaigns import freeze
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.freeze import Frozen
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.messy import messy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("batches_of_40")]


@pytest.fixture
def batches_of_40(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_MOST", 40)


def rows_of(campaign: WhatsAppCampaign) -> list[str]:
    return list(campaign.recipients.order_by("pk").values_list("phone_number", flat=True))


def numbers(count: int) -> list[str]:
    return [f"45{20000000 + number}" for number in range(count)]


def test_a_messy_audience_comes_to_what_it_must(
    make_campaign: MakeCampaign, template: WhatsAppTemplate
) -> None:
    template.category = "MARKETING"
    template.save()
    file = messy(400)
    campaign = make_campaign(file.content)
    reached: list[int] = []
    assert freeze.freeze(assign(campaign), on_progress=lambda at: reached.append(at.total))
    rows = campaign.recipients.order_by("pk").values_list("name", "skip_reason")
    assert [name for name, _ in rows] == [
        line.split(";")[0] for line in file.content.decode().split("\r\n")[1:]
    ]
    assert Counter(reason for _, reason in rows) == file.expected
    assert reached == list(range(40, 401, 40))


def test_who_is_stopped_stops_behind_a_stored_batch_and_is_gone_on_with(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=200)
    for _ in range(2):
        answers = iter([False, False, True])
        assert not freeze.freeze(assign(campaign), lambda: next(answers), keep=True)  # noqa: B023
    assert rows_of(campaign) == numbers(160)
    assert freeze.freeze(assign(campaign))
    assert rows_of(campaign) == numbers(200)


def test_who_is_overtaken_stores_nothing_more_and_takes_nothing_away(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=400)

    def another_goes_on(at: Frozen) -> None:
        if at.total == 80:
            WhatsAppCampaign.objects.filter(pk=campaign.pk).update(total_count=1000)

    assert not freeze.freeze(assign(campaign), on_progress=another_goes_on)
    stored = rows_of(campaign)
    # The batch that was being stored at that moment may have come before or after.
    assert stored in (numbers(80), numbers(120))
    assert freeze.progress(campaign.pk).total == 1000


def test_a_source_that_breaks_leaves_no_row(make_campaign: MakeCampaign) -> None:
    lines = [f"+45{20000000 + number},P,{number}\n" for number in range(200)]
    campaign = make_campaign("phone,name,order\n" + "".join(lines) + "+4520000999,P,1,surplus\n")
    with pytest.raises(InvalidFile):
        freeze.freeze(assign(campaign))
    assert rows_of(campaign) == []
    assert freeze.progress(campaign.pk) == Frozen(False, 0, 0)


def test_what_cannot_be_stored_leaves_no_row(
    make_campaign: MakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, calls = freeze.insert, [0]

    def breaking(*arguments: Any, **named: Any) -> int:
        calls[0] += 1
        if calls[0] == 3:
            raise RuntimeError("disk full")
        return insert(*arguments, **named)

    monkeypatch.setattr(freeze, "insert", breaking)
    campaign = make_campaign(people=400)
    with pytest.raises(RuntimeError, match="disk full"):
        freeze.freeze(assign(campaign))
    assert calls == [3]
    assert not WhatsAppCampaignRecipient.objects.exists()
    # Of the batches behind it one may have been looked up, and one was about to be.
    assert WhatsAppContact.objects.count() in (120, 160, 200)


def test_a_campaign_that_is_deleted_while_it_is_frozen_leaves_no_row(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(people=80)
    assert not freeze.freeze(assign(campaign), iter([False, True]).__next__, keep=True)

    def another_goes_on(**kwargs: Any) -> None:
        """What is committed when Django has found the rows to delete and has not come to the campaign's."""
        WhatsAppCampaignRecipient.objects.create(campaign_id=campaign.pk, identity="p:4529999999")

    pre_delete.connect(another_goes_on, sender=WhatsAppCampaign)
    try:
        campaign.delete()
    finally:
        pre_delete.disconnect(another_goes_on, sender=WhatsAppCampaign)
    assert not WhatsAppCampaignRecipient.objects.exists()
