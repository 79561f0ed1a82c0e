"""News that cross on their way: each fact goes by its own clock, and any order ends in the same rows."""

import itertools

import pytest

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppFlow, WhatsAppTemplate
from tests.payload_files import load_payload
from tests.services.meta_news import deliver, flow_news, quality, reread, shop, status, template_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unsigned")]


@pytest.fixture
def account() -> WhatsAppAccount:
    return shop()


@pytest.fixture
def template(account: WhatsAppAccount) -> WhatsAppTemplate:
    return template_of(account)


@pytest.mark.parametrize("gap", [0, 5])
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_late_flag_and_a_late_upgrade_hold_beside_what_came_before_them(
    account: WhatsAppAccount, order: tuple[int, ...], gap: int
) -> None:
    """Rating, rate and onboarding are no news of each other; of one second the flag outweighs its end."""
    bodies = [
        quality("UNFLAGGED", 0),
        quality("FLAGGED", gap),
        quality("THROUGHPUT_UPGRADE", 3),
        quality("ONBOARDING", 9),
    ]
    for place in order:
        deliver(bodies[place])
    assert (reread(account).quality_rating, account.throughput) == ("RED", 1000)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("PENDING", "APPROVED", "APPROVED"),
        ("APPROVED", "PAUSED", "PAUSED"),
        ("REINSTATED", "REJECTED", "REJECTED"),
        ("PAUSED", "DISABLED", "DISABLED"),
        ("DISABLED", "DELETED", "DELETED"),
        ("APPROVED", "SOMETHING_NEW", "SOMETHING_NEW"),
    ],
)
def test_of_two_states_of_a_template_in_one_second_the_graver_one_holds(
    template: WhatsAppTemplate, one: str, other: str, wanted: str, order: int
) -> None:
    for event in (one, other)[::order]:
        deliver(status(event))
    assert reread(template).status == wanted


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_ratings_of_a_template_in_one_second_the_lower_one_holds(
    template: WhatsAppTemplate, order: int
) -> None:
    bodies = []
    for score in ("RED", "GREEN"):
        body = load_payload("message_template_quality_update__yellow")
        body["entry"][0]["changes"][0]["value"]["new_quality_score"] = score
        bodies.append(body)
    for body in bodies[::order]:
        deliver(body)
    assert reread(template).quality_rating == "RED"


@pytest.mark.parametrize("order", [1, -1])
def test_an_approval_s_category_is_older_than_a_later_change_of_it(
    template: WhatsAppTemplate, order: int
) -> None:
    moved = load_payload("template_category_update__done")
    approved = status("APPROVED", -100, message_template_category="UTILITY")
    for body in (approved, moved)[::order]:
        deliver(body)
    assert (reread(template).status, template.category) == ("APPROVED", "MARKETING")


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_limits_in_one_second_the_lower_one_holds(account: WhatsAppAccount, order: int) -> None:
    tiers = ["TIER_10K", "TIER_2K"]
    for tier in tiers[::order]:
        deliver(quality("ONBOARDING", max_daily_conversations_per_business=tier))
    assert reread(account).messaging_limit == "TIER_2K"
    for tier in ["TIER_UNLIMITED", "TIER_10K"][::order]:
        deliver(quality("ONBOARDING", 1, max_daily_conversations_per_business=tier))
    assert reread(account).messaging_limit == "TIER_10K"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_flow_that_is_deprecated_stays_so_and_a_state_that_we_do_not_know_hides_no_other(
    account: WhatsAppAccount, order: tuple[int, ...]
) -> None:
    flow = WhatsAppFlow.objects.create(account=account, name="survey", meta_flow_id="3330001")
    lasting = [
        flow_news("PUBLISHED", "THROTTLED", 1),
        flow_news("THROTTLED", "HELD", 2),
        flow_news("THROTTLED", "BLOCKED", 1),
    ]
    for place in order:
        deliver(lasting[place])
    assert reread(flow).status == "BLOCKED"
    for place in order:
        deliver(
            [flow_news("BLOCKED", "PUBLISHED", 9), flow_news("PUBLISHED", "DEPRECATED", 5), lasting[0]][place]
        )
    assert reread(flow).status == "DEPRECATED"
