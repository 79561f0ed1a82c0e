"""The shop that the payload files are about, and its rows as lines of text."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.dispatch import Signal

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppConversation,
    WhatsAppFlow,
    WhatsAppFlowResponse,
    WhatsAppMessage,
    WhatsAppSignup,
    WhatsAppTemplate,
    WhatsAppWebhookLog,
)
from tests.webhooks.posting import NUMBER, WABA

PORTFOLIO = "333000333000333"
EPOCH = datetime.fromtimestamp(1767000000, UTC)
MAYA = "15550001111"


def build() -> None:
    """A number, a template, a flow, a signup, and Maya, to whom one message went a minute ago."""
    account = WhatsAppAccount.objects.create(
        name="Shop",
        phone_number_id=NUMBER,
        waba_id=WABA,
        portfolio_id=PORTFOLIO,
        display_phone_number="+1 555-000-9999",
    )
    WhatsAppTemplate.objects.create(
        account=account,
        name="order_shipped",
        language="en_US",
        meta_template_id="900000000000001",
        status="PENDING",
        header={"type": "HEADER", "format": "TEXT", "text": "Your order"},
        body_text="It is on its way",
        components=[
            {"type": "HEADER", "format": "TEXT", "text": "Your order"},
            {"type": "BODY", "text": "It is on its way"},
        ],
    )
    WhatsAppFlow.objects.create(account=account, name="survey", meta_flow_id="3330001")
    WhatsAppSignup.objects.create(
        account=account,
        signup_id="700000000000001",
        display_name="Spring",
        signup_message="Offers?",
        confirmation_message="Welcome",
        privacy_policy_url="https://shop.example/privacy",
    )
    maya = WhatsAppContact.objects.create(phone=MAYA, name="Maya")
    known = f"u:{PORTFOLIO}:US.13491208655302741918"
    WhatsAppContactIdentity.objects.create(contact=maya, identity=known)
    thread = WhatsAppConversation.objects.create(account=account, contact=maya, phone_number=MAYA)
    WhatsAppMessage.objects.create(
        account=account,
        conversation=thread,
        phone_number=MAYA,
        message_id="wamid.OUT_1",
        direction="outbound",
        status="accepted",
        message_type="text",
        message_body="It is on its way",
        content={"body": "It is on its way"},
        timestamp=EPOCH - timedelta(minutes=1),
    )


def rows() -> set[str]:
    """What is in the database, each row one line; what is empty or as it always was is left out."""
    return {" ".join(line) for line in (*_people(), *_threads(), *_business(), *_journal())}


def _line(kind: str, *named: Any, **values: Any) -> list[str]:
    said = [f"{key}={value}" for key, value in values.items() if value not in ("", None, False, {}, [])]
    return [kind, *map(str, named), *said]


def _at(moment: datetime | None) -> str:
    """Seconds since the time that the payload files are about; long after it is when the webhook came."""
    if moment is None:
        return ""
    since = moment - EPOCH
    return "received" if since > timedelta(days=30) else f"{since.total_seconds():+.0f}s"


def _people() -> Iterator[list[str]]:
    for contact in WhatsAppContact.objects.all():
        ids = sorted(contact.identities.values_list("identity", flat=True))
        user_ids = ",".join(each.rpartition(":")[2] for each in ids if each != f"p:{contact.phone}")
        yield _line(
            "contact", contact, phone=contact.normalized_phone, ids=user_ids, since=_at(contact.subscribed_at)
        )
    for row in WhatsAppContactAccount.objects.all():
        yield _line(
            "person", row.contact, wrote=_at(row.last_inbound_at), no_marketing=row.marketing_opted_out
        )


def _threads() -> Iterator[list[str]]:
    for thread in WhatsAppConversation.objects.all():
        yield _line(
            "thread",
            thread.contact,
            phone=thread.phone_number,
            unread=thread.unread_count or "",
            newest=_at(thread.last_message_at),
        )
    for row in WhatsAppMessage.objects.all():
        yield _line(
            f"{row.direction} {row.message_type}",
            row.conversation.contact,
            repr(row.message_body),
            status=row.status,
            at=_at(row.timestamp),
            deleted=row.is_deleted,
            error=row.error_code,
            about=row.context_message_id,
            reaction=row.reaction_emoji,
            media=row.media_id,
            place=row.location_name,
            price=(row.pricing or {}).get("category"),
            free=(row.pricing or {}).get("type", "").removeprefix("regular"),
        )
    for response in WhatsAppFlowResponse.objects.all():
        yield _line("answers", *(f"{key}={value}" for key, value in response.response_data.items()))


def _business() -> Iterator[list[str]]:
    for row in WhatsAppAccount.objects.all():
        yield _line(
            "account",
            row.state,
            row.quality_rating,
            f"{row.throughput}/s",
            limit=row.messaging_limit,
            name=row.profile_name,
            until=_at(row.restricted_until),
            why=row.state_reason,
        )
    for template in WhatsAppTemplate.objects.all():
        yield _line(
            "template",
            template.status,
            template.category,
            template.quality_rating,
            why=template.rejected_reason,
        )
        components = ",".join(component["text"] for component in template.components)
        yield _line(
            "texts", (template.header or {}).get("text"), template.body_text, template.footer_text, components
        )
    for flow in WhatsAppFlow.objects.all():
        yield _line("flow", flow.status)
    for signup in WhatsAppSignup.objects.all():
        yield _line("signup", signup.display_name, subscribers=signup.subscriber_count or "")


def _journal() -> Iterator[list[str]]:
    """Webhooks of which something could not be applied, or was not for us."""
    for row in WhatsAppWebhookLog.objects.all():
        counts = {
            "unrouted": row.unrouted_count,
            "unmatched": row.unmatched_count,
            "unknown": row.unknown_count,
        }
        if row.state != "done" or any(counts.values()):
            reasons = ", ".join(sorted(set(row.error.splitlines())))
            yield _line(
                "journal", row.state, **{key: value or "" for key, value in counts.items()}, why=reasons
            )


PUBLIC = {
    name: signal
    for name, signal in vars(signals).items()
    if isinstance(signal, Signal) and signal not in (signals.work_due, signals.messages_known)
}


@contextmanager
def hearing() -> Iterator[list[tuple[str, str]]]:
    """Every public signal, each time it is sent: its name (of whatsapp_event_received the event's class) and the event id."""
    heard: list[tuple[str, str]] = []
    with ExitStack() as stack:
        for name, signal in PUBLIC.items():
            receiver = _receiver(name, heard)
            signal.connect(receiver)
            stack.callback(signal.disconnect, receiver)
        yield heard


def _receiver(name: str, heard: list[tuple[str, str]]) -> Any:
    def hear(sender: type, event_id: str, **arguments: Any) -> None:
        assert None not in [value for key, value in arguments.items() if key != "account"]
        heard.append((sender.__name__ if "event" in arguments else name.removeprefix("whatsapp_"), event_id))

    return hear
