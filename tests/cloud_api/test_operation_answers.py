"""What operations make of Meta's answers."""

import pytest

from django_meta_whatsapp.cloud_api.calls import Call, Page
from django_meta_whatsapp.cloud_api.errors import RequestError
from django_meta_whatsapp.cloud_api.operations import (
    blocking,
    business,
    catalog,
    signups,
    templates,
)
from tests.cloud_api.operation_words import PHONE, SIGNUP, WABA


@pytest.mark.parametrize("call", [templates.list_templates(WABA), blocking.blocked_users(PHONE)])
def test_the_token_that_meta_writes_into_the_links_of_a_page_stays_out_of_it(call: Call[Page]) -> None:
    link = "https://graph.example/v22.0/1/x?access_token=EAAsecret&limit=25&after=b%3D"
    paging = {"cursors": {"after": "b="}, "next": link, "previous": link}
    page = call.parse({"data": [{"id": "1"}], "paging": paging})
    assert page.after == "b="
    assert page.raw["paging"] == {
        "cursors": {"after": "b="},
        "next": "https://graph.example/v22.0/1/x?limit=25&after=b%3D",
        "previous": "https://graph.example/v22.0/1/x?limit=25&after=b%3D",
    }


def test_the_block_list_goes_on_by_cursor_until_a_page_is_empty() -> None:
    parse = blocking.blocked_users(PHONE).parse
    cursors = {"paging": {"cursors": {"after": "abc"}}}
    assert parse({"data": [{"wa_id": "1"}], **cursors}).after == "abc"
    assert parse({"data": [], **cursors}).after is None


def test_both_shapes_of_the_block_list_give_the_same_entries() -> None:
    parse = blocking.blocked_users(PHONE).parse
    flat = parse({"data": [{"messaging_product": "whatsapp", "wa_id": "1"}]})
    nested = parse({"data": [{"block_users": [{"input": "+1", "wa_id": "1"}]}]})
    assert [entry["wa_id"] for entry in blocking.blocked_entries(flat)] == ["1"]
    assert [entry["wa_id"] for entry in blocking.blocked_entries(nested)] == ["1"]


def test_a_refusal_that_names_the_blocked_users_is_a_result() -> None:
    usable = blocking.block(PHONE, ["+15550001111"]).usable
    assert usable is not None
    answer = {
        "block_users": {"added_users": [{"wa_id": "1"}], "failed_users": [{"input": "+2", "errors": []}]},
        "error": {"code": 139100},
    }
    assert usable(answer)
    assert not usable({"error": {"code": 190}})
    assert blocking.changed_users(answer) == [{"wa_id": "1"}]
    assert blocking.failed_users(answer) == [{"input": "+2", "errors": []}]


@pytest.mark.parametrize("key", ["removed_users", "added_users"])
def test_either_key_tells_who_was_unblocked(key: str) -> None:
    assert blocking.changed_users({"block_users": {key: [{"wa_id": "1"}]}}) == [{"wa_id": "1"}]
    assert blocking.changed_users({}) == []


def test_the_terms_of_signups_are_recognised_in_code_and_in_subcode() -> None:
    assert signups.terms_needed(RequestError("no", code=2494168))
    assert signups.terms_needed(RequestError("no", code=100, subcode=2494168))
    assert signups.terms_known(RequestError("no", code=100, subcode=2494176))
    assert not signups.terms_known(RequestError("no", code=100))


def test_a_promo_code_may_be_named_in_the_confirmation() -> None:
    values = {**SIGNUP, "confirmation_message": "Use {{promo_code}}"}
    assert signups.create_signup(WABA, **values, promo_code="X1").body == {**values, "promo_code": "X1"}


def test_lists_of_one_are_unwrapped() -> None:
    profile = {"about": "Mugs"}
    assert business.business_profile(PHONE).parse({"data": [profile]}) == profile
    assert business.business_profile(PHONE).parse(profile) == profile
    assert catalog.commerce_settings(PHONE).parse({"data": []}) == {}


def test_token_and_health_answers_are_unwrapped() -> None:
    assert business.debug_token("t").parse({"data": {"is_valid": True}}) == {"is_valid": True}
    assert business.debug_token("t").parse({}) == {}
    health = {"can_send_message": "AVAILABLE"}
    assert business.health_status("9").parse({"id": "9", "health_status": health}) == health
    assert business.health_status("9").parse({"id": "9"}) == {}
