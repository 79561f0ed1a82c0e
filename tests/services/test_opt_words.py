"""Opt-out words: a word is a whole message or button, whatever surrounds it, and the host chooses the words."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_meta_whatsapp import opt_out_words
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppMessage,
)
from django_meta_whatsapp.services import suppression
from django_meta_whatsapp.services.opt_words import key_of
from tests.services.choosing import MAYA, START, message, receive, reply, standing, text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "said",
    [
        "STOP",
        "  stop. ",
        "Stop!",
        "S T O P",
        "stop \u26d4\ufe0f",
        "Opt-Out",
        "Unsubscribe",
        "ARRET",
        "arre\u0302t",
        "Me d\u00e9sabonner",
        "CANCELAR INSCRICAO",
        "Abonelikten \u00c7\u0131k",
        "\u0421\u0422\u041e\u041f",
        "\u0627\u0644\u063a\u0627\u0621 \u0627\u0644\u0627\u0634\u062a\u0631\u0627\u0643",
        "\u092c\u0902\u0926 \u0915\u0930\u0947\u0902",
        "\u9000\u8ba2",
        "\uff33\uff34\uff2f\uff30",
    ],
)
def test_a_message_that_is_an_opt_out_word_opts_out(account: WhatsAppAccount, said: str) -> None:
    receive(account, message(text(said)))
    assert standing() == (True, True)
    event = WhatsAppConsentEvent.objects.get()
    assert (event.contact.phone, event.account, event.kind) == (MAYA, account, "opted_out")
    assert (event.source, event.text, event.marketing_only) == ("word", said, False)
    assert event.message == WhatsAppMessage.objects.get()
    assert event.happened_at == datetime.fromtimestamp(START, UTC)
    refused = suppression.refusals(account, [f"p:{MAYA}"], category="UTILITY")
    assert refused[f"p:{MAYA}"].reason == "opted_out"


@pytest.mark.parametrize(
    "said",
    ["please stop", "bus stop", "don't stop", "stop it 2", "stopp5", "\U0001f6d1", "...", "stop " * 30],
)
def test_a_message_that_only_has_such_a_word_in_it_changes_nothing(
    account: WhatsAppAccount, said: str
) -> None:
    receive(account, message(text(said)))
    assert standing() == (False, False)
    assert not WhatsAppConsentEvent.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"type": "button", "button": {"payload": "offers", "text": "Stop promotions"}},
        {"type": "button", "button": {"payload": "STOP", "text": "No more offers"}},
        reply("button_reply", "1", "Unsubscribe"),
        reply("button_reply", "STOP", "No more offers"),
        reply("list_reply", "opt_out", "No more offers"),
    ],
)
def test_a_button_or_row_counts_by_its_title_and_by_our_word_for_it(
    account: WhatsAppAccount, content: dict[str, Any]
) -> None:
    receive(account, message(content))
    assert standing() == (True, True)


@pytest.mark.parametrize(
    "content",
    [
        {"type": "image", "image": {"caption": "stop", "mime_type": "image/png"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "stop"}},
        reply("nfm_reply", "stop", "stop"),
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": "stop"}},
        {"type": "interactive", "interactive": {"type": ["button_reply"]}},
        {"type": "text", "text": {"body": None}},
        {**text("stop"), "group_id": "G1"},
    ],
)
def test_what_is_not_said_to_us_in_words_is_no_choice(
    account: WhatsAppAccount, content: dict[str, Any]
) -> None:
    receive(account, message(content))
    assert not WhatsAppContact.objects.filter(opted_out=True).exists()
    assert not WhatsAppConsentEvent.objects.exists()


@given(
    word=st.sampled_from([*opt_out_words.OPT_OUT, *opt_out_words.OPT_IN]),
    before=st.text("!\u00bf.,- \n\u2026\u26d4\ufe0f", max_size=5),
    after=st.text("!?.,- \n\u2026\u26d4\ufe0f", max_size=5),
)
def test_what_surrounds_a_word_and_its_case_do_not_count(word: str, before: str, after: str) -> None:
    assert (
        key_of(f"{before}{word.upper()}{after}") == key_of(f"{before}{word.title()}{after}") == key_of(word)
    )


def test_no_word_says_both_and_none_is_empty() -> None:
    out, back = (set(map(key_of, words)) for words in (opt_out_words.OPT_OUT, opt_out_words.OPT_IN))
    assert not out & back
    assert "" not in out | back
    assert (len(out), len(back)) == (len(opt_out_words.OPT_OUT), len(opt_out_words.OPT_IN))


def test_the_host_chooses_the_words(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {
        **settings.WHATSAPP,
        "OPT_OUT_WORDS": ["nunca m\u00e1s", ""],
        "OPT_IN_WORDS": ["dale"],
    }
    receive(account, message(text("stop"), 1))
    assert standing() == (False, False)
    receive(account, message(text("Nunca mas!"), 2))
    assert standing() == (True, True)
    receive(account, message(text("DALE"), 3))
    assert standing() == (False, False)
