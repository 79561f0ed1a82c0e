"""Of two contacts that are one person, one is left, with everything of both."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Text
from django_meta_whatsapp.errors import InvalidInput, SendRefused
from django_meta_whatsapp.models import (
    WhatsAppBlockedUser,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppConversation,
    WhatsAppFlowResponse,
    WhatsAppLabel,
    WhatsAppMessage,
)
from django_meta_whatsapp.services import contacts, suppression
from django_meta_whatsapp.services.campaigns import tally
from django_meta_whatsapp.services.contact_merge import merge
from tests.models import rows
from tests.services.threads import at_once

pytestmark = pytest.mark.django_db

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def kept() -> WhatsAppContact:
    return rows.contact(phone="4560000001", name="", notes="Likes tea")


@pytest.fixture
def gone() -> WhatsAppContact:
    return rows.contact(phone="4560000002", name="Ann", email="ann@shop.example", notes="Likes cake")


def reread(contact: WhatsAppContact) -> WhatsAppContact:
    return WhatsAppContact.objects.get(pk=contact.pk)


def test_one_is_left_and_knows_what_both_knew(kept: WhatsAppContact, gone: WhatsAppContact) -> None:
    vip, new = (WhatsAppLabel.objects.create(name=name) for name in ("VIP", "New"))
    kept.labels.add(vip)
    gone.labels.add(vip, new)
    contacts.link(gone, ["u:333:US.1"])
    assert merge(kept.pk, gone.pk) == {}
    row = WhatsAppContact.objects.get()
    assert (row.pk, row.phone, row.name, row.email) == (kept.pk, "4560000001", "Ann", "ann@shop.example")
    assert row.notes == "Likes tea\n\nLikes cake"
    assert set(row.labels.all()) == {vip, new}
    assert set(row.identities.values_list("identity", flat=True)) == {
        "p:4560000001",
        "p:4560000002",
        "u:333:US.1",
    }
    assert contacts.find(["p:4560000002"]) == {"p:4560000002": kept.pk}


def test_a_person_without_a_number_gets_the_other_s(gone: WhatsAppContact) -> None:
    unnumbered = rows.contact(phone=None)
    thread = rows.conversation(contact=gone, phone_number="4560000002")
    merge(unnumbered.pk, gone.pk)
    assert reread(unnumbered).phone == "4560000002"
    thread.refresh_from_db()
    assert (thread.contact, thread.phone_number) == (unnumbered, "4560000002")


def test_threads_with_one_number_of_ours_become_one(kept: WhatsAppContact, gone: WhatsAppContact) -> None:
    account, other = rows.account(), rows.account()
    stays = rows.conversation(
        account=account, contact=kept, unread_count=1, is_resolved=True, last_message_at=EARLY
    )
    goes = rows.conversation(
        account=account, contact=gone, unread_count=2, last_message_at=LATE, assigned_to="Zoe"
    )
    alone = rows.conversation(account=other, contact=gone)
    for thread in (stays, goes, alone):
        rows.message(thread)
    answer = rows.message(goes)
    WhatsAppFlowResponse.objects.create(
        account=account, conversation=goes, message=answer, completed_at=timezone.now()
    )
    assert merge(kept.pk, gone.pk) == {goes.pk: stays.pk}
    stays.refresh_from_db()
    assert (stays.unread_count, stays.is_resolved, stays.last_message_at) == (3, False, LATE)
    assert stays.assigned_to == "Zoe"
    assert stays.messages.count() == 3
    assert WhatsAppFlowResponse.objects.get().conversation == stays
    assert set(WhatsAppConversation.objects.values_list("pk", "contact")) == {
        (stays.pk, kept.pk),
        (alone.pk, kept.pk),
    }


CHOICES = [
    ((False, None), (False, None), (False, None)),
    ((False, None), (True, EARLY), (True, EARLY)),
    ((True, EARLY), (False, LATE), (False, LATE)),
    ((True, LATE), (False, EARLY), (True, LATE)),
    ((True, EARLY), (False, EARLY), (True, EARLY)),
    ((True, None), (False, LATE), (True, LATE)),
    ((True, None), (True, EARLY), (True, EARLY)),
    ((True, None), (False, None), (True, None)),
]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("one", "other", "expected"), CHOICES)
def test_the_newest_choice_holds_and_the_stop_where_nobody_knows(
    kept: WhatsAppContact, gone: WhatsAppContact, one: Any, other: Any, expected: Any, turned: bool
) -> None:
    account = rows.account()
    for contact, (out, at) in zip((gone, kept) if turned else (kept, gone), (one, other), strict=True):
        WhatsAppContact.objects.filter(pk=contact.pk).update(opted_out=out, opted_out_changed_at=at)
        WhatsAppContactAccount.objects.create(
            contact=contact, account=account, marketing_opted_out=out, marketing_changed_at=at
        )
    merge(kept.pk, gone.pk)
    row, standing = reread(kept), WhatsAppContactAccount.objects.get()
    assert (row.opted_out, row.opted_out_changed_at) == expected
    assert (standing.marketing_opted_out, standing.marketing_changed_at) == expected


def test_who_was_blocked_stays_blocked_and_the_evidence_stays(
    kept: WhatsAppContact, gone: WhatsAppContact
) -> None:
    account, other = rows.account(), rows.account()
    WhatsAppContactAccount.objects.create(contact=kept, account=account, last_inbound_at=LATE)
    WhatsAppContactAccount.objects.create(
        contact=gone, account=account, is_blocked=True, last_inbound_at=EARLY
    )
    WhatsAppContactAccount.objects.create(contact=gone, account=other, last_inbound_at=EARLY)
    WhatsAppBlockedUser.objects.create(account=account, identity="p:4560000002", is_active=True)
    WhatsAppContact.objects.filter(pk=gone.pk).update(is_blocked=True)
    evidence = WhatsAppConsentEvent.objects.create(
        contact=gone,
        account=account,
        kind="opted_out",
        marketing_only=False,
        source="word",
        event_id="word:1",
        happened_at=EARLY,
    )
    merge(kept.pk, gone.pk)
    standings = WhatsAppContactAccount.objects.filter(contact=kept)
    assert set(standings.values_list("account", "is_blocked", "last_inbound_at")) == {
        (account.pk, True, LATE),
        (other.pk, False, EARLY),
    }
    assert reread(kept).is_blocked
    assert WhatsAppConsentEvent.objects.get(pk=evidence.pk).contact == kept
    with pytest.raises(SendRefused):
        suppression.check_identities(account, ["p:4560000001"], Text("hi"), "")


def recipient(campaign: WhatsAppCampaign, contact: WhatsAppContact, status: str) -> WhatsAppCampaignRecipient:
    lease = (
        {"lease": "a run's", "lease_expires_at": timezone.now()} if status in ("leased", "sending") else {}
    )
    return WhatsAppCampaignRecipient.objects.create(
        campaign=campaign, contact=contact, identity=f"p:{contact.phone}", status=status, **lease
    )


@pytest.mark.parametrize(
    ("of_kept", "of_gone", "expected"),
    [
        ("pending", "pending", ("pending", "skipped")),
        ("pending", "sent", ("skipped", "sent")),
        ("unknown", "pending", ("unknown", "skipped")),
        ("sent", "read", ("sent", "read")),
        ("leased", "leased", ("leased", "skipped")),
        ("leased", "sending", ("skipped", "sending")),
        ("pending", "leased", ("pending", "skipped")),
    ],
)
def test_nobody_gets_a_campaign_twice_because_they_were_two(
    kept: WhatsAppContact, gone: WhatsAppContact, of_kept: str, of_gone: str, expected: tuple[str, str]
) -> None:
    campaign, other = rows.campaign(status="running"), rows.campaign(status="running")
    both = [recipient(campaign, kept, of_kept), recipient(campaign, gone, of_gone)]
    alone = recipient(other, gone, "pending")
    tally.recount(campaign)
    merge(kept.pk, gone.pk)
    for row in (*both, alone):
        row.refresh_from_db()
    assert (both[0].status, both[1].status, alone.status) == (*expected, "pending")
    assert {row.contact_id for row in (*both, alone)} == {kept.pk}
    # Without a lease nobody can mark it.
    assert {(row.skip_reason, row.lease) for row in both if row.status == "skipped"} <= {("duplicate", "")}
    counted = reread_counts(campaign)
    tally.recount(campaign)
    assert counted == reread_counts(campaign)


def reread_counts(campaign: WhatsAppCampaign) -> dict[str, Any]:
    names = ("skipped_count", "sent_count", "delivered_count", "read_count", "failed_count", "unknown_count")
    return WhatsAppCampaign.objects.values(*names).get(pk=campaign.pk)


def test_doing_it_again_changes_nothing(kept: WhatsAppContact, gone: WhatsAppContact) -> None:
    rows.message(rows.conversation(contact=gone))
    merge(kept.pk, gone.pk)
    before = WhatsAppContact.objects.values().get()
    assert merge(kept.pk, gone.pk) == {}
    assert WhatsAppContact.objects.values().get() == before


def test_a_contact_is_not_merged_with_itself_nor_into_nobody(kept: WhatsAppContact) -> None:
    for other in (kept.pk, 10**6):
        with pytest.raises(InvalidInput):
            merge(other, kept.pk)
    assert WhatsAppContact.objects.get() == kept


def test_it_takes_as_many_statements_for_many_rows_as_for_few() -> None:
    def statements(count: int) -> int:
        account = rows.account()
        one, other = rows.contact(), rows.contact()
        for contact in (one, other):
            thread = rows.conversation(account=account, contact=contact)
            for _ in range(count):
                rows.message(thread)
                recipient(rows.campaign(), contact, "sent")
        with CaptureQueriesContext(connection) as captured:
            merge(one.pk, other.pk)
        return len(captured)

    assert statements(20) == statements(2)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_merge_the_same_contacts_either_way_one_contact_is_left() -> None:
    one, other = rows.contact(), rows.contact()
    for contact in (one, other):
        rows.message(rows.conversation(contact=contact))
    at_once(lambda number: merge(*((one.pk, other.pk) if number % 2 else (other.pk, one.pk))), 4)
    left = WhatsAppContact.objects.get()
    assert {thread.contact for thread in WhatsAppConversation.objects.all()} == {left}
    assert WhatsAppMessage.objects.count() == 2
    assert {row.contact for row in WhatsAppContactIdentity.objects.all()} == {left}


CHANGELIST = "admin:django_meta_whatsapp_whatsappcontact_changelist"


def choose(client: Client, people: list[WhatsAppContact], **more: str) -> Any:
    data = {"action": "merge", "_selected_action": [row.pk for row in people], **more}
    return client.post(reverse(CHANGELIST), data, follow=True)


def test_somebody_merges_contacts_in_the_admin_after_a_look(
    admin_client: Client, kept: WhatsAppContact, gone: WhatsAppContact
) -> None:
    page = choose(admin_client, [gone, kept]).content.decode()
    assert "+4560000001" in page
    assert "Ann" in page
    assert WhatsAppContact.objects.count() == 2
    said = choose(admin_client, [gone, kept], kept=str(kept.pk), confirmed="yes").content.decode()
    assert WhatsAppContact.objects.get() == kept
    assert "1 contact" in said


def test_one_contact_alone_and_too_many_are_refused(admin_client: Client, kept: WhatsAppContact) -> None:
    for people in ([kept], [kept, *(rows.contact() for _ in range(10))]):
        count = WhatsAppContact.objects.count()
        choose(admin_client, people, kept=str(kept.pk), confirmed="yes")
        assert WhatsAppContact.objects.count() == count


def test_who_may_not_delete_contacts_merges_none(
    client: Client, kept: WhatsAppContact, gone: WhatsAppContact
) -> None:
    user = User.objects.create_user("editor", password="x", is_staff=True)
    for name in ("view_whatsappcontact", "change_whatsappcontact"):
        user.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(user)
    choose(client, [kept, gone], kept=str(kept.pk), confirmed="yes")
    assert WhatsAppContact.objects.count() == 2
