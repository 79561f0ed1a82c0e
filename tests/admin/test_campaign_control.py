"""What people do with campaigns in the admin."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppCampaignRecipient, WhatsAppTemplate
from django_meta_whatsapp.services import clock
from tests.admin.pages import url
from tests.models import rows

pytestmark = pytest.mark.django_db
LIST = "whatsappcampaign"
PEOPLE = "whatsappcampaignrecipient"


def act(client: Client, model: str, action: str, *chosen: Any, **given: Any) -> list[str]:
    """Chooses the action for these rows; the messages that it gives."""
    keys = [row.pk for row in chosen]
    data = {"action": action, "_selected_action": keys, **given}
    page = client.post(url(model, "changelist"), data, follow=True)
    assert page.status_code == 200
    return [str(message) for message in page.context["messages"]]


def offered(client: Client, model: str) -> set[str]:
    """The actions to choose from."""
    form = client.get(url(model, "changelist")).context["action_form"]
    return {name for name, _ in form.fields["action"].choices if name} if form else set()


@pytest.fixture
def campaign() -> WhatsAppCampaign:
    account = rows.account(access_token="EAAB")
    template = WhatsAppTemplate.objects.create(
        account=account, name="spring", language="en_US", status="APPROVED", body_text="Spring."
    )
    return rows.campaign(name="Spring", account=account, template=template)


def state(campaign: WhatsAppCampaign) -> str:
    campaign.refresh_from_db()
    return campaign.status


def test_the_actions_of_a_campaign_do_what_they_say_and_a_second_click_says_so(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    steps = [
        ("start", "scheduled", "starts as soon as a worker takes it", "was started already"),
        ("pause", "paused", "is paused; what is under way still goes", "was paused already"),
        ("resume", "scheduled", "goes on as soon as a worker takes it", "was not paused"),
        ("cancel", "cancelled", "is cancelled", "was cancelled already"),
    ]
    for action, wanted, first, second in steps:
        (told,) = act(admin_client, LIST, action, campaign)
        assert first in told
        assert state(campaign) == wanted
        (told,) = act(admin_client, LIST, action, campaign)
        assert second in told
        assert state(campaign) == wanted
    assert [event.kind for event in campaign.events.order_by("pk")] == [
        "scheduled",
        "paused",
        "resumed",
        "cancelled",
    ]
    assert {event.by for event in campaign.events.all()} == {"root"}


def test_a_campaign_that_cannot_do_it_says_why_and_the_others_do_it(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    ended = rows.campaign(name="Autumn", status="completed")
    bare = rows.campaign(name="Winter")
    told = act(admin_client, LIST, "start", campaign, ended, bare)
    assert sorted(told) == [
        "Autumn: The campaign is completed; it cannot be started.",
        "Spring starts as soon as a worker takes it.",
        f"Winter: {next(each for each in told if 'template' in each).removeprefix('Winter: ')}",
    ]
    assert (state(campaign), state(ended), state(bare)) == ("scheduled", "completed", "draft")


def test_a_campaign_is_scheduled_for_the_time_that_was_typed(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    (told,) = act(admin_client, LIST, "schedule", campaign)
    assert "write first for when" in told
    at = timezone.now() + timedelta(hours=3)
    WhatsAppCampaign.objects.update(scheduled_at=at)
    (told,) = act(admin_client, LIST, "schedule", campaign)
    assert "starts at its time" in told
    assert (state(campaign), campaign.scheduled_at) == ("scheduled", at)
    (told,) = act(admin_client, LIST, "schedule", campaign)
    assert "was scheduled for that time already" in told


def failed(campaign: WhatsAppCampaign, error_class: str) -> WhatsAppCampaignRecipient:
    return rows.recipient(campaign, status="failed", contact=rows.contact(), error_class=error_class)


def test_the_failed_are_tried_again_by_the_class_that_was_chosen(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    WhatsAppCampaign.objects.update(
        status="completed", frozen_at=timezone.now(), total_count=3, failed_count=3, rejected_count=3
    )
    later = failed(campaign, "retry_later")
    undeliverable = [failed(campaign, "recipient") for _ in range(2)]
    assert act(admin_client, LIST, "retry_failed", campaign) == ["Spring: 1 person is tried again."]
    later.refresh_from_db()
    assert (later.status, undeliverable[0].status) == ("pending", "failed")
    told = act(admin_client, LIST, "retry_failed", campaign, failed_with="recipient")
    assert told == ["Spring: 2 people are tried again."]
    told = act(admin_client, LIST, "retry_failed", campaign, failed_with="recipient")
    assert told == ["Spring: 0 people are tried again."]
    assert (state(campaign), campaign.failed_count) == ("scheduled", 0)
    WhatsAppCampaign.objects.update(status="cancelled")
    (told,) = act(admin_client, LIST, "retry_failed", campaign)
    assert "is cancelled; it cannot be tried again" in told


def test_a_copy_is_made_once_for_a_double_click(admin_client: Client, campaign: WhatsAppCampaign) -> None:
    told = act(admin_client, LIST, "clone", campaign)
    copied = campaign.clones.get()
    assert told == [f"Spring (copy) (#{copied.pk}) is a draft with the plan of Spring."]
    assert act(admin_client, LIST, "clone", campaign) == told
    assert campaign.clones.count() == 1


def test_the_actions_need_djangos_permissions(client: Client, campaign: WhatsAppCampaign) -> None:
    user = User.objects.create_user("op", is_staff=True)
    client.force_login(user)

    def allow(*names: str) -> None:
        user.user_permissions.set(Permission.objects.filter(codename__in=names))

    changes = {"schedule", "start", "pause", "resume", "cancel", "retry_failed"}
    allow("view_whatsappcampaign", "view_whatsappcampaignrecipient")
    assert not offered(client, LIST) & {*changes, "clone"}
    assert offered(client, PEOPLE) == set()
    person = rows.recipient(campaign, status="unknown", contact=rows.contact())
    act(client, LIST, "start", campaign)
    act(client, PEOPLE, "give_up", person)
    person.refresh_from_db()
    assert (state(campaign), person.status) == ("draft", "unknown")
    allow("view_whatsappcampaign", "change_whatsappcampaign", "view_whatsappcampaignrecipient")
    assert offered(client, LIST) >= changes
    assert "clone" not in offered(client, LIST)
    assert offered(client, PEOPLE) == {"count_as_sent", "resend", "give_up"}
    allow("view_whatsappcampaign", "add_whatsappcampaign")
    assert "clone" in offered(client, LIST)
    assert not offered(client, LIST) & changes


@pytest.mark.parametrize(
    ("action", "after", "told"),
    [
        ("count_as_sent", "accepted", "1 counted as sent."),
        ("resend", "pending", "1 to be sent again."),
        ("give_up", "failed", "1 given up."),
    ],
)
def test_a_person_decides_about_unknown_outcomes_and_about_no_others(
    admin_client: Client, campaign: WhatsAppCampaign, action: str, after: str, told: str
) -> None:
    WhatsAppCampaign.objects.update(status="completed", frozen_at=timezone.now(), unknown_count=1)
    unknown = rows.recipient(campaign, status="unknown", contact=rows.contact())
    read = rows.recipient(campaign, status="read", contact=rows.contact())
    assert act(admin_client, PEOPLE, action, unknown, read) == [told]
    unknown.refresh_from_db()
    read.refresh_from_db()
    assert (unknown.status, read.status) == (after, "read")
    event = campaign.events.get(kind="resolved")
    assert event.by == "root"
    assert act(admin_client, PEOPLE, action, unknown, read) == ["None of them is of unknown outcome."]
    assert campaign.events.filter(kind="resolved").count() == 1


def test_nobody_of_a_cancelled_campaign_is_sent_to_again(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    WhatsAppCampaign.objects.update(status="cancelled")
    unknown = rows.recipient(campaign, status="unknown", contact=rows.contact())
    (told,) = act(admin_client, PEOPLE, "resend", unknown)
    assert "cancelled; nobody can be sent to again" in told
    unknown.refresh_from_db()
    assert unknown.status == "unknown"


def typed(campaign: WhatsAppCampaign, **given: Any) -> dict[str, Any]:
    form = {
        "name": campaign.name,
        "template": campaign.template_id,
        "audience_type": "contacts",
        "priority": "3",
    }
    form |= {"audience_filters": "{}", "parameter_mappings": "{}"}
    for field in ("scheduled_at", "expires_at"):
        if moment := given.pop(field, None):
            form |= {f"{field}_0": f"{moment:%Y-%m-%d}", f"{field}_1": f"{moment:%H:%M:%S}"}
    return {**form, **given}


def test_the_policies_of_a_campaign_are_typed_and_may_change_after_it_is_frozen(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    address = url(LIST, "change", campaign.pk)
    expires = timezone.localtime(clock.now() + timedelta(days=2)).replace(microsecond=0)
    hours = {"send_window": "09:00-18:00", "quiet_hours": "12:00-13:00"}
    given = typed(campaign, expires_at=expires, **{**hours, "priority": "9"})
    assert admin_client.post(address, given).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.expires_at, campaign.priority) == (expires, 9)
    assert (campaign.send_window, campaign.quiet_hours) == ("09:00-18:00", "12:00-13:00")
    WhatsAppCampaign.objects.update(frozen_at=timezone.now(), status="running")
    given = typed(campaign, expires_at=expires, send_window="always", priority="1")
    assert admin_client.post(address, given).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.send_window, campaign.quiet_hours, campaign.priority) == ("always", "", 1)
    assert (campaign.status, campaign.expires_at) == ("running", expires)


TOMORROW = timezone.now() + timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"send_window": "nine to five"}, "send_window", "write hours like 09:00-18:00"),
        ({"send_window": "09:00-25:00"}, "send_window", "write two different times|write hours like"),
        ({"quiet_hours": "08:00-08:00"}, "quiet_hours", "two different times"),
        (
            {"send_window": "09:00-12:00", "quiet_hours": "08:00-13:00"},
            "quiet_hours",
            "nothing of the send window",
        ),
        (
            {"scheduled_at": TOMORROW, "expires_at": TOMORROW - timedelta(hours=1)},
            "expires_at",
            "expired before it starts",
        ),
    ],
)
@pytest.mark.parametrize("frozen_at", [None, timezone.now()])
def test_wrong_hours_are_told_at_their_field_by_the_form_and_by_full_clean(
    admin_client: Client,
    campaign: WhatsAppCampaign,
    given: dict[str, Any],
    field: str,
    why: str,
    frozen_at: Any,
) -> None:
    for name, value in given.items():
        setattr(campaign, name, value)
    campaign.frozen_at = frozen_at
    with pytest.raises(ValidationError, match=why) as told:
        campaign.full_clean()
    assert list(told.value.message_dict) == [field]
    if frozen_at is None:
        page = admin_client.post(url(LIST, "change", campaign.pk), typed(campaign, **given))
        errors = page.context["adminform"].form.errors
        assert list(errors) == [field]
        assert re.search(why, errors[field][0])


def test_hours_that_do_not_go_with_those_of_the_settings_are_told_at_the_field_that_was_written(
    campaign: WhatsAppCampaign, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "QUIET_HOURS": "18:00-09:00"}
    campaign.send_window = "20:00-22:00"
    with pytest.raises(ValidationError, match="nothing of the send window") as told:
        campaign.full_clean()
    assert list(told.value.message_dict) == ["send_window"]
    campaign.send_window = ""
    campaign.full_clean()


def test_a_campaign_does_not_expire_in_the_past_but_one_that_did_can_be_renamed(
    admin_client: Client, campaign: WhatsAppCampaign
) -> None:
    past = timezone.localtime(clock.now() - timedelta(days=1)).replace(microsecond=0)
    address = url(LIST, "change", campaign.pk)
    page = admin_client.post(address, typed(campaign, expires_at=past))
    assert page.context["adminform"].form.errors == {
        "expires_at": ["That is past: nobody would be messaged."]
    }
    WhatsAppCampaign.objects.update(expires_at=past)
    given = typed(campaign, expires_at=past, name="Renamed")
    assert admin_client.post(address, given).status_code == 302
    campaign.refresh_from_db()
    assert campaign.name == "Renamed"
