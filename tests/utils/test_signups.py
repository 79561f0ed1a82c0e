"""Signup links: the terms handshake, and our rows in step with Meta's."""

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from django_meta_whatsapp.errors import InvalidInput, InvalidMessage, MetaAPIError, MissingSetting
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppSignup
from tests.utils.conftest import Call
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db

VALUES = {
    "display_name": "Spring list",
    "signup_message": "Get weekly offers from Sample Shop",
    "confirmation_message": "Welcome! Your code is {{promo_code}}",
    "privacy_policy_url": "https://shop.example/privacy",
    "website_url": "https://shop.example",
    "promo_code": "SPRING10",
}


def test_the_first_link_accepts_the_terms_and_later_ones_do_not_need_to(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    first = call("create_signup", *VALUES.values(), account=whatsapp_account)
    second = call("create_signup", **VALUES, account=whatsapp_account)
    assert first["id"] != second["id"]
    listed = call("list_signups", whatsapp_account)
    assert {each["id"] for each in listed} == {first["id"], second["id"]}


def test_a_link_gets_a_row(simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call) -> None:
    signup_id = call("create_signup", **VALUES, account=whatsapp_account)["id"]
    row = WhatsAppSignup.objects.get()
    assert (row.signup_id, row.account, row.status) == (signup_id, whatsapp_account, "ACTIVE")
    assert {name: getattr(row, name) for name in VALUES} == VALUES
    assert row.get_deep_link() == f"https://wa.me/15550009999/signup/{signup_id}"
    described = call("get_signup", signup_id, whatsapp_account)
    assert described["confirmation_message"] == VALUES["confirmation_message"]


def test_without_an_account_or_waba_it_is_a_value_error_before_anything_else(call: Call) -> None:
    with override_settings(WHATSAPP={}):
        for account in (None, WhatsAppAccount(phone_number_id="1")):
            with pytest.raises(InvalidInput, match="account"):
                call("create_signup", *["" for _ in VALUES], account=account)


def test_values_that_meta_would_refuse_are_told(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    with pytest.raises(InvalidMessage, match="promo_code"):
        call("create_signup", **{**VALUES, "promo_code": ""}, account=whatsapp_account)
    assert not WhatsAppSignup.objects.exists()
    assert call("list_signups", whatsapp_account) == []


def test_metas_other_errors_are_raised(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    simulator.control.fail(2494165, path="signups")
    with pytest.raises(MetaAPIError) as rejected:
        call("create_signup", **VALUES, account=whatsapp_account)
    assert rejected.value.matches(2494165)
    assert not WhatsAppSignup.objects.exists()


@pytest.mark.parametrize("error", [{"code": 2494168}, {"code": 100, "subcode": 2494168}])
def test_terms_that_somebody_else_accepts_meanwhile_are_no_error(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call, error: dict[str, int]
) -> None:
    call("create_signup", **VALUES, account=whatsapp_account)
    # Meta says that the terms are missing, and then that it has them: the simulator itself says the second.
    simulator.control.fail(**error, path="signups")
    assert call("create_signup", **VALUES, account=whatsapp_account)["id"]
    assert len(call("list_signups", whatsapp_account)) == 2


def test_an_error_after_the_terms_is_raised(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    simulator.control.fail(2494168, path="signups")
    simulator.control.fail(2494165, path="signups")
    with pytest.raises(MetaAPIError) as refused:
        call("create_signup", **VALUES, account=whatsapp_account)
    assert refused.value.matches(2494165)
    assert not WhatsAppSignup.objects.exists()


def test_a_changed_link_is_changed_here_too(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    signup_id = call("create_signup", **VALUES, account=whatsapp_account)["id"]
    call("update_signup", signup_id, "SUMMER20", account=whatsapp_account)
    assert call("get_signup", signup_id)["promo_code"] == "SUMMER20"
    assert WhatsAppSignup.objects.get().promo_code == "SUMMER20"
    call("update_signup", signup_id, confirmation_message="Hello", account=whatsapp_account)
    assert WhatsAppSignup.objects.get().confirmation_message == "Hello"
    with pytest.raises(InvalidInput):
        call("update_signup", signup_id)


def test_a_disabled_link_is_disabled_here_too(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    signup_id = call("create_signup", **VALUES, account=whatsapp_account)["id"]
    assert call("disable_signup", signup_id) == {"success": True}
    assert call("get_signup", signup_id)["status"] == "DISABLED"
    assert WhatsAppSignup.objects.get().status == "DISABLED"


def test_a_link_that_meta_does_not_know_changes_no_row(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    WhatsAppSignup.objects.create(account=whatsapp_account, signup_id="1", **VALUES)
    with pytest.raises(MetaAPIError):
        call("disable_signup", "1")
    assert WhatsAppSignup.objects.get().status == "ACTIVE"


def test_a_missing_waba_is_named(call: Call) -> None:
    with (
        override_settings(WHATSAPP={**django_settings.WHATSAPP, "WABA_ID": ""}),
        pytest.raises(MissingSetting, match="WABA_ID"),
    ):
        call("list_signups")
