"""Templates are kept in step with Meta, both ways, without loss."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from django_meta_whatsapp.errors import AuthError, InvalidInput, InvalidMessage, MetaAPIError, MissingSetting
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppTemplate
from tests.utils.conftest import Call
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db

RICH: list[dict[str, Any]] = [
    {
        "type": "HEADER",
        "format": "TEXT",
        "text": "Order {{1}}",
        "example": {"header_text": ["A-1001"]},
    },
    {
        "type": "BODY",
        "text": "Hello {{1}}, order {{2}} left today.",
        "example": {"body_text": [["Maya", "A-1001"]]},
    },
    {"type": "FOOTER", "text": "Sample Shop"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{1}}", "example": ["A-1001"]},
            {"type": "QUICK_REPLY", "text": "Need help"},
        ],
    },
]


def rich(account: WhatsAppAccount | None, **fields: Any) -> WhatsAppTemplate:
    values: dict[str, Any] = {
        "name": "order_shipped",
        "language": "en_US",
        "category": "UTILITY",
        "header": {"type": "TEXT", "text": "Order {{1}}"},
        "body_text": "Hello {{1}}, order {{2}} left today.",
        "footer_text": "Sample Shop",
        "buttons": RICH[3]["buttons"],
    }
    return WhatsAppTemplate.objects.create(account=account, **{**values, **fields})


def names(listed: list[dict[str, Any]]) -> set[str]:
    return {each["name"] for each in listed}


def test_approved_and_pending_templates_are_fetched_and_not_stored(
    simulator: SimulatorServer, call: Call
) -> None:
    simulator.control.template("waiting", status="PENDING")
    simulator.control.template("refused", status="REJECTED")
    assert names(call("sync_templates_from_meta")) == {"hello_world", "order_update", "waiting"}
    assert not WhatsAppTemplate.objects.exists()


def test_all_pages_are_fetched(simulator: SimulatorServer, call: Call) -> None:
    for number in range(120):
        simulator.control.template(f"number_{number}")
    listed = call("sync_templates_from_meta")
    assert len(listed) == len(names(listed)) == 122


def test_a_missing_waba_is_named(call: Call) -> None:
    with (
        override_settings(WHATSAPP={**django_settings.WHATSAPP, "WABA_ID": ""}),
        pytest.raises(MissingSetting, match="WABA_ID"),
    ):
        call("sync_templates_from_meta")


def test_templates_are_stored_without_loss(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    simulator.control.template("order_shipped", components=RICH, category="MARKETING")
    simulator.control.template("paused", status="PAUSED")
    assert call("save_templates_from_meta", whatsapp_account) == {"synced": 4, "deleted": 0}
    row = WhatsAppTemplate.objects.get(name="order_shipped")
    assert (row.status, row.category, row.language) == ("APPROVED", "MARKETING", "en_US")
    assert row.meta_template_id
    assert row.synced_at is not None
    assert row.header is not None
    assert (row.header["type"], row.header["text"]) == ("TEXT", "Order {{1}}")
    assert (row.body_text, row.footer_text) == ("Hello {{1}}, order {{2}} left today.", "Sample Shop")
    assert [button["type"] for button in row.buttons] == ["URL", "QUICK_REPLY"]
    assert row.components == RICH
    assert WhatsAppTemplate.objects.get(name="paused").status == "PAUSED"


def test_storing_again_updates_and_marks_what_is_gone(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    simulator.control.template("fading")
    draft = rich(whatsapp_account)
    call("save_templates_from_meta", whatsapp_account)
    first = WhatsAppTemplate.objects.get(name="fading")
    simulator.control.template("fading", status="PAUSED", category="MARKETING")
    call("save_templates_from_meta", whatsapp_account)
    again = WhatsAppTemplate.objects.get(name="fading")
    assert (again.pk, again.status, again.category) == (first.pk, "PAUSED", "MARKETING")
    simulator.control.reset()
    assert call("save_templates_from_meta", whatsapp_account) == {"synced": 2, "deleted": 1}
    assert WhatsAppTemplate.objects.get(name="fading").status == "DELETED"
    draft.refresh_from_db()
    assert draft.status == "DRAFT"


def test_without_an_account_the_rows_belong_to_the_settings_number(
    simulator: SimulatorServer, call: Call
) -> None:
    call("save_templates_from_meta")
    account = WhatsAppAccount.objects.get()
    assert account.phone_number_id == "222000222000222"
    assert WhatsAppTemplate.objects.filter(account=account).count() == 2


def test_a_pushed_template_is_metas_shape_and_keeps_what_meta_says(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    template = rich(whatsapp_account)
    answer = call("push_template_to_meta", template)
    template.refresh_from_db()
    assert template.meta_template_id == answer["id"]
    assert (template.status, template.category) == (answer["status"], answer["category"])
    described = call("get_template_from_meta", answer["id"], whatsapp_account)
    header, body, footer, buttons = described["components"]
    assert (header["type"], header["format"], header["text"]) == ("HEADER", "TEXT", "Order {{1}}")
    assert len(header["example"]["header_text"]) == 1
    assert len(body["example"]["body_text"][0]) == 2
    assert footer == RICH[2]
    assert [button["type"] for button in buttons["buttons"]] == ["URL", "QUICK_REPLY"]


def test_metas_category_replaces_ours(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    template = rich(None, body_text="Hello", header=None, buttons=[], footer_text="")
    answer = call("push_template_to_meta", template, whatsapp_account)
    template.refresh_from_db()
    assert template.category == answer["category"]
    assert template.account is None


def test_an_unsaved_template_can_be_pushed(simulator: SimulatorServer, call: Call) -> None:
    template = WhatsAppTemplate(name="hello_again", language="en", body_text="Hello", category="UTILITY")
    answer = call("push_template_to_meta", template)
    assert template.meta_template_id == answer["id"]
    assert not WhatsAppTemplate.objects.exists()


def test_what_meta_would_refuse_is_not_pushed(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    with pytest.raises(InvalidMessage, match="name"):
        call("push_template_to_meta", rich(whatsapp_account, name="Not A Name"))
    assert WhatsAppTemplate.objects.get().status == "DRAFT"


def test_a_name_that_is_taken_is_metas_error(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    simulator.control.template("order_shipped")
    with pytest.raises(MetaAPIError) as rejected:
        call("push_template_to_meta", rich(whatsapp_account))
    assert rejected.value.subcode == 2388024
    assert WhatsAppTemplate.objects.get().status == "DRAFT"


def test_an_edited_template_waits_for_meta(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    template = rich(whatsapp_account)
    with pytest.raises(InvalidInput, match="push"):
        call("edit_template_on_meta", template)
    call("push_template_to_meta", template)
    simulator.control.template("order_shipped", status="APPROVED")
    template.body_text = "Hi {{1}}, order {{2}} is with you tomorrow."
    template.save()
    call("edit_template_on_meta", template)
    template.refresh_from_db()
    assert template.status == "PENDING"
    described = call("get_template_from_meta", template.meta_template_id)
    assert described["components"][1]["text"] == template.body_text


def test_deleting_by_name_deletes_every_language(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    for language in ("en", "hi"):
        simulator.control.template("order_shipped", language)
    call("save_templates_from_meta", whatsapp_account)
    assert call("delete_template_from_meta", "order_shipped", whatsapp_account)["success"] is True
    assert names(call("sync_templates_from_meta")) == {"hello_world", "order_update"}
    assert set(WhatsAppTemplate.objects.filter(name="order_shipped").values_list("language", "status")) == {
        ("en", "DELETED"),
        ("hi", "DELETED"),
    }
    assert WhatsAppTemplate.objects.filter(status="APPROVED").count() == 2


def test_deleting_by_id_deletes_one_language(simulator: SimulatorServer, call: Call) -> None:
    ids = {each: simulator.control.template("order_shipped", each)["id"] for each in ("en", "hi")}
    call("save_templates_from_meta")
    call("delete_template_version_from_meta", "order_shipped", ids["hi"])
    left = [each for each in call("sync_templates_from_meta") if each["name"] == "order_shipped"]
    assert [each["language"] for each in left] == ["en"]
    assert set(WhatsAppTemplate.objects.filter(name="order_shipped").values_list("language", "status")) == {
        ("en", "APPROVED"),
        ("hi", "DELETED"),
    }


def test_deleting_what_is_not_there_is_metas_error(simulator: SimulatorServer, call: Call) -> None:
    with pytest.raises(MetaAPIError):
        call("delete_template_from_meta", "no_such_template")


def test_a_paused_template_is_resumed(simulator: SimulatorServer, call: Call) -> None:
    template_id = simulator.control.template("order_update", status="PAUSED")["id"]
    assert call("unpause_template", template_id)["success"] is True
    assert call("get_template_from_meta", template_id)["status"] == "APPROVED"


def test_a_wrong_token_is_190(simulator: SimulatorServer, call: Call) -> None:
    account = WhatsAppAccount(phone_number_id="222000222000222", waba_id="111000111000111", access_token="no")
    with pytest.raises(AuthError):
        call("sync_templates_from_meta", account)
