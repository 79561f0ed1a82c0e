"""What a step wrote, seen whole: every column of every row that the ledger keeps, before and after."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Now

from django_meta_whatsapp.cloud_api.content.templates import Template
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaignRecipient,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import marks
from django_meta_whatsapp.models.bulk.marks import Mark
from tests.models import rows

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
UNLEASED = {"lease": "", "lease_expires_at": None}
Changes = dict[tuple[str, int], dict[str, Any]]
KEPT: tuple[type[models.Model], ...] = (WhatsAppCampaignRecipient, WhatsAppMessage, WhatsAppSendAttempt)


def key(row: models.Model) -> tuple[str, int]:
    return row._meta.model_name or "", row.pk


def stored() -> Changes:
    """All columns of all rows."""
    return {
        key(row): {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        for model in KEPT
        for row in model._default_manager.all()
    }


@contextmanager
def written() -> Iterator[Changes]:
    """Afterwards the columns that differ, by row: nothing else was written. A new row is there with all of its columns."""
    before = stored()
    changes: Changes = {}
    yield changes
    for row, columns in stored().items():
        known = before.get(row, {})
        differing = {
            name: value for name, value in columns.items() if name not in known or known[name] != value
        }
        if differing:
            changes[row] = differing


def database_time() -> datetime:
    """The present moment of the database's clock. Needs one account."""
    now: datetime = WhatsAppAccount.objects.annotate(now=Now()).values_list("now", flat=True)[:1].get()
    return now


class Line:
    """A recipient with its message and one attempt, each full of what an earlier attempt has left."""

    def __init__(
        self,
        status: str,
        *,
        lease: str = "mine",
        attempt: str = "sending",
        chat: str = "sending",
        **fields: Any,
    ) -> None:
        self.message = rows.message(status=chat)
        self.row = rows.recipient(
            **{
                "status": status,
                "lease": lease,
                "lease_expires_at": database_time() + timedelta(minutes=5) if lease else None,
                "contact": self.message.conversation.contact,
                "chat_message": self.message,
                "attempt_count": 2,
                "error_code": 1,
                "error_class": "old",
                "error_message": "Old trouble",
                "not_before": datetime.fromtimestamp(1_700_000_000).astimezone(),
                **fields,
            }
        )
        self.attempt = self.tried(attempt)

    def tried(self, state: str) -> WhatsAppSendAttempt:
        """One more attempt."""
        return WhatsAppSendAttempt.objects.create(
            token=f"token-{self.row.pk}-{self.row.attempts.count()}",
            account=self.message.account,
            chat_message=self.message,
            recipient=self.row,
            state=state,
        )

    @property
    def keys(self) -> tuple[tuple[str, int], tuple[str, int], tuple[str, int]]:
        """Of recipient, message and attempt."""
        return key(self.row), key(self.message), key(self.attempt)


CONTENT = Template("hello", "en", ({"type": "body", "parameters": ['ü"\\']},)).payload()


@dataclass(frozen=True)
class Out:
    """What is about to be sent to a line's recipient."""

    recipient_id: int
    token: str
    message_id: int | None = None
    phone_number: str = "4512345678"
    text: str = "Hello 'Ann' %s"
    message_type: str = "template"
    content: dict[str, Any] = field(default_factory=lambda: CONTENT)


def out(line: Line, token: str = "", **fields: Any) -> Out:
    """By default as a claim would say it of the row as it is."""
    return Out(
        line.row.pk, token or f"new-{line.row.pk}", **{"message_id": line.row.chat_message_id, **fields}
    )


def mark(
    *batch: Out, account: WhatsAppAccount | None = None, seconds: float = 60, lease: str = "mine"
) -> set[int]:
    """Marks rows of one campaign."""
    account = account or WhatsAppAccount.objects.order_by("pk")[0]
    campaign_id = WhatsAppCampaignRecipient.objects.get(pk=batch[0].recipient_id).campaign_id
    return marks.mark(Mark(account.pk, campaign_id, "UTILITY", lease, seconds, AT), batch)
