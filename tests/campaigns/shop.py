"""A running campaign, step by step, for the tests of the rows that the ledger leaves behind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppTemplate,
)
from django_meta_whatsapp.models.bulk.settling import Answer
from django_meta_whatsapp.services.campaigns import ledger, tally
from django_meta_whatsapp.services.campaigns.assignment import Assignment, assign
from django_meta_whatsapp.services.campaigns.ledger import Claimed, Marked, Settled
from tests.models import rows

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

PORTFOLIO = "333"


class Shop:
    """A running campaign with a template of two variables."""

    def __init__(self) -> None:
        self.account = rows.account(
            phone_number_id="222", waba_id="111", portfolio_id=PORTFOLIO, access_token="token"
        )
        template = WhatsAppTemplate.objects.create(
            account=self.account,
            name="order_update",
            language="en_US",
            category="UTILITY",
            status="APPROVED",
            body_text="Hi {{1}}, your order {{2}} is on its way.",
        )
        self.campaign = rows.campaign(
            account=self.account,
            template=template,
            status="running",
            audience_type="csv",
            parameter_mappings={"1": "name", "2": "order"},
            frozen_at=AT,
        )
        self.assignment: Assignment = assign(self.campaign)
        # Everybody else's rows: no step may touch them.
        rows.recipient(
            self.campaign,
            status="leased",
            lease="theirs",
            lease_expires_at=timezone.now() + timedelta(hours=1),
        )
        rows.recipient()

    def person(self, **fields: Any) -> WhatsAppCampaignRecipient:
        contact = fields.pop("contact", None) or rows.contact()
        digits = contact.normalized_phone
        return rows.recipient(
            self.campaign,
            **{
                "contact": contact,
                "identity": f"p:{digits}",
                "phone_number": digits,
                "parameters": {"1": "Ann", "2": digits[-3:]},
                **fields,
            },
        )

    def people(self, count: int) -> list[WhatsAppCampaignRecipient]:
        return [self.person() for _ in range(count)]

    def claim(self, limit: int = 9) -> Claimed:
        return ledger.claim(self.assignment, limit)

    def mark(self, limit: int = 9) -> list[Marked]:
        return ledger.mark(self.assignment, self.claim(limit).ready)

    def settle(self, *settled: Settled) -> None:
        ledger.settle(self.assignment, settled)

    def counts(self) -> dict[str, int]:
        """Those that are not 0; they must agree with the rows."""
        campaign = WhatsAppCampaign.objects.get(pk=self.campaign.pk)
        names = ("sent_count", "failed_count", "unknown_count", "skipped_count")
        counted = {name: getattr(campaign, name) for name in names}
        tally.recount(campaign)
        assert counted == {name: getattr(campaign, name) for name in names}
        return {name.removesuffix("_count"): count for name, count in counted.items() if count}


def settled(
    marked: Marked, state: AttemptState = AttemptState.ACCEPTED, known_as: Sequence[str] = (), **fields: Any
) -> Settled:
    """How the call ended; an accepted message has an id of its own unless told."""
    if state == AttemptState.ACCEPTED:
        fields = {"message_id": f"wamid.{marked.ready.recipient_id}", **fields}
    answer = Answer(marked.token, marked.ready.lease, state, **{"at": AT, **fields})
    return Settled(marked, answer, tuple(known_as))
