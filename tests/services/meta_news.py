"""What Meta tells about templates, flows, numbers and accounts: webhook bodies, and how they are applied."""

from datetime import UTC, datetime
from typing import Any

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppTemplate
from django_meta_whatsapp.services import dispatch
from django_meta_whatsapp.services.delivery import Delivery
from django_meta_whatsapp.services.dispatch import Webhook
from django_meta_whatsapp.services.signatures import Signature
from tests.webhooks import posting

ID = "900000000000001"


def shop() -> WhatsAppAccount:
    """The account that the news are about."""
    return WhatsAppAccount.objects.create(
        name="Shop",
        phone_number_id=posting.NUMBER,
        waba_id=posting.WABA,
        display_phone_number="+1 555-000-9999",
    )


def template_of(account: WhatsAppAccount) -> WhatsAppTemplate:
    return WhatsAppTemplate.objects.create(
        account=account, name="order_shipped", language="en_US", meta_template_id=ID, status="PENDING"
    )


def deliver(body: dict[str, Any], *, again: bool = False) -> Delivery:
    delivery = Delivery(received_at=datetime.now(UTC), again=again)
    dispatch.deliver([Webhook(body, Signature(b"", ""), delivery)])
    assert not delivery.failures
    return delivery


def status(event: str, second: int = 0, *, waba: str = posting.WABA, **parts: Any) -> dict[str, Any]:
    value = {
        "event": event,
        "message_template_id": int(ID),
        "message_template_name": "order_shipped",
        "message_template_language": "en-US",
        **parts,
    }
    return posting.change("message_template_status_update", value, waba=waba, time=1767000000 + second)


def reread(row: Any) -> Any:
    row.refresh_from_db()
    return row


def quality(event: str, second: int = 0, **parts: Any) -> dict[str, Any]:
    value = {"display_phone_number": "15550009999", "event": event, **parts}
    return posting.change("phone_number_quality_update", value, time=1767000000 + second)


def update(event: str, second: int = 0, **parts: Any) -> dict[str, Any]:
    return posting.change("account_update", {"event": event, **parts}, time=1767000000 + second)


def ban(state: str, second: int = 0) -> dict[str, Any]:
    return update("DISABLED_UPDATE", second, ban_info={"waba_ban_state": state, "waba_ban_date": "July 1"})


def restriction(kind: str, second: int, expiration: Any) -> dict[str, Any]:
    info = [{"restriction_type": kind, "expiration": expiration}]
    return update("ACCOUNT_RESTRICTION", second, restriction_info=info)


def flow_news(before: str, after: str, second: int) -> dict[str, Any]:
    return posting.change(
        "flows",
        {
            "event": "FLOW_STATUS_CHANGE",
            "message": "changed",
            "flow_id": "3330001",
            "old_status": before,
            "new_status": after,
        },
        time=1767000000 + second,
    )
