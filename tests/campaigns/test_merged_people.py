"""Two recipients turn out to be one person after they were called: nobody is called again who has the message, or may have it."""

from datetime import timedelta

import pytest

from django_meta_whatsapp.models import AttemptState, WhatsAppContactAccount
from django_meta_whatsapp.services import clock, consent, contact_merge
from django_meta_whatsapp.services.campaigns import control, ledger, reconcile, resending, tally, unknowns
from django_meta_whatsapp.services.transactions import in_transaction
from tests.campaigns.ledger_steps import run_out
from tests.campaigns.shop import Shop, settled
from tests.models import rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.campaign.recipients.all().delete()
    tally.recount(shop.campaign)
    return shop


def refused_for_now() -> dict[str, object]:
    due = clock.now() - timedelta(seconds=1)
    return {"retry_at": due, "error_code": 130429, "error_class": "rate_limit"}


def called(shop: Shop) -> list[int]:
    """Who is called now."""
    ready = shop.claim().ready
    return [marked.ready.recipient_id for marked in ledger.mark(shop.assignment, ready)] if ready else []


def statuses(shop: Shop) -> list[tuple[str, str]]:
    return list(shop.campaign.recipients.order_by("pk").values_list("status", "skip_reason"))


def test_whose_other_row_has_the_message_is_not_called_when_the_failed_are_tried_again(shop: Shop) -> None:
    one, other = shop.person(), shop.person()
    first, second = shop.mark(9)
    shop.settle(
        settled(first),
        settled(second, AttemptState.REJECTED, error_code=131026, error_class="recipient"),
    )
    contact_merge.merge(one.contact_id, other.contact_id)
    assert control.retry_failed(shop.campaign.pk, ["recipient"]) == 1
    assert called(shop) == []
    assert statuses(shop) == [("accepted", ""), ("skipped", "duplicate")]


def test_whose_other_row_has_the_message_is_not_called_after_a_refusal_for_now(shop: Shop) -> None:
    one, other = shop.person(), shop.person()
    first, second = shop.mark(9)
    shop.settle(settled(first))
    contact_merge.merge(one.contact_id, other.contact_id)
    shop.settle(settled(second, AttemptState.REJECTED, **refused_for_now()))
    assert called(shop) == []
    assert statuses(shop) == [("accepted", ""), ("skipped", "duplicate")]


def test_whose_other_row_has_the_message_is_not_sent_to_again_by_the_policy(shop: Shop) -> None:
    one, other = shop.person(), shop.person()
    first, _second = shop.mark(9)
    shop.settle(settled(first))
    run_out(shop.assignment)
    reconcile.expire_leases()
    contact_merge.merge(one.contact_id, other.contact_id)
    lost = list(resending._lost(clock.now() + timedelta(days=1)))
    assert in_transaction(lambda: resending._free(lost)) == 1
    assert called(shop) == []
    # The first call may still have arrived.
    assert statuses(shop) == [("accepted", ""), ("unknown", "")]


def test_a_late_refusal_of_a_surplus_row_calls_nobody_again(shop: Shop) -> None:
    old = shop.person()
    [lost] = shop.mark(1)
    run_out(shop.assignment)
    reconcile.expire_leases()
    unknowns.resend([old.pk])
    kept = shop.person()
    contact_merge.merge(kept.contact_id, old.contact_id)
    [marked] = shop.mark(9)
    assert marked.ready.recipient_id == kept.pk
    shop.settle(settled(marked))
    shop.settle(settled(lost, AttemptState.REJECTED, **refused_for_now()))
    assert called(shop) == []
    assert statuses(shop) == [("skipped", "duplicate"), ("accepted", "")]


def test_of_two_rows_that_wait_after_a_refusal_one_is_called(shop: Shop) -> None:
    one, other = shop.person(), shop.person()
    both = shop.mark(9)
    contact_merge.merge(one.contact_id, other.contact_id)
    shop.settle(*[settled(each, AttemptState.REJECTED, **refused_for_now()) for each in both])
    assert called(shop) == [one.pk]
    assert statuses(shop) == [("sending", ""), ("skipped", "duplicate")]


def test_a_campaign_that_is_cancelled_while_the_policy_looks_costs_no_other_campaign_its_turn() -> None:
    ended, other = Shop(), rows.campaign(status="running")
    ended.campaign.recipients.all().delete()
    lost_rows = [ended.person() for _ in range(2)]
    ended.mark(9)
    run_out(ended.assignment)
    reconcile.expire_leases()
    # The second one is of another campaign, which goes on.
    type(lost_rows[1]).objects.filter(pk=lost_rows[1].pk).update(campaign=other)
    for campaign in (ended.campaign, other):
        tally.recount(campaign)
    listed = list(resending._lost(clock.now() + timedelta(days=1)))
    control.cancel(ended.campaign.pk)
    assert in_transaction(lambda: resending._free(listed)) == 1
    assert list(other.recipients.values_list("status", flat=True)) == ["pending"]
    assert list(ended.campaign.recipients.values_list("status", flat=True)) == ["unknown"]


@pytest.mark.parametrize("how", ["merged", "erased"])
def test_a_stop_of_somebody_who_is_gone_costs_no_other_outcome(shop: Shop, how: str) -> None:
    one, other = shop.person(), shop.person()
    first, second = shop.mark(9)
    if how == "merged":
        contact_merge.merge(one.contact_id, other.contact_id)
    else:
        other.contact.delete()
    stopped = {"error_code": consent.MARKETING_STOPPED, "error_class": "recipient"}
    shop.settle(settled(first), settled(second, AttemptState.REJECTED, **stopped))
    # Of an erased person nothing is left that the answer could be written to.
    assert [status for status, _ in statuses(shop)] == [
        "accepted",
        "failed" if how == "merged" else "sending",
    ]
    standings = WhatsAppContactAccount.objects.filter(marketing_opted_out=True)
    assert list(standings.values_list("contact", flat=True)) == ([one.contact_id] if how == "merged" else [])
