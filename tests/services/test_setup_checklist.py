"""Connecting an account: what is found in order, worth a look or missing, and the webhook subscription."""

import time
from typing import Any

import pytest
from django.core.management import CommandError
from django.urls import reverse

from django_meta_whatsapp.models import AccountState, WhatsAppAccount
from django_meta_whatsapp.services import setup
from django_meta_whatsapp.services.setup import Level
from tests.services.altered_graph import Altered
from tests.services.setting_up import (
    APP,
    NUMBER,
    WABA,
    columns,
    found,
    given,
    run,
    subscriptions,
    unsubscribe,
)
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db


def test_a_token_that_may_not_be_inspected_is_no_obstacle(graph: SimulatorServer) -> None:
    graph.control.fail(10, count=None, path="debug_token")
    report = setup.connect()
    assert "does not let this token be inspected" in found(report, Level.CHECK)
    assert (report.account.app_id, report.missing) == (APP, ())


def test_a_token_that_expires_is_told_with_its_day(graph: SimulatorServer) -> None:
    graph.control.token("simulator-token", expires_at=time.time() + 3600)
    assert "The token is valid until 20" in found(setup.connect(), Level.CHECK)


def test_an_unsubscribed_account_gets_subscribed(graph: SimulatorServer) -> None:
    unsubscribe(graph)
    assert subscriptions() == []
    assert "The app is now subscribed" in found(setup.connect(), Level.OK)
    assert subscriptions()[0]["whatsapp_business_api_data"]["id"] == APP


def test_an_account_left_unsubscribed_is_an_error(graph: SimulatorServer) -> None:
    unsubscribe(graph)
    with pytest.raises(CommandError, match=r"not ready.*not subscribed.*none will arrive"):
        run(no_subscribe=True)
    assert WhatsAppAccount.objects.count() == 1
    assert subscriptions() == []


def test_a_subscription_that_fails_is_told_after_the_account_is_stored(
    graph: SimulatorServer, settings: Any
) -> None:
    with pytest.raises(CommandError, match=r"could not be subscribed.*validated"):
        run(callback_url="http://127.0.0.1:9/whatsapp/webhook/")
    assert WhatsAppAccount.objects.get().display_phone_number == "+1 555-000-9999"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verify_token", ["tests-verify-token", ""])
def test_an_address_of_the_accounts_own_is_verified_by_our_webhook(
    verify_token: str, simulator: SimulatorServer, live_server: Any, settings: Any
) -> None:
    given(settings, VERIFY_TOKEN=verify_token)
    address = f"{live_server.url}{reverse('django_meta_whatsapp:webhook')}"
    report = setup.connect(callback_url=address)
    assert subscriptions()[0]["override_callback_uri"] == address
    assert f"Webhooks go to {address}." in found(report, Level.OK)
    assert report.missing == ()
    assert ("The verify token is missing" in found(report, Level.CHECK)) == (verify_token == "")
    # A run without the address keeps it.
    setup.connect()
    assert subscriptions()[0]["override_callback_uri"] == address


def test_a_number_that_is_not_registered_is_an_error_with_the_way_out(graph: SimulatorServer) -> None:
    graph.control.number(NUMBER, status="DISCONNECTED")
    with pytest.raises(CommandError, match="not registered for the Cloud API: DISCONNECTED"):
        run()
    account = WhatsAppAccount.objects.get()
    assert (account.state, account.can_send) == (AccountState.DISCONNECTED, False)
    assert set(account.heard_at) == {"quality", "limit", "state"}
    report = setup.connect()
    assert (report.changed, "utils.register_phone_number(pin)" in found(report, Level.MISSING)) == ((), True)
    graph.control.number(NUMBER, status="CONNECTED")
    assert setup.connect().account.can_send


def test_a_banned_number_is_an_error(graph: SimulatorServer) -> None:
    graph.control.number(NUMBER, status="BANNED")
    report = setup.connect()
    assert report.account.state == AccountState.DISABLED
    assert report.account.state_reason == "Meta has this number as BANNED."
    assert "cannot send: BANNED" in found(report, Level.MISSING)


def test_a_flagged_number_is_told_and_connected(graph: SimulatorServer) -> None:
    graph.control.number(NUMBER, status="FLAGGED", quality="RED")
    report = setup.connect()
    told = found(report, Level.CHECK)
    assert "has the status FLAGGED" in told
    assert "Sending is limited by the phone number:" in told
    assert (report.account.state, report.missing) == (AccountState.CONNECTED, ())


@pytest.mark.parametrize(("quality", "state"), [("GREEN", "connected"), ("RED", "restricted")])
def test_only_full_health_ends_a_restriction(quality: str, state: str, graph: SimulatorServer) -> None:
    WhatsAppAccount.objects.create(
        name="Shop", phone_number_id=NUMBER, waba_id=WABA, state="restricted", state_reason="So says Meta."
    )
    graph.control.number(NUMBER, quality=quality)
    account = setup.connect().account
    assert account.state == state
    assert account.state_reason == ("" if state == "connected" else "So says Meta.")


def test_missing_secrets_and_addresses_are_told(simulator: SimulatorServer, settings: Any) -> None:
    given(settings, APP_SECRET="", VERIFY_TOKEN="")
    with pytest.raises(CommandError, match=r"not ready.*no address for webhooks.*app secret.*verify token"):
        run()
    given(settings, ALLOW_UNSIGNED_WEBHOOKS=True)
    assert "anybody can post webhooks" in found(setup.connect(), Level.CHECK)


def test_an_address_that_is_not_ours_is_told(simulator: SimulatorServer) -> None:
    simulator.control.webhooks(url="https://shop.example/elsewhere/", enabled=False)
    told = found(setup.connect(), Level.CHECK)
    assert "Webhooks go to https://shop.example/elsewhere/." in told
    assert "https://<your site>/whatsapp/webhook/" in told


@pytest.mark.urls("tests.services.test_setup_checklist")
def test_a_project_without_our_urls_is_told(graph: SimulatorServer) -> None:
    assert "does not serve the webhook" in found(setup.connect(), Level.MISSING)


urlpatterns: list[Any] = []


def test_an_account_that_is_switched_off_stays_so_and_is_told(graph: SimulatorServer) -> None:
    WhatsAppAccount.objects.create(name="Shop", phone_number_id=NUMBER, waba_id=WABA, is_active=False)
    report = setup.connect()
    assert not report.account.is_active
    assert "switched off here" in found(report, Level.CHECK)


def test_an_account_without_approved_templates_is_told(altered_graph: Altered) -> None:
    altered_graph.answers["message_templates"] = {"data": [{"id": "1", "status": "PENDING"}]}
    told = found(setup.connect(), Level.CHECK)
    assert "Templates: 1, of them approved: 0." in told


@pytest.mark.parametrize(
    ("number", "throughput"),
    [
        ({"throughput": {"level": "STANDARD"}}, 80),
        ({"throughput": {"level": "HIGH"}}, 1000),
        ({"throughput": {"level": "NOT_APPLICABLE"}}, 20),
        ({"throughput": {"level": "HIGH"}, "is_on_biz_app": True}, 20),
        ({"throughput": {"level": "SOMETHING_NEW"}}, 77),
        ({"throughput": None}, 77),
    ],
)
def test_throughput_follows_the_level_that_meta_tells(
    number: dict[str, Any], throughput: int, altered_graph: Altered
) -> None:
    WhatsAppAccount.objects.create(name="Shop", phone_number_id=NUMBER, waba_id=WABA, throughput=77)
    altered_graph.answers[NUMBER] = number
    assert setup.connect().account.throughput == throughput


def test_what_meta_does_not_tell_stays_as_it_is(altered_graph: Altered) -> None:
    setup.connect()
    before = columns()
    told = [
        "quality_rating",
        "verified_name",
        "display_phone_number",
        "status",
        "health_status",
        "throughput",
    ]
    altered_graph.answers[NUMBER] = dict.fromkeys([*told, "whatsapp_business_manager_messaging_limit"])
    report = setup.connect()
    assert (report.changed, columns()) == ((), before)
    assert "has the status unknown" in found(report, Level.CHECK)


def test_a_quality_of_no_colour_is_unknown(altered_graph: Altered) -> None:
    altered_graph.answers[NUMBER] = {"quality_rating": "NA"}
    assert setup.connect().account.quality_rating == "UNKNOWN"


def test_the_portfolio_is_known_without_health(altered_graph: Altered) -> None:
    altered_graph.answers[NUMBER] = {"health_status": None}
    assert setup.connect().account.portfolio_id == "333000333000333"


def test_a_number_that_is_not_verified_is_told_how_to_prove_itself(altered_graph: Altered) -> None:
    altered_graph.answers[NUMBER] = {"status": "PENDING", "code_verification_status": "NOT_VERIFIED"}
    assert "utils.verify_code" in found(setup.connect(), Level.MISSING)


def test_what_blocks_an_account_is_told_in_metas_words(altered_graph: Altered) -> None:
    error = {"error_code": 141006, "error_description": "No payment method.", "possible_solution": "Add one."}
    blocked = {"entity_type": "WABA", "id": WABA, "can_send_message": "BLOCKED", "errors": [error]}
    altered_graph.answers[NUMBER] = {"health_status": {"can_send_message": "BLOCKED", "entities": [blocked]}}
    told = found(setup.connect(), Level.MISSING)
    assert told == "Sending is blocked by the waba: No payment method. Add one."


@pytest.mark.parametrize(
    ("review", "level"), [("PENDING", Level.CHECK), ("REJECTED", Level.MISSING), (None, Level.CHECK)]
)
def test_an_account_that_is_not_approved_is_told(
    review: str | None, level: Level, altered_graph: Altered
) -> None:
    altered_graph.answers[WABA] = {"account_review_status": review}
    assert "Sample Shop is not approved" in found(setup.connect(), level)


def test_the_subscription_of_another_app_is_not_ours(altered_graph: Altered) -> None:
    foreign = {"whatsapp_business_api_data": {"id": "7", "name": "Another app"}}
    altered_graph.answers["subscribed_apps"] = {"data": [foreign]}
    assert "not subscribed" in found(setup.connect(subscribe=False), Level.MISSING)
    assert "now subscribed" in found(setup.connect(), Level.OK)


def test_a_subscription_is_left_alone_when_meta_does_not_tell_whose_it_is(altered_graph: Altered) -> None:
    altered_graph.answers["debug_token"] = {"data": {"app_id": None}}
    altered_graph.answers[NUMBER] = {"health_status": None}
    told = found(setup.connect(), Level.CHECK)
    assert f"Subscribed to the account's webhooks: {APP}." in told
