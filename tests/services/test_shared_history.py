"""Messages that several parts tell of: shared history and its files, and a number that was added anew."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.events import EchoEvent, HistoryMessageEvent, parse
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppConversation, WhatsAppMessage
from django_meta_whatsapp.services import echoes, history, inbound_media, journal
from django_meta_whatsapp.services.delivery import Delivery
from tests.services.media_shelf import MEDIA_ID, Shelf
from tests.services.receiving import receive
from tests.webhooks import posting
from tests.webhooks.journal_rows import kept
from tests.webhooks.posting import inbound, text_message

pytestmark = pytest.mark.django_db

MAYA, SHOP = "15550001111", "15550009999"
IMAGE = {"id": MEDIA_ID, "mime_type": "image/png", "caption": "Our cat"}


def part(sender: str = MAYA, **parts: Any) -> dict[str, Any]:
    return {"from": sender, "id": "wamid.H", "timestamp": "1767000000", **parts}


def in_thread(*parts: dict[str, Any]) -> dict[str, Any]:
    given = [{"history_context": {"status": "READ"}, **each} for each in parts]
    chunk = {
        "metadata": {"phase": 0, "chunk_order": 1, "progress": 5},
        "threads": [{"id": MAYA, "messages": given}],
    }
    return posting.change("history", posting.value(history=[chunk]))


def alone(*parts: dict[str, Any]) -> dict[str, Any]:
    return posting.change("history", posting.value(messages=list(parts)))


def tell(account: WhatsAppAccount, body: dict[str, Any]) -> Delivery:
    delivery = Delivery(received_at=datetime.now(UTC))
    events = [event for event in parse(body) if isinstance(event, HistoryMessageEvent)]
    assert events
    history.receive(account, events, delivery)
    return delivery


PLACEHOLDER = part(type="media_placeholder")
FILE = part(type="image", image=IMAGE)
EDIT = part(
    id="wamid.E",
    timestamp="1767000050",
    type="edit",
    edit={"original_message_id": "wamid.H", "message": {"type": "image", "image": {"caption": "Our dog"}}},
)


@pytest.mark.parametrize(
    "bodies",
    [
        *itertools.permutations([in_thread(PLACEHOLDER), in_thread(FILE), in_thread(EDIT)]),
        *itertools.permutations([in_thread(PLACEHOLDER), alone(FILE), in_thread(EDIT)]),
        [in_thread(PLACEHOLDER, FILE, EDIT)],
        [in_thread(EDIT, FILE, PLACEHOLDER)],
    ],
)
def test_a_file_takes_the_place_of_its_placeholder_in_any_order(
    account: WhatsAppAccount, shelf: Shelf, bodies: list[dict[str, Any]]
) -> None:
    for body in (*bodies, *bodies):
        tell(account, body)
    row = WhatsAppMessage.objects.get(message_id="wamid.H")
    assert (row.message_type, row.message_body) == ("image", "Our dog")
    assert (row.media_id, row.media_mime_type, row.content["id"]) == (MEDIA_ID, "image/png", MEDIA_ID)
    assert (row.direction, row.status, row.media_state) == ("inbound", "received", "pending")


def test_a_file_of_shared_history_is_fetched_however_old_its_message_is(
    account: WhatsAppAccount, shelf: Shelf, django_capture_on_commit_callbacks: Any
) -> None:
    hinted: list[int] = []

    def hear(key: int, **kwargs: Any) -> None:
        hinted.append(key)

    tell(account, in_thread(PLACEHOLDER))
    row = WhatsAppMessage.objects.get()
    assert row.media_state == "none"
    signals.work_due.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            tell(account, alone(FILE))
    finally:
        signals.work_due.disconnect(hear)
    assert hinted == [row.pk]
    assert inbound_media.fetch(row.pk)
    row.refresh_from_db()
    assert (row.media_state, row.media_error) == ("fetched", "")


def test_a_file_of_shared_history_that_comes_first_is_fetched_as_well(
    account: WhatsAppAccount, shelf: Shelf
) -> None:
    tell(account, alone(FILE))
    row = WhatsAppMessage.objects.get()
    assert inbound_media.fetch(row.pk)
    tell(account, in_thread(PLACEHOLDER))
    row.refresh_from_db()
    assert (row.message_type, row.media_state) == ("image", "fetched")


def test_a_file_that_we_wrote_is_shown_and_not_fetched(account: WhatsAppAccount, shelf: Shelf) -> None:
    tell(account, in_thread(part(SHOP, to=MAYA, type="media_placeholder")))
    tell(account, alone(part(SHOP, to=MAYA, type="image", image=IMAGE)))
    row = WhatsAppMessage.objects.get()
    assert (row.direction, row.media_id, row.media_state) == ("outbound", MEDIA_ID, "none")


def test_placeholders_are_replaced_with_few_statements(account: WhatsAppAccount, shelf: Shelf) -> None:
    def statements(count: int) -> int:
        parts = [{**FILE, "id": f"wamid.{count}.{number}"} for number in range(count)]
        tell(account, in_thread(*({**PLACEHOLDER, "id": each["id"]} for each in parts)))
        with CaptureQueriesContext(connection) as captured:
            tell(account, in_thread(*parts))
        return len(captured)

    assert statements(20) == statements(2)


@pytest.fixture
def anew(account: WhatsAppAccount) -> WhatsAppAccount:
    """The same number under a new id."""
    return WhatsAppAccount.objects.create(name="Anew", phone_number_id="2", waba_id="2")


def test_a_message_that_another_account_has_is_unmatched_and_harms_no_other(
    account: WhatsAppAccount, anew: WhatsAppAccount
) -> None:
    receive(account, inbound(text_message("wamid.S")))
    log = kept(inbound(text_message("wamid.S"), text_message("wamid.T"), number="2"))
    assert journal.process(log.pk)
    log.refresh_from_db()
    assert (log.state, log.unmatched_count) == ("done", 1)
    assert WhatsAppMessage.objects.get(message_id="wamid.S").account == account
    assert WhatsAppMessage.objects.get(message_id="wamid.T").account == anew


def test_shared_history_and_echoes_that_another_account_has_are_unmatched(
    account: WhatsAppAccount, anew: WhatsAppAccount
) -> None:
    tell(account, in_thread(PLACEHOLDER))
    assert tell(anew, in_thread(FILE, part(id="wamid.T", type="text", text={"body": "hi"}))).unmatched == 1
    assert WhatsAppMessage.objects.get(message_id="wamid.H").message_type == "media_placeholder"
    assert WhatsAppMessage.objects.get(account=anew).message_id == "wamid.T"
    echo = {
        "from": SHOP,
        "to": MAYA,
        "id": "wamid.T",
        "timestamp": "1",
        "type": "text",
        "text": {"body": "x"},
    }
    events = parse(posting.change("smb_message_echoes", posting.value(message_echoes=[echo])))
    delivery = Delivery(received_at=datetime.now(UTC), again=True)
    echoes.receive(account, [event for event in events if isinstance(event, EchoEvent)], delivery)
    assert delivery.unmatched == 1


def test_a_quoted_message_of_another_account_is_not_linked(
    account: WhatsAppAccount, anew: WhatsAppAccount
) -> None:
    receive(account, inbound(text_message("wamid.S")))
    [reply] = receive(anew, inbound(text_message("wamid.R", context={"id": "wamid.S"}), number="2"))
    assert (reply.context_message_id, reply.reply_to) == ("wamid.S", None)
    assert WhatsAppConversation.objects.count() == 2
