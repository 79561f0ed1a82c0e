"""Whose message a status is about, and which rows it settles there: thread, attempt and recipient."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services.campaigns import tally
from tests.services.sent_messages import Sent, apply, at

pytestmark = pytest.mark.django_db


def test_a_token_settles_a_message_of_unknown_outcome(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = Sent(account, campaign)
    campaign.unknown_count = 1
    campaign.save()
    WhatsAppMessage.objects.update(status="unknown", error_message="The answer never came.")
    WhatsAppSendAttempt.objects.update(state="unknown", error_message="The answer never came.")
    WhatsAppCampaignRecipient.objects.update(
        status="unknown", error_message="The answer never came.", lease="", lease_expires_at=None
    )
    apply(account, sent.event("sent", 7))
    for row in (sent.row(), sent.recipient_row()):
        assert (row.status, row.message_id, row.accepted_at) == ("sent", sent.wamid, at(7))
        assert row.error_message == ""
    attempt = sent.attempt_row()
    assert (attempt.state, attempt.message_id, attempt.error_message) == ("accepted", sent.wamid, "")
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.unknown_count) == (1, 0)


def test_a_status_proves_that_a_row_which_was_freed_is_not_to_be_sent_again(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = Sent(account, campaign)
    WhatsAppSendAttempt.objects.update(state=AttemptState.NOT_SENT)
    WhatsAppCampaignRecipient.objects.update(
        status="pending", lease="", lease_expires_at=None, not_before=timezone.now()
    )
    apply(account, sent.event("sent"))
    row = sent.recipient_row()
    assert (row.status, row.not_before) == ("sent", None)
    assert sent.attempt_row().state == AttemptState.ACCEPTED


def test_a_recipient_who_has_the_message_was_not_skipped_whatever_was_meant(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = Sent(account, campaign)
    WhatsAppCampaignRecipient.objects.update(
        status="skipped", skip_reason="opted_out", lease="", lease_expires_at=None
    )
    tally.recount(campaign)
    apply(account, sent.event("sent"))
    row = sent.recipient_row()
    assert (row.status, row.skip_reason, sent.row().status) == ("sent", "", "sent")
    campaign.refresh_from_db()
    assert (campaign.sent_count, campaign.skipped_count, campaign.total_count) == (1, 0, 1)


def test_a_message_is_found_by_meta_s_id_when_its_status_has_no_token(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    sent = Sent(account, campaign)
    sent.answered()
    WhatsAppSendAttempt.objects.all().delete()
    apply(account, sent.event("read", 8, biz_opaque_callback_data=""))
    assert (sent.row().status, sent.recipient_row().status) == ("read", "read")


@pytest.mark.parametrize("token", ["", "cmp:7;rcp:991", "dmw1.0123456789abcdef0123456789abcdef"])
def test_statuses_of_messages_that_are_not_ours_change_nothing_and_are_counted(
    account: WhatsAppAccount, token: str
) -> None:
    sent = Sent(account)
    foreign = sent.event("read", id="wamid.FOREIGN", biz_opaque_callback_data=token)
    assert apply(account, foreign, sent.event("sent")).unmatched == 1
    assert sent.row().status == "sent"


def test_a_status_never_touches_another_account_s_message(account: WhatsAppAccount) -> None:
    sent = Sent(account)
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2")
    assert apply(other, sent.event("read")).unmatched == 1
    sent.answered()
    assert apply(other, sent.event("read", biz_opaque_callback_data="")).unmatched == 1
    assert sent.row().status == "accepted"


def test_a_status_of_an_inbound_message_changes_nothing(account: WhatsAppAccount) -> None:
    sent = Sent(account)
    inbound = WhatsAppMessage.objects.create(
        account=account,
        conversation=sent.message.conversation,
        direction="inbound",
        status="received",
        message_type="text",
        message_id="wamid.IN",
    )
    assert apply(account, sent.event("read", id="wamid.IN", biz_opaque_callback_data="")).unmatched == 1
    inbound.refresh_from_db()
    assert inbound.status == "received"


def test_more_statuses_cost_no_more_queries(account: WhatsAppAccount, campaign: WhatsAppCampaign) -> None:
    def queries(count: int) -> int:
        sent = [Sent(account, campaign) for _ in range(count)]
        events = [each.event(status) for each in sent for status in ("sent", "delivered", "read")]
        events += [each.event("failed", code=131050) for each in sent]
        with CaptureQueriesContext(connection) as captured:
            apply(account, *events)
        assert {each.row().status for each in sent} == {"read"}
        return len(captured)

    # The first of all is late news, and is noted as such.
    queries(1)
    assert queries(20) == queries(2)


def test_messages_without_campaign_climb_beside_those_of_campaigns(
    account: WhatsAppAccount, campaign: WhatsAppCampaign
) -> None:
    rows = [Sent(account), Sent(account, campaign), Sent(account)]
    apply(account, *(sent.event("sent") for sent in rows))
    assert [sent.row().status for sent in rows] == ["sent"] * 3
