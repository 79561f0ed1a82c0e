"""The one way to send that most hosts should use."""

from django_meta_whatsapp.cloud_api.content import Content
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContact, WhatsAppMessage
from django_meta_whatsapp.services import outbox


def send_message(
    account: WhatsAppAccount | None,
    to: str | WhatsAppContact,
    content: Content,
    *,
    dedupe_key: str | None = None,
    category: str | None = None,
) -> WhatsAppMessage:
    """Sends one message at most once, and keeps a row of it.

    It passes the gate (opt-out, block, 24-hour window, template approved); the row and its attempt are committed before
    Meta is called; what became of it is in the row's `status`, which webhooks move on.

    account: who sends; None for the number of the settings.
    to: a phone number as people type it, a business-scoped user ID, or a contact.
    content: one of the classes in `django_meta_whatsapp.utils.content`.
    dedupe_key: your own name for this message, up to 255 characters. A second call with the same account and key sends
        nothing and returns the first row, whatever became of it.
    category: of a template that we have no row of (`MARKETING`, `UTILITY`, `AUTHENTICATION`); by default MARKETING.
    Returns the row: `accepted` (or further, when a webhook was quicker), or `unknown` when the answer was lost. An
    unknown message may have gone out: a webhook will tell, so do not send it again.
    Raises, with nothing sent: SendRefused (its `reason` is blocked, opted_out, window_closed, template_not_approved or
    account_off), InsideTransaction, InvalidPhoneNumber, InvalidMessage, MissingSetting.
    Raises MetaAPIError when Meta rejected it or could not be reached; the row is then `failed` with code and text.
    """
    return outbox.send_message(account, to, content, dedupe_key=dedupe_key, category=category)


async def asend_message(
    account: WhatsAppAccount | None,
    to: str | WhatsAppContact,
    content: Content,
    *,
    dedupe_key: str | None = None,
    category: str | None = None,
) -> WhatsAppMessage:
    """`send_message`, awaited."""
    return await outbox.asend_message(account, to, content, dedupe_key=dedupe_key, category=category)
