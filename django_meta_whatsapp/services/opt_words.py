"""Words by which people opt out and in: the whole message counts, never a part of one.

Meta does not read them (its page "Get opt-in for WhatsApp"), so honouring them is ours.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import ConsentSource, WhatsAppAccount, WhatsAppConversation, WhatsAppMessage
from django_meta_whatsapp.services import consent
from django_meta_whatsapp.services.consent import Choice
from django_meta_whatsapp.services.delivery import Delivery

_LONGEST = 100
"""Characters. No longer message is a word of ours."""
_DOTLESS = str.maketrans("\u0131", "i")


@dataclass(frozen=True, slots=True)
class _Heard:
    """A message that is a word of ours."""

    message: WhatsAppMessage
    text: str
    opted_out: bool


def heed(account: WhatsAppAccount, received: Iterable[WhatsAppMessage], delivery: Delivery) -> None:
    """Applies the words among inbound messages. In the caller's transaction, which takes no query when there are none."""
    heard = list(_heard(received))
    threads = WhatsAppConversation.objects.filter(pk__in={each.message.conversation_id for each in heard})
    contacts = dict(threads.values_list("pk", "contact_id")) if heard else {}
    choices = [
        Choice(
            contacts[each.message.conversation_id],
            each.opted_out,
            each.message.timestamp,
            f"word:{each.message.message_id}",
            ConsentSource.WORD,
            text=each.text,
            message_key=each.message.pk,
        )
        for each in heard
    ]
    consent.note(account, choices, delivery)


def _heard(received: Iterable[WhatsAppMessage]) -> Iterator[_Heard]:
    said = [(message, spoken) for message in received if (spoken := _short(_spoken(message)))]
    if not said:
        return
    out, back = _keys(whatsapp_settings.OPT_OUT_WORDS), _keys(whatsapp_settings.OPT_IN_WORDS)
    for message, spoken in said:
        keys = _keys(spoken)
        if keys & (out | back):
            yield _Heard(message, spoken[0], bool(keys & out))


def _short(spoken: Sequence[str]) -> list[str]:
    return [each for each in spoken if each and len(each) <= _LONGEST]


def _spoken(message: WhatsAppMessage) -> list[str]:
    """What a text, a button or a chosen row says to us; buttons and rows also by the word that we gave them."""
    type_, content = message.message_type, message.content
    if not isinstance(content, Mapping) or (message.raw_payload or {}).get("group_id"):
        return []
    if type_ == "text":
        return _texts(content, "body")
    if type_ == "button":
        return _texts(content, "text", "payload")
    if type_ == "interactive":
        kind = content.get("type")
        reply = content.get(kind) if kind in ("button_reply", "list_reply") else None
        return _texts(reply, "title", "id") if isinstance(reply, Mapping) else []
    return []


def _texts(content: Mapping[str, Any], *keys: str) -> list[str]:
    return [value for key in keys if isinstance(value := content.get(key), str)]


def _keys(words: Iterable[str]) -> set[str]:
    return {key for word in words if (key := key_of(word))}


def key_of(text: str) -> str:
    """`text` as it is compared: letters and digits alone, without accents and case."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_DOTLESS))
    return "".join(character for character in plain if _counts(character))


def _counts(character: str) -> bool:
    category = unicodedata.category(character)
    if category[0] == "M":
        # Signs that are parts of letters (as vowels in Hindi) stay; accents and variation selectors go.
        return (
            category != "Me"
            and not unicodedata.combining(character)
            and not "\ufe00" <= character <= "\ufe0f"
        )
    return category[0] in "LN"
