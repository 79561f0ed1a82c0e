"""What the ledger leaves behind when calls have ended: rows, announcements, and what Meta's answers teach."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    AttemptState,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from tests.campaigns.shop import AT, PORTFOLIO, Shop, settled
from tests.models import rows

pytestmark = pytest.mark.django_db

# --- settling


class Heard:
    """What receivers of `whatsapp_message_sent` got."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def __call__(self, **kwargs: Any) -> None:
        self.told.append(kwargs)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Listens to the messages of the model alone, as receivers with a sender do."""
    listener = Heard()
    signals.whatsapp_message_sent.connect(listener, sender=WhatsAppMessage)
    yield listener
    signals.whatsapp_message_sent.disconnect(listener, sender=WhatsAppMessage)


def test_each_accepted_message_is_announced_after_the_commit_with_all_that_a_receiver_reads(
    shop: Shop, heard: Heard, django_capture_on_commit_callbacks: Any, django_assert_num_queries: Any
) -> None:
    accepted = shop.people(3)
    shop.person()
    *marked, rejected = shop.mark()
    batch = [settled(item) for item in marked] + [settled(rejected, AttemptState.REJECTED, error_code=131026)]
    with django_capture_on_commit_callbacks() as callbacks:
        shop.settle(*batch)
    assert heard.told == []
    [announce] = callbacks
    with django_assert_num_queries(2):  # statuses that were quicker than the answer, and the messages
        announce()
        told = {(each["message"].account.pk, each["message"].conversation.contact_id) for each in heard.told}
    assert told == {(shop.account.pk, row.contact_id) for row in accepted}
    assert {each["event_id"] for each in heard.told} == {f"sent:wamid.{row.pk}" for row in accepted}
    for each in heard.told:
        assert each["sender"] is WhatsAppMessage
        assert each["event_id"] == f"sent:{each['message'].message_id}"
        assert each["message"].status == "accepted"


def test_a_receiver_that_fails_keeps_no_other_from_hearing(
    shop: Shop, heard: Heard, django_capture_on_commit_callbacks: Any
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ValueError("not today")

    shop.people(2)
    signals.whatsapp_message_sent.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            shop.settle(*map(settled, shop.mark()))
    finally:
        signals.whatsapp_message_sent.disconnect(fail)
    assert len(heard.told) == 2


def test_no_message_is_read_for_an_announcement_that_nobody_hears(
    shop: Shop, django_assert_num_queries: Any, django_capture_on_commit_callbacks: Any
) -> None:
    shop.person()
    with django_capture_on_commit_callbacks() as callbacks:
        shop.settle(*map(settled, shop.mark()))
    [announce] = callbacks
    with django_assert_num_queries(1):  # statuses that were quicker than the answer
        announce()


@pytest.mark.usefixtures("heard")
def test_nothing_is_announced_of_calls_that_were_not_accepted(
    shop: Shop, django_capture_on_commit_callbacks: Any
) -> None:
    shop.people(2)
    first, second = shop.mark()
    with django_capture_on_commit_callbacks() as callbacks:
        shop.settle(
            settled(first, AttemptState.REJECTED, error_code=131026), settled(second, AttemptState.UNKNOWN)
        )
    assert callbacks == []
    assert shop.counts() == {"failed": 1, "unknown": 1}


def test_the_stop_of_marketing_is_noted_for_the_person_whose_answer_said_so(shop: Shop) -> None:
    stopped, _other = shop.people(2)
    first, second = shop.mark()
    before = timezone.now()
    shop.settle(
        settled(first, AttemptState.REJECTED, error_code=131050),
        settled(second, AttemptState.REJECTED, error_code=131049),
    )
    noted = WhatsAppContactAccount.objects.get()
    assert (noted.contact_id, noted.account_id, noted.marketing_opted_out) == (
        stopped.contact_id,
        shop.account.pk,
        True,
    )
    assert noted.marketing_changed_at
    assert before <= noted.marketing_changed_at <= timezone.now()


@pytest.mark.parametrize(
    ("state", "fields", "status"),
    [
        (AttemptState.ACCEPTED, {}, "completed"),
        (AttemptState.REJECTED, {"error_code": 131026}, "completed"),
        (AttemptState.UNKNOWN, {}, "completed"),
        (AttemptState.NOT_SENT, {"retry_at": AT}, "running"),
    ],
)
def test_only_an_unknown_row_that_is_to_be_sent_after_all_opens_a_campaign_again(
    shop: Shop, state: AttemptState, fields: dict[str, Any], status: str
) -> None:
    row = shop.person()
    [marked] = shop.mark()
    shop.settle(settled(marked, AttemptState.UNKNOWN))
    # Somebody found out since; the row waits as it was.
    WhatsAppSendAttempt.objects.filter(recipient=row).update(state="sending")
    WhatsAppCampaign.objects.filter(pk=shop.campaign.pk).update(status="completed")
    shop.settle(settled(marked, state, **fields))
    assert WhatsAppCampaign.objects.get(pk=shop.campaign.pk).status == status


def test_a_row_that_goes_back_from_its_mark_opens_nothing(shop: Shop) -> None:
    shop.person()
    [marked] = shop.mark()
    WhatsAppCampaign.objects.filter(pk=shop.campaign.pk).update(status="completed")
    shop.settle(settled(marked, AttemptState.REJECTED, retry_at=AT))
    assert WhatsAppCampaign.objects.get(pk=shop.campaign.pk).status == "completed"


# --- what Meta's answer teaches


def identities_of(row: WhatsAppCampaignRecipient) -> set[str]:
    found = WhatsAppContactIdentity.objects.filter(contact_id=row.contact_id)
    return set(found.values_list("identity", flat=True))


def test_identities_that_are_learnt_belong_to_the_person_who_was_written_to(shop: Shop) -> None:
    first, second = shop.people(2)
    own, others = identities_of(first), identities_of(second)
    one, two = shop.mark()
    learnt = [one.ready.identity, "p:552187654321", f"u:{PORTFOLIO}:BR.1"]
    shop.settle(settled(one, known_as=learnt), settled(two, known_as=[f"u:{PORTFOLIO}:DK.2"]))
    assert identities_of(first) == own | set(learnt)
    assert identities_of(second) == others | {f"u:{PORTFOLIO}:DK.2"}


def test_an_identity_by_which_we_wrote_is_not_learnt_again_and_one_of_somebody_else_stays_theirs(
    shop: Shop,
) -> None:
    row = shop.person(identity="p:4599999999")
    known = identities_of(row)
    somebody = rows.contact(phone="4588888888")
    [marked] = shop.mark()
    shop.settle(settled(marked, known_as=["p:4599999999", "p:4588888888"]))
    assert identities_of(row) == known
    assert WhatsAppContactIdentity.objects.get(identity="p:4588888888").contact == somebody


@pytest.mark.django_db(transaction=True)
def test_somebody_who_was_erased_before_the_answer_teaches_nothing_and_stops_nobody(shop: Shop) -> None:
    gone, other = shop.people(2)
    one, two = shop.mark()
    WhatsAppContact.objects.filter(pk=gone.contact_id).delete()
    shop.settle(settled(one, known_as=["p:552187654321"]), settled(two, known_as=[f"u:{PORTFOLIO}:DK.2"]))
    assert not WhatsAppContactIdentity.objects.filter(identity="p:552187654321").exists()
    assert f"u:{PORTFOLIO}:DK.2" in identities_of(other)
