"""What Meta may answer to a message, and what its row says then: failed, unknown or accepted."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Template
from django_meta_whatsapp.errors import AuthError, NotSentError, RecipientError, SendRefused, TemplateError
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.services import contacts, outbox_rows, tokens
from django_meta_whatsapp.utils import send_message
from tests.services.sending import HELLO, HER, ledger
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_rejected_message_is_failed_and_says_why(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, announced: list[dict[str, Any]]
) -> None:
    simulator.control.fail(131026)
    with pytest.raises(RecipientError):
        send_message(whatsapp_account, HER, HELLO)
    message = WhatsAppMessage.objects.get()
    attempt = WhatsAppSendAttempt.objects.get()
    assert (message.status, message.error_code) == ("failed", 131026)
    assert "131026" in message.error_message
    assert message.failed_at is not None
    assert (attempt.state, attempt.error_code, attempt.error_class) == ("rejected", 131026, "recipient")
    assert announced == []


def test_an_unknown_template_is_metas_132001(whatsapp_account: WhatsAppAccount) -> None:
    with pytest.raises(TemplateError) as rejected:
        send_message(whatsapp_account, HER, Template("no_such_template", "en_US"))
    assert rejected.value.code == 132001
    assert WhatsAppMessage.objects.get().error_code == 132001


def test_a_wrong_token_is_metas_190(whatsapp_account: WhatsAppAccount) -> None:
    whatsapp_account.access_token = "wrong"
    with pytest.raises(AuthError) as rejected:
        send_message(whatsapp_account, HER, HELLO)
    assert rejected.value.code == 190
    assert "wrong" not in WhatsAppMessage.objects.get().error_message.split()


def test_a_dead_network_leaves_a_failed_row(whatsapp_account: WhatsAppAccount) -> None:
    dead = {**django_settings.WHATSAPP, "GRAPH_BASE_URL": "http://127.0.0.1:9"}
    with override_settings(WHATSAPP=dead), pytest.raises(NotSentError):
        send_message(whatsapp_account, HER, HELLO)
    assert WhatsAppMessage.objects.get().status == "failed"
    assert WhatsAppSendAttempt.objects.get().state == "not_sent"


@pytest.mark.parametrize("fault", ["drop", "no_id", "html"])
def test_a_lost_answer_leaves_an_unknown_row_and_raises_nothing(
    simulator: SimulatorServer,
    whatsapp_account: WhatsAppAccount,
    announced: list[dict[str, Any]],
    fault: str,
) -> None:
    options: dict[str, Any] = {"drop": {"probability": 1, "count": 1}, "html": {"status": 502, "count": 1}}
    simulator.control.fault(fault, **options.get(fault, {"count": 1}))
    message = send_message(whatsapp_account, HER, HELLO)
    assert (message.status, message.message_id) == ("unknown", None)
    assert message.error_message
    assert message.attempts.get().state == "unknown"
    assert announced == []


def test_something_went_wrong_at_meta_leaves_an_unknown_row_and_raises_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    simulator.control.fail(131000, path="messages")
    message = send_message(whatsapp_account, HER, HELLO, dedupe_key="order-1")
    assert (message.status, message.attempts.get().state) == ("unknown", "unknown")
    assert send_message(whatsapp_account, HER, HELLO, dedupe_key="order-1") == message
    assert ledger(simulator) == []


def test_a_refusal_because_marketing_was_stopped_closes_the_gate(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    simulator.control.fail(131050, path="messages")
    with pytest.raises(RecipientError):
        send_message(whatsapp_account, HER, HELLO, category="MARKETING")
    assert WhatsAppContactAccount.objects.get(account=whatsapp_account).marketing_opted_out
    with pytest.raises(SendRefused):
        send_message(whatsapp_account, HER, HELLO, category="MARKETING")
    assert send_message(whatsapp_account, HER, HELLO, category="UTILITY").status == "accepted"


def test_a_webhook_that_was_quicker_is_not_undone(whatsapp_account: WhatsAppAccount) -> None:
    """The row and attempt as a status webhook leaves them, then the answer, of either kind."""
    quick = timezone.now() - timedelta(seconds=1)
    committed = outbox_rows.commit(
        whatsapp_account,
        WhatsAppContact.objects.create(phone="4512345678"),
        HELLO,
        "UTILITY",
        call=None,  # type: ignore[arg-type]
        token=tokens.new_token(),
        dedupe_key=None,
    )
    assert isinstance(committed, outbox_rows.Committed)
    WhatsAppMessage.objects.update(status="delivered", message_id="wamid.1", accepted_at=quick)
    WhatsAppSendAttempt.objects.update(state="accepted", message_id="wamid.1")
    outbox_rows.settle_unknown(committed, "lost")
    assert outbox_rows.reread(committed).status == "delivered"
    assert WhatsAppSendAttempt.objects.get().state == "accepted"
    outbox_rows.settle_accepted(committed, {"messages": [{"id": "wamid.1"}]})
    message = outbox_rows.reread(committed)
    assert (message.status, message.accepted_at, message.error_message) == ("delivered", quick, "")
    WhatsAppMessage.objects.update(status="read")
    outbox_rows.settle_failure(committed, RecipientError("late", code=131026))
    assert outbox_rows.reread(committed).status == "read"
    assert WhatsAppSendAttempt.objects.get().state == "accepted"


def test_metas_own_names_for_the_person_are_kept(whatsapp_account: WhatsAppAccount) -> None:
    committed = outbox_rows.commit(
        whatsapp_account,
        WhatsAppContact.objects.create(phone="5511987654321"),
        HELLO,
        "UTILITY",
        call=None,  # type: ignore[arg-type]
        token=tokens.new_token(),
        dedupe_key=None,
    )
    assert isinstance(committed, outbox_rows.Committed)
    answer = {
        "messages": [{"id": "wamid.1"}],
        "contacts": [{"input": "+5511987654321", "wa_id": "551187654321", "user_id": "BR.1"}],
    }
    outbox_rows.settle_accepted(committed, answer)
    contact = committed.message.conversation.contact
    found = contacts.find(["p:551187654321", "u:333000333000333:BR.1"])
    assert found == {"p:551187654321": contact.pk, "u:333000333000333:BR.1": contact.pk}
