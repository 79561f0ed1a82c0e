"""What people send us: each message is one row with its structure kept, and it points to what it answers."""

from datetime import timedelta

import pytest

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppConversation
from tests.payload_files import load_payload
from tests.services.receiving import MAYA, WRITTEN, outbound, receive, received, thread_of_maya
from tests.webhooks import posting

pytestmark = pytest.mark.django_db

TYPES = [
    ("messages__text", "text"),
    ("messages__text_reply", "text"),
    ("messages__text_from_ad", "text"),
    ("messages__text_product_question", "text"),
    ("messages__image", "image"),
    ("messages__video", "video"),
    ("messages__voice", "audio"),
    ("messages__document", "document"),
    ("messages__sticker", "sticker"),
    ("messages__location", "location"),
    ("messages__contacts", "contacts"),
    ("messages__reaction", "reaction"),
    ("messages__reaction_removed", "reaction"),
    ("messages__template_button", "button"),
    ("messages__button_reply", "interactive"),
    ("messages__list_reply", "interactive"),
    ("messages__flow_reply", "interactive"),
    ("messages__order", "order"),
    ("messages__number_changed", "system"),
    ("messages__unsupported", "unsupported"),
    ("messages__edited", "edit"),
    ("messages__revoked", "revoke"),
    ("messages__call_permission", "interactive"),
    ("messages__address", "interactive"),
]


@pytest.mark.parametrize(("name", "kind"), TYPES)
def test_every_type_becomes_one_row_with_its_structure(
    account: WhatsAppAccount, name: str, kind: str
) -> None:
    body = load_payload(name)
    row = received(account, name)
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    assert (row.message_type, row.direction, row.status) == (kind, "inbound", "received")
    assert (row.message_id, row.timestamp, row.raw_payload) == (message["id"], WRITTEN, message)
    assert row.content == message.get(kind, {})
    assert row.message_body
    changed = {"messages__number_changed": "15550003333"}
    assert (row.phone_number, row.conversation.contact.normalized_phone) == (MAYA, changed.get(name, MAYA))


def test_media_keep_what_is_needed_to_fetch_them(account: WhatsAppAccount) -> None:
    row = received(account, "messages__document")
    assert (row.media_id, row.media_mime_type) == (row.content["id"], row.content["mime_type"])
    assert row.media_filename == row.content["filename"]


def test_a_location_has_columns(account: WhatsAppAccount) -> None:
    row = received(account, "messages__location")
    assert (row.location_latitude, row.location_longitude) == (
        row.content["latitude"],
        row.content["longitude"],
    )
    assert row.location_name == row.content["name"]


def test_a_reaction_is_a_reaction(account: WhatsAppAccount) -> None:
    row = received(account, "messages__reaction")
    assert row.reaction_emoji == row.content["emoji"]
    assert row.reaction_to_message_id == row.content["message_id"]
    assert WhatsAppConversation.objects.get().unread_count == 0


def test_a_removed_reaction_has_no_emoji(account: WhatsAppAccount) -> None:
    row = received(account, "messages__reaction_removed")
    assert (row.reaction_emoji, bool(row.reaction_to_message_id)) == ("", True)


def test_what_was_chosen_is_kept_by_its_id(account: WhatsAppAccount) -> None:
    assert received(account, "messages__button_reply").content["button_reply"]["id"]
    rows = receive(account, load_payload("messages__list_reply"))
    assert rows[1].content["list_reply"]["id"]


def test_an_answer_points_to_what_it_answers(account: WhatsAppAccount) -> None:
    thread = thread_of_maya(account)
    question = outbound(thread, message_id="wamid.OUT_1")
    row = received(account, "messages__text_reply")
    assert (row.reply_to, row.context_message_id, row.conversation) == (question, "wamid.OUT_1", thread)


def test_an_answer_to_a_message_that_we_do_not_have_keeps_its_id(account: WhatsAppAccount) -> None:
    row = received(account, "messages__text_reply")
    assert (row.reply_to, row.context_message_id) == (None, "wamid.OUT_1")


def test_a_message_without_a_time_gets_that_of_its_arrival(account: WhatsAppAccount) -> None:
    [row] = receive(account, posting.inbound(posting.text_message(timestamp="never")))
    assert row.timestamp == WRITTEN + timedelta(days=1)


def test_odd_lengths_fit_their_columns(account: WhatsAppAccount) -> None:
    odd = posting.text_message(type="hologram" * 9, context={"id": "c" * 300})
    [row] = receive(account, posting.inbound(odd))
    assert (len(row.message_type), len(row.context_message_id)) == (30, 255)
