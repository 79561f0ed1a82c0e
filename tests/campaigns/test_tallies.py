"""Whatever happens to a campaign, in whatever order: its counts are those of its rows, and each person is in one of them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_meta_whatsapp.errors import WrongCampaignState
from django_meta_whatsapp.models import (
    AttemptState,
    RecipientStatus,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import ladder
from django_meta_whatsapp.models.bulk.ladder import Rung
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import (
    control,
    expiry,
    ledger,
    reconcile,
    states,
    tally,
    unknowns,
)
from django_meta_whatsapp.services.campaigns.ledger import Marked
from tests.campaigns.shop import Shop, settled

pytestmark = pytest.mark.django_db

PEOPLE = 2
TO_SEND = (RecipientStatus.PENDING, *states.TO_SEND)


class Story:
    """A campaign to a few people, and all that can happen to it."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.shop.campaign.recipients.all().delete()
        self.shop.people(PEOPLE)
        tally.recount(self.shop.campaign)
        self.marked: list[Marked] = []

    @property
    def rows(self) -> "list[int]":
        return list(self.shop.campaign.recipients.order_by("pk").values_list("pk", flat=True))

    def call(self, number: int) -> None:
        self.marked += ledger.mark(self.shop.assignment, ready) if (ready := self.shop.claim(1).ready) else []

    def claim(self, number: int) -> None:
        self.shop.claim(1)

    def answered(self, number: int, state: AttemptState, *, again: bool = False) -> None:
        if self.marked:
            marked = self.marked[number % len(self.marked)]
            told = {"retry_at": clock.now()} if again else {"error_class": "retry_later"}
            if state == AttemptState.ACCEPTED:
                told = {"message_id": f"wamid.{marked.token}"}
            self.shop.settle(settled(marked, state, **told))

    def told(self, number: int, status: str) -> None:
        """A webhook of one of the attempts, as `services.statuses` applies it."""
        if self.marked:
            attempt = WhatsAppSendAttempt.objects.get(token=self.marked[number % len(self.marked)].token)
            rungs = [Rung(f"wamid.{attempt.token}", status, timezone.now())]
            ladder.accept({attempt.pk: rungs})
            tally.apply(ladder.climb_recipients({attempt.recipient_id or 0: rungs}, {}))
            ladder.climb_messages({attempt.chat_message_id or 0: rungs})

    def lost(self, number: int) -> None:
        held = self.shop.campaign.recipients.exclude(lease_expires_at=None)
        held.update(lease_expires_at=timezone.now() - timedelta(days=2))
        reconcile.expire_leases()

    def second_try(self, number: int) -> None:
        """Whoever is next is called, the answer lost, and somebody wants them to be called again."""
        self.call(number)
        self.lost(number)
        unknowns.resend(self.rows)

    def opted(self, number: int) -> None:
        """In or out."""
        chosen = WhatsAppContact.objects.order_by("pk")[number % PEOPLE]
        WhatsAppContact.objects.filter(pk=chosen.pk).update(opted_out=not chosen.opted_out)

    def decided(self, number: int, decide: Callable[..., int]) -> None:
        decide([self.rows[number % PEOPLE]])

    def goes_on(self) -> None:
        """A worker takes what is due."""
        due = WhatsAppCampaign.objects.filter(pk=self.shop.campaign.pk, status="scheduled")
        due.update(status="running")

    def expired(self, number: int) -> None:
        rows = WhatsAppCampaign.objects.filter(pk=self.shop.campaign.pk)
        rows.update(expires_at=clock.now())
        expiry.skip_expired(self.shop.campaign.pk)
        rows.update(expires_at=None)

    def holds(self) -> None:
        self.shop.counts()
        campaign = WhatsAppCampaign.objects.get(pk=self.shop.campaign.pk)
        rows = campaign.recipients
        counted = (
            campaign.sent_count + campaign.rejected_count + campaign.unknown_count + campaign.skipped_count
        )
        assert counted + rows.filter(status__in=TO_SEND).count() == campaign.total_count == PEOPLE
        attempts = WhatsAppSendAttempt.objects.filter(recipient=OuterRef("pk"))
        maybe = Exists(attempts.filter(state__in=(AttemptState.SENDING, AttemptState.UNKNOWN)))
        assert not rows.filter(maybe, status=RecipientStatus.SKIPPED).exists()
        taken = Exists(attempts.filter(state=AttemptState.ACCEPTED))
        assert not rows.filter(taken, accepted_at=None).exists()
        ended = WhatsAppMessage.objects.filter(campaign=campaign, status="sending")
        if campaign.status != "cancelled":
            ended = ended.exclude(campaign_recipient__status__in=TO_SEND)
        assert not ended.exclude(campaign_recipient__status="sending").exists()


STEPS: dict[str, Callable[[Story, int], object]] = {
    "call": Story.call,
    "second try": Story.second_try,
    "claim": Story.claim,
    "lost": Story.lost,
    "opted": Story.opted,
    "expired": Story.expired,
    "accepted": lambda story, n: story.answered(n, AttemptState.ACCEPTED),
    "refused": lambda story, n: story.answered(n, AttemptState.REJECTED),
    "put off": lambda story, n: story.answered(n, AttemptState.REJECTED, again=True),
    "never left": lambda story, n: story.answered(n, AttemptState.NOT_SENT, again=True),
    "no answer": lambda story, n: story.answered(n, AttemptState.UNKNOWN),
    "sent": lambda story, n: story.told(n, "sent"),
    "failed": lambda story, n: story.told(n, "failed"),
    "read": lambda story, n: story.told(n, "read"),
    "resend": lambda story, n: story.decided(n, unknowns.resend),
    "give up": lambda story, n: story.decided(n, unknowns.give_up),
    "count as sent": lambda story, n: story.decided(n, unknowns.count_as_sent),
    "retry": lambda story, n: control.retry_failed(story.shop.campaign.pk),
    "cancel": lambda story, n: control.cancel(story.shop.campaign.pk),
}
HISTORY = st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 9)), max_size=25)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORY)
def test_the_counts_are_those_of_the_rows_and_everybody_is_in_one(history: list[tuple[str, int]]) -> None:
    # Not `atomic`: marks refuse to be nested in it.
    with connection.cursor() as cursor:
        cursor.execute(connection.ops.savepoint_create_sql("history"))
    try:
        story = Story()
        with patch.object(ledger, "_announce"):
            for step, number in history:
                with suppress(WrongCampaignState):  # once it is cancelled
                    STEPS[step](story, number)
                story.goes_on()
                story.holds()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(connection.ops.savepoint_rollback_sql("history"))
