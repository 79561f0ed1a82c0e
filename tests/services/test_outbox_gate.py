"""The gate before a message: the window, marks of the person, the template's state and category, the account."""

from typing import Any

import pytest

from django_meta_whatsapp.cloud_api.content import Raw, Template, Text
from django_meta_whatsapp.errors import SendRefused
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppMessage,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import contacts
from django_meta_whatsapp.utils import build_template_components, send_message
from tests.services.sending import HELLO, HER, ledger, let_write
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_free_text_goes_out_inside_the_window_only(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    with pytest.raises(SendRefused) as refused:
        send_message(whatsapp_account, HER, Text("hi"))
    assert refused.value.reason == "window_closed"
    assert not WhatsAppContact.objects.exists()
    contact = let_write(simulator, whatsapp_account)
    message = send_message(whatsapp_account, contact, Text("hi"))
    assert (message.status, message.message_body, message.category) == ("accepted", "hi", "")


@pytest.mark.parametrize(("field", "reason"), [("opted_out", "opted_out"), ("is_blocked", "blocked")])
def test_a_marked_person_gets_no_message(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, field: str, reason: str
) -> None:
    WhatsAppContact.objects.create(phone="4512345678", **{field: True})
    with pytest.raises(SendRefused) as refused:
        send_message(whatsapp_account, HER, HELLO)
    assert refused.value.reason == reason
    assert not WhatsAppMessage.objects.exists()
    assert ledger(simulator) == []


def test_a_mark_counts_by_whichever_number_the_person_is_called(whatsapp_account: WhatsAppAccount) -> None:
    contact = WhatsAppContact.objects.create(phone="5511987654321", opted_out=True)
    contacts.link(contact, ["p:551187654321"])
    with pytest.raises(SendRefused):
        send_message(whatsapp_account, "+551187654321", HELLO)


def template_row(account: WhatsAppAccount | None, **fields: Any) -> WhatsAppTemplate:
    values = {"name": "hello_world", "language": "en_US", "status": "APPROVED", "category": "UTILITY"}
    return WhatsAppTemplate.objects.create(account=account, **{**values, **fields})


def test_only_an_approved_template_is_sent(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    template_row(whatsapp_account, status="PAUSED")
    with pytest.raises(SendRefused, match="PAUSED") as refused:
        send_message(whatsapp_account, HER, HELLO)
    assert refused.value.reason == "template_not_approved"
    assert ledger(simulator) == []


def test_the_category_is_metas_before_the_callers(whatsapp_account: WhatsAppAccount) -> None:
    contact = WhatsAppContact.objects.create(phone="4512345678")
    state = WhatsAppContactAccount.objects.create(
        account=whatsapp_account, contact=contact, marketing_opted_out=True
    )
    template_row(whatsapp_account, category="MARKETING")
    with pytest.raises(SendRefused):
        send_message(whatsapp_account, HER, HELLO, category="UTILITY")
    WhatsAppTemplate.objects.update(category="UTILITY")
    assert send_message(whatsapp_account, HER, HELLO).category == "UTILITY"
    WhatsAppTemplate.objects.all().delete()
    assert send_message(whatsapp_account, HER, HELLO, category="utility").category == "UTILITY"
    with pytest.raises(SendRefused):
        send_message(whatsapp_account, state.contact, HELLO)


def test_a_template_that_we_know_stands_in_the_thread_as_it_reads(whatsapp_account: WhatsAppAccount) -> None:
    template_row(
        whatsapp_account,
        name="order_update",
        body_text="Hello {{1}}, your order {{2}} is on its way.",
        footer_text="Sample Shop",
    )
    components = build_template_components(body_params=["Ann", "A-1"])
    message = send_message(whatsapp_account, HER, Template("order_update", "en_US", components))
    assert message.message_body == "Hello Ann, your order A-1 is on its way.\nSample Shop"
    with pytest.raises(Exception, match="100"):
        send_message(whatsapp_account, HER, Raw("template", {**message.content, "components": "none"}))


def test_numbers_of_one_business_account_share_its_templates(whatsapp_account: WhatsAppAccount) -> None:
    other = WhatsAppAccount.objects.create(name="Other", phone_number_id="9", waba_id="111000111000111")
    stranger = WhatsAppAccount.objects.create(name="Stranger", phone_number_id="8", waba_id="7")
    template_row(stranger, status="REJECTED")
    template_row(other, category="AUTHENTICATION")
    assert send_message(whatsapp_account, HER, HELLO).category == "AUTHENTICATION"
    template_row(whatsapp_account)
    assert send_message(whatsapp_account, "+4587654321", HELLO).category == "UTILITY"


def test_a_raw_template_without_a_name_is_metas_to_refuse(whatsapp_account: WhatsAppAccount) -> None:
    with pytest.raises(Exception, match="HTTP 400"):
        send_message(whatsapp_account, HER, Raw("template", {}))
    assert WhatsAppMessage.objects.get().status == "failed"


@pytest.mark.parametrize("fields", [{"is_active": False}, {"state": "restricted"}])
def test_an_account_that_is_off_sends_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, fields: dict[str, Any]
) -> None:
    for name, value in fields.items():
        setattr(whatsapp_account, name, value)
    with pytest.raises(SendRefused) as refused:
        send_message(whatsapp_account, HER, HELLO)
    assert refused.value.reason == "account_off"
    assert ledger(simulator) == []
