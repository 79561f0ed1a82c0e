"""Message templates: creation, review, reads, edits and deletion."""

from typing import Any

import pytest

from tests.simulator.caller import WABA, Caller, Reply
from tests.simulator.receiver import Receiver
from whatsapp_simulator.control import Control, ControlError

BODY = {
    "type": "BODY",
    "text": "Hello {{1}}, your parcel {{2}} left.",
    "example": {"body_text": [["Asha", "A-1"]]},
}
HOUR, DAY = 3600, 86_400


def definition(name: str = "parcel", **changes: Any) -> dict[str, Any]:
    return {"name": name, "language": "en_US", "category": "UTILITY", "components": [BODY], **changes}


def create(api: Caller, name: str = "parcel", **changes: Any) -> Reply:
    return api.call("POST", f"{WABA}/message_templates", definition(name, **changes))


def listed(api: Caller, query: str = "") -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = api.call("GET", f"{WABA}/message_templates?{query}").json["data"]
    return data


def subcode(reply: Reply) -> int:
    assert (reply.status, reply.code) == (400, 100)
    return int(reply.json["error"]["error_subcode"])


def test_a_new_template_waits_for_its_review(api: Caller) -> None:
    reply = create(api, category="utility")
    assert reply.json["status"] == "PENDING"
    assert reply.json["category"] == "UTILITY"
    assert api.template("parcel", []).code == 132001


def test_an_approved_template_can_be_sent_and_the_webhook_tells_it(
    api: Caller, sim: Control, receiver: Receiver
) -> None:
    template_id = create(api).json["id"]
    sim.template("parcel", status="APPROVED")
    body = {"type": "body", "parameters": [{"type": "text", "text": "Asha"}, {"type": "text", "text": "A-1"}]}
    assert api.template("parcel", [body]).status == 200
    sim.drain()
    (update,) = receiver.values("message_template_status_update")
    assert (update["event"], update["message_template_id"]) == ("APPROVED", int(template_id))
    assert update["message_template_language"] == "en_US"


def test_a_run_may_approve_every_template_at_once(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.settings(auto_approve_templates=True)
    assert create(api).json["status"] == "APPROVED"
    sim.drain()
    assert [value["event"] for value in receiver.values("message_template_status_update")] == ["APPROVED"]


def test_a_name_can_be_used_once_per_language(api: Caller) -> None:
    create(api)
    assert subcode(create(api)) == 2388024
    assert create(api, language="hi").status == 200


def test_the_name_of_a_deleted_approved_template_is_locked_for_30_days(api: Caller, sim: Control) -> None:
    create(api)
    sim.template("parcel", status="APPROVED")
    assert api.call("DELETE", f"{WABA}/message_templates?name=parcel").json == {"success": True}
    assert subcode(create(api)) == 2388023
    sim.clock(advance=30 * DAY + 1)
    assert create(api).status == 200


def test_the_name_of_a_rejected_template_is_free_after_deletion(api: Caller, sim: Control) -> None:
    create(api)
    sim.template("parcel", status="REJECTED")
    api.call("DELETE", f"{WABA}/message_templates?name=parcel")
    assert create(api).status == 200


def test_an_account_has_a_limit_of_templates(api: Caller, sim: Control) -> None:
    sim.settings(template_limit=len(listed(api)) + 1)
    assert create(api).status == 200
    assert subcode(create(api, "another")) == 2388019


def test_a_hundred_templates_an_hour_can_be_created(api: Caller, sim: Control) -> None:
    for number in range(100):
        assert create(api, f"parcel_{number}").status == 200
    assert create(api, "one_more").code == 80008
    sim.clock(advance=HOUR)
    assert create(api, "one_more").status == 200


def test_the_list_filters_and_selects_fields(api: Caller, sim: Control) -> None:
    create(api)
    create(api, "promo", category="MARKETING")
    sim.template("promo", status="PAUSED")
    assert [item["name"] for item in listed(api, "status=pending,paused")] == ["parcel", "promo"]
    assert [item["name"] for item in listed(api, "category=MARKETING")] == ["promo"]
    assert [item["name"] for item in listed(api, "name=rom")] == ["promo"]
    assert [item["name"] for item in listed(api, "content=welcome")] == ["hello_world"]
    assert listed(api, "language=hi") == []
    (item,) = listed(api, "name=promo&fields=status,quality_score{score}")
    assert item == {"status": "PAUSED", "quality_score": {"score": "UNKNOWN"}, "id": item["id"]}


def test_the_list_goes_on_page_by_page_to_its_end(api: Caller) -> None:
    for number in range(5):
        create(api, f"parcel_{number}")
    seen, path = [], f"{WABA}/message_templates?limit=3&name=parcel_"
    while path:
        body = api.call("GET", path).json
        seen += [item["name"] for item in body["data"]]
        path = body["paging"].get("next", "").partition("/v22.0/")[2]
    assert seen == [f"parcel_{number}" for number in range(5)]


def test_a_summary_counts_what_matches_and_what_there_is(api: Caller) -> None:
    create(api)
    query = "name=parcel&limit=1&summary=total_count,message_template_count"
    summary = api.call("GET", f"{WABA}/message_templates?{query}").json["summary"]
    assert summary == {"total_count": 1, "message_template_count": 3}


def test_an_unknown_field_and_a_broken_cursor_are_errors(api: Caller) -> None:
    assert api.call("GET", f"{WABA}/message_templates?fields=colour").code == 100
    assert api.call("GET", f"{WABA}/message_templates?fields=id,quality_score{{score").code == 2500
    assert api.call("GET", f"{WABA}/message_templates?after=nonsense").code == 100
    assert api.call("GET", f"{WABA}/message_templates?limit=0").code == 100


def test_one_template_is_read_by_its_id_with_its_health(api: Caller, sim: Control) -> None:
    template_id = create(api).json["id"]
    node = api.call("GET", f"{template_id}?fields=name,components,health_status").json
    assert (node["name"], node["components"]) == ("parcel", [BODY])
    assert node["health_status"]["can_send_message"] == "BLOCKED"
    sim.template("parcel", status="APPROVED")
    node = api.call("GET", f"{template_id}?fields=health_status").json
    assert node["health_status"]["can_send_message"] == "AVAILABLE"


def test_an_unknown_template_is_100_with_subcode_33(api: Caller) -> None:
    assert subcode(api.call("GET", "999999999999999")) == 33


def test_an_approved_template_is_edited_once_a_day_and_ten_times_a_month(api: Caller, sim: Control) -> None:
    template_id = create(api).json["id"]
    sim.template("parcel", status="APPROVED")
    changed = {**BODY, "text": "Dear {{1}}, your parcel {{2}} left."}
    for _ in range(10):
        assert api.call("POST", template_id, {"components": [changed]}).json == {"success": True}
        assert subcode(api.call("POST", template_id, {"components": [changed]})) == 2388039
        sim.clock(advance=DAY)
    assert subcode(api.call("POST", template_id, {"components": [changed]})) == 2388039
    assert api.call("GET", template_id).json["components"] == [changed]
    assert api.call("GET", template_id).json["status"] == "APPROVED"


def test_the_category_of_an_approved_template_stays(api: Caller, sim: Control) -> None:
    template_id = create(api).json["id"]
    sim.template("parcel", status="APPROVED")
    reply = api.call("POST", template_id, {"category": "MARKETING"})
    assert reply.code == 100
    assert isinstance(reply.json["error"]["error_data"], str)


def test_a_rejected_template_is_reviewed_again_after_an_edit(api: Caller, sim: Control) -> None:
    template_id = create(api).json["id"]
    sim.template("parcel", status="REJECTED")
    assert api.call("POST", template_id, {"category": "MARKETING"}).status == 200
    node = api.call("GET", f"{template_id}?fields=status,category").json
    assert (node["status"], node["category"]) == ("PENDING", "MARKETING")


def test_a_template_in_review_cannot_be_edited(api: Caller) -> None:
    template_id = create(api).json["id"]
    assert subcode(api.call("POST", template_id, {"components": [BODY]})) == 2388039


def test_an_edited_body_is_checked_like_a_new_one(api: Caller, sim: Control) -> None:
    template_id = create(api).json["id"]
    sim.template("parcel", status="APPROVED")
    bad = [{"type": "BODY", "text": "Ends with {{1}}", "example": {"body_text": [["x"]]}}]
    assert subcode(api.call("POST", template_id, {"components": bad})) == 2388299


def test_deleting_by_name_takes_all_languages_and_by_id_only_one(api: Caller) -> None:
    english = create(api).json["id"]
    create(api, language="hi")
    path = f"{WABA}/message_templates"
    assert api.call("DELETE", f"{path}?name=parcel&hsm_id={english}").status == 200
    assert [item["language"] for item in listed(api, "name=parcel")] == ["hi"]
    create(api)
    assert api.call("DELETE", f"{path}?name=parcel").status == 200
    assert listed(api, "name=parcel") == []


def test_deleting_by_ids_is_all_or_nothing(api: Caller) -> None:
    ids = [create(api, name).json["id"] for name in ("one", "two")]
    path = f"{WABA}/message_templates"
    assert api.call("DELETE", f"{path}?hsm_ids=[{ids[0]},999]").status == 400
    assert len(listed(api, "status=pending")) == 2
    assert api.call("DELETE", f"{path}?hsm_ids=[{ids[0]},{ids[1]}]&name=one").code == 100
    assert api.call("DELETE", f"{path}?hsm_ids=[{ids[0]},{ids[1]}]").json == {"success": True}
    assert listed(api, "status=pending") == []


@pytest.mark.parametrize("query", ["", "name=nothing", "hsm_id=1&name=hello_world"])
def test_deleting_what_is_not_there_is_an_error(api: Caller, query: str) -> None:
    assert api.call("DELETE", f"{WABA}/message_templates?{query}").code == 100


def test_a_disabled_template_cannot_be_deleted(api: Caller, sim: Control) -> None:
    sim.template("hello_world", status="DISABLED")
    assert api.call("DELETE", f"{WABA}/message_templates?name=hello_world").code == 100
    assert len(listed(api, "name=hello_world")) == 1


def test_only_a_paused_template_can_be_unpaused(api: Caller, sim: Control, receiver: Receiver) -> None:
    template_id = listed(api, "name=hello_world")[0]["id"]
    assert api.call("POST", f"{template_id}/unpause").code == 100
    sim.template("hello_world", status="PAUSED")
    assert api.call("POST", f"{template_id}/unpause").json == {"success": True}
    sim.drain()
    events = [value["event"] for value in receiver.values("message_template_status_update")]
    assert events == ["PAUSED", "APPROVED"]


def test_templates_need_the_management_permission(api: Caller, sim: Control) -> None:
    sim.token("sender", permissions=["whatsapp_business_messaging"])
    assert api.call("GET", f"{WABA}/message_templates", token="sender").code == 10


def test_a_rejection_tells_its_reason(api: Caller, sim: Control, receiver: Receiver) -> None:
    template_id = create(api).json["id"]
    sim.template("parcel", status="REJECTED", reason="INVALID_FORMAT")
    sim.drain()
    assert receiver.values("message_template_status_update")[0]["reason"] == "INVALID_FORMAT"
    assert (
        api.call("GET", f"{template_id}?fields=rejected_reason").json["rejected_reason"] == "INVALID_FORMAT"
    )


def test_a_changed_quality_is_told_and_read_back(api: Caller, sim: Control, receiver: Receiver) -> None:
    sim.template("hello_world", quality="RED")
    sim.drain()
    (update,) = receiver.values("message_template_quality_update")
    assert (update["previous_quality_score"], update["new_quality_score"]) == ("UNKNOWN", "RED")
    assert [item["name"] for item in listed(api, "quality_score=red")] == ["hello_world"]
    with pytest.raises(ControlError):
        sim.template("hello_world", quality="PURPLE")
