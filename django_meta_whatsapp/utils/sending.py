"""What the low-level message functions share. They are raw: they do not pass the gate and leave no row."""

from django_meta_whatsapp.cloud_api.calls import JSON, Call
from django_meta_whatsapp.cloud_api.content import Content
from django_meta_whatsapp.cloud_api.operations import messages
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.accounts import async_client_for, client_for, phone_number_id
from django_meta_whatsapp.services.recipients import address_of


def message_call(
    phone_number: str,
    content: Content,
    reply_message_id: str | None,
    account: WhatsAppAccount | None,
) -> Call[JSON]:
    """The call that sends `content` from the account's number to somebody as a caller typed them."""
    to = address_of(phone_number)
    return messages.send_message(phone_number_id(account), to, content, reply_to=reply_message_id or "")


def send_content(
    phone_number: str,
    content: Content,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a message of any kind; `content` is one of the classes in `django_meta_whatsapp.utils.content`.

    Like every `send_*` function of this module it is raw: it asks nobody whether the person has opted out, is blocked
    or may be written to now, and it leaves no row. Most hosts want `send_message`.

    phone_number: with or without `+` and country code; bare 10 digits get DEFAULT_COUNTRY_CODE (91). Also a
        business-scoped user ID (`US.1349…`).
    reply_message_id: Meta's ID of a message to quote.
    account: who sends; without it the WHATSAPP settings.
    Returns Meta's answer, `{"messaging_product", "contacts": [{"input", "wa_id"}], "messages": [{"id", …}]}`.
    Raises, with nothing sent: MissingSetting, InvalidPhoneNumber and InvalidMessage (each a ValueError).
    Raises MetaAPIError; its `outcome` says whether the message may have gone out all the same (MaybeSentError): do not
    repeat the call then.
    Source: Meta's page "Send messages".
    """
    return client_for(account).run(message_call(phone_number, content, reply_message_id, account))


async def asend_content(
    phone_number: str,
    content: Content,
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_content`, awaited."""
    return await async_client_for(account).run(message_call(phone_number, content, reply_message_id, account))
