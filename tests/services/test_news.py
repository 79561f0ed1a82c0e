"""What Meta tells about templates, numbers and accounts: the newest news hold, and only for whom they are about."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppFlow, WhatsAppTemplate
from tests.payload_files import load_payload
from tests.services.meta_news import ID, deliver, flow_news, quality, reread, shop, status, template_of
from tests.webhooks import posting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unsigned")]


@pytest.fixture
def account() -> WhatsAppAccount:
    return shop()


@pytest.fixture
def template(account: WhatsAppAccount) -> WhatsAppTemplate:
    return template_of(account)


@pytest.fixture
def heard() -> Iterator[list[str]]:
    found: list[str] = []

    def hear(template: WhatsAppTemplate, status: str, event_id: str, **kwargs: Any) -> None:
        assert template.status == status
        found.append(status)

    signals.whatsapp_template_status_changed.connect(hear)
    yield found
    signals.whatsapp_template_status_changed.disconnect(hear)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("message_template_status_update__approved", "APPROVED"),
        ("message_template_status_update__rejected", "REJECTED"),
        ("message_template_status_update__paused", "PAUSED"),
    ],
)
def test_a_template_gets_the_state_that_meta_gives(
    template: WhatsAppTemplate, name: str, wanted: str
) -> None:
    deliver(load_payload(name))
    assert reread(template).status == wanted
    assert bool(template.rejected_reason) == (wanted == "REJECTED")


def test_a_state_that_we_do_not_know_is_kept_and_is_not_approved(template: WhatsAppTemplate) -> None:
    deliver(status("FLAGGED"))
    assert reread(template).status == "FLAGGED"
    deliver(status("REINSTATED", 1))
    assert reread(template).status == "APPROVED"


@pytest.mark.parametrize(
    "order", list(itertools.permutations([("APPROVED", 1), ("PAUSED", 2), ("APPROVED", 3)]))
)
def test_the_newest_state_holds_in_any_order(
    template: WhatsAppTemplate, order: tuple[tuple[str, int], ...]
) -> None:
    for each in order:
        deliver(status(*each))
    assert reread(template).status == "APPROVED"


BAN = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "today"}}


def test_an_account_that_leaves_its_business_account_blank_hears_what_the_settings_hears(
    account: WhatsAppAccount, template: WhatsAppTemplate
) -> None:
    account.waba_id = ""
    account.save()
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="2", waba_id="not the settings'")
    assert deliver(posting.change("account_update", BAN, time=1767000000)).unrouted == 0
    assert deliver(status("PAUSED")).unmatched == 0
    assert (reread(account).state, reread(other).state, reread(template).status) == (
        "disabled",
        "connected",
        "PAUSED",
    )


def test_news_of_another_business_account_are_not_for_an_account_that_leaves_its_own_blank(
    account: WhatsAppAccount,
) -> None:
    account.waba_id = ""
    account.save()
    assert deliver(posting.change("account_update", BAN, waba="999", time=1767000000)).unrouted == 1
    assert reread(account).state == "connected"


def test_a_ban_finds_the_settings_number_that_has_no_row_yet() -> None:
    deliver(posting.change("account_update", BAN, time=1767000000))
    (account,) = WhatsAppAccount.objects.all()
    assert (account.phone_number_id, account.state) == (posting.NUMBER, "disabled")


def test_a_ban_of_the_settings_business_account_waits_while_nobody_knows_its_number(settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "PHONE_NUMBER_ID": ""}
    template = WhatsAppTemplate.objects.create(name="order_shipped", language="en_US", meta_template_id=ID)
    assert deliver(posting.change("account_update", BAN, time=1767000000)).unrouted_to.keys() == {
        posting.WABA
    }
    assert deliver(status("PAUSED")).unrouted == 0
    assert reread(template).status == "PAUSED"


def test_a_ban_of_the_settings_business_account_leaves_its_number_alone_that_is_on_another(
    account: WhatsAppAccount,
) -> None:
    account.waba_id = "999"
    account.save()
    deliver(posting.change("account_update", BAN, time=1767000000))
    assert reread(account).state == "connected"


def test_an_old_pause_that_comes_again_changes_nothing(
    template: WhatsAppTemplate, heard: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for each in (status("PAUSED", 1), status("APPROVED", 2), status("PAUSED", 1)):
            deliver(each)
    assert reread(template).status == "APPROVED"
    assert heard == ["PAUSED", "APPROVED"]


def test_a_second_try_announces_again(
    template: WhatsAppTemplate, heard: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    deliver(status("APPROVED"))
    with django_capture_on_commit_callbacks(execute=True):
        deliver(status("APPROVED"), again=True)
    assert heard == ["APPROVED"]


def test_a_template_that_was_never_given_an_id_is_found_by_name_and_language(
    template: WhatsAppTemplate,
) -> None:
    WhatsAppTemplate.objects.update(meta_template_id="")
    other = WhatsAppTemplate.objects.create(
        account=template.account, name="order_shipped", language="de", status="PENDING"
    )
    deliver(status("APPROVED"))
    assert (reread(template).status, template.meta_template_id) == ("APPROVED", ID)
    assert reread(other).status == "PENDING"


def test_numbers_of_one_business_share_the_news(account: WhatsAppAccount, template: WhatsAppTemplate) -> None:
    sibling = WhatsAppAccount.objects.create(name="Second", phone_number_id="2", waba_id=posting.WABA)
    same = WhatsAppTemplate.objects.create(
        account=sibling, name="order_shipped", language="en_US", meta_template_id=ID
    )
    deliver(status("PAUSED"))
    assert (reread(template).status, reread(same).status) == ("PAUSED", "PAUSED")


def test_a_template_without_account_belongs_to_the_settings_business() -> None:
    row = WhatsAppTemplate.objects.create(name="order_shipped", language="en_US", status="PENDING")
    deliver(status("APPROVED"))
    assert reread(row).status == "APPROVED"


def test_another_business_s_template_of_the_same_name_is_left_alone(template: WhatsAppTemplate) -> None:
    WhatsAppAccount.objects.create(name="Other", phone_number_id="2", waba_id="2")
    assert deliver(status("PAUSED", waba="2")).unmatched == 1
    assert reread(template).status == "PENDING"


def test_quality_and_category_follow_meta(template: WhatsAppTemplate) -> None:
    deliver(load_payload("message_template_quality_update__yellow"))
    assert reread(template).quality_rating == "YELLOW"
    deliver(load_payload("template_category_update__announced"))
    assert reread(template).category == "UTILITY"
    deliver(load_payload("template_category_update__done"))
    assert reread(template).category == "MARKETING"


def test_old_quality_and_category_change_nothing(template: WhatsAppTemplate) -> None:
    for name in ("message_template_quality_update__yellow", "template_category_update__done"):
        body = load_payload(name)
        deliver(body)
        old = body["entry"][0]
        old["time"] -= 100
        old["changes"][0]["value"] |= {"new_quality_score": "GREEN", "new_category": "AUTHENTICATION"}
        deliver(body)
    assert (reread(template).quality_rating, template.category) == ("YELLOW", "MARKETING")


def test_a_number_that_was_upgraded_sends_faster(account: WhatsAppAccount) -> None:
    deliver(load_payload("phone_number_quality_update__throughput_upgrade"))
    assert (reread(account).throughput, account.messaging_limit) == (1000, "TIER_UNLIMITED")


def test_a_flagged_number_has_low_quality_until_it_is_unflagged(account: WhatsAppAccount) -> None:
    deliver(quality("FLAGGED", 1))
    assert reread(account).quality_rating == "RED"
    deliver(quality("UNFLAGGED", 2))
    deliver(quality("FLAGGED", 1))
    assert reread(account).quality_rating == "UNKNOWN"


def test_a_limit_holds_for_all_numbers_of_the_business_and_quality_for_one(account: WhatsAppAccount) -> None:
    second = WhatsAppAccount.objects.create(
        name="Second", phone_number_id="2", waba_id=posting.WABA, display_phone_number="+1 555 000 8888"
    )
    deliver(quality("FLAGGED", 2, max_daily_conversations_per_business="TIER_2K"))
    deliver(quality("FLAGGED", 1, max_daily_conversations_per_business="TIER_250"))
    assert (reread(account).messaging_limit, reread(second).messaging_limit) == ("TIER_2K", "TIER_2K")
    assert (account.quality_rating, second.quality_rating) == ("RED", "UNKNOWN")


def test_a_number_that_cannot_be_told_among_several_is_counted_as_unmatched(account: WhatsAppAccount) -> None:
    WhatsAppAccount.objects.create(name="Second", phone_number_id="2", waba_id=posting.WABA)
    assert deliver(quality("FLAGGED", display_phone_number="1999")).unmatched == 1
    WhatsAppAccount.objects.filter(phone_number_id="2").delete()
    assert deliver(quality("FLAGGED", display_phone_number="")).unmatched == 0


def test_news_of_a_number_that_is_not_ours_change_no_other_of_the_business(account: WhatsAppAccount) -> None:
    """The business has more numbers at Meta than we have: ours must not send at another's rate."""
    upgraded = quality("THROUGHPUT_UPGRADE", display_phone_number="15550007777")
    assert deliver(upgraded).unmatched == 1
    assert reread(account).throughput == 80
    WhatsAppAccount.objects.update(display_phone_number="")
    assert deliver(upgraded).unmatched == 0
    assert reread(account).throughput == 1000


@pytest.mark.parametrize(
    "order",
    list(
        itertools.permutations(
            [
                flow_news("DRAFT", "PUBLISHED", 1),
                flow_news("PUBLISHED", "THROTTLED", 2),
                flow_news("THROTTLED", "PUBLISHED", 3),
                flow_news("PUBLISHED", "THROTTLED", 2),
            ]
        )
    ),
)
def test_the_newest_news_of_a_flow_hold_in_any_order(
    account: WhatsAppAccount, order: tuple[dict[str, Any], ...]
) -> None:
    flow = WhatsAppFlow.objects.create(account=account, name="survey", meta_flow_id="3330001")
    for body in order:
        deliver(body)
    flow.refresh_from_db()
    assert flow.status == "PUBLISHED"


def test_news_of_a_flow_of_the_same_second_do_not_lead_back_to_its_beginning(
    account: WhatsAppAccount,
) -> None:
    flow = WhatsAppFlow.objects.create(account=account, name="survey", meta_flow_id="3330001")
    deliver(flow_news("PUBLISHED", "THROTTLED", 1))
    deliver(flow_news("DRAFT", "PUBLISHED", 1))
    flow.refresh_from_db()
    assert flow.status == "THROTTLED"
