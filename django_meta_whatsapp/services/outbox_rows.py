"""The rows of a message that is being sent: committed before the call, settled after it.

A status webhook may be quicker than the answer. So nothing here sets a status: it climbs, or stays.
"""

from dataclasses import dataclass
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.cloud_api.calls import JSON, Call
from django_meta_whatsapp.cloud_api.content import Content
from django_meta_whatsapp.cloud_api.errors import MetaAPIError, Outcome
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import (
    AttemptState,
    MessageDirection,
    MessageStatus,
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppConversation,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.bulk import claims
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.models.ladder import RANK
from django_meta_whatsapp.services import consent, contacts, conversations, message_columns
from django_meta_whatsapp.services.transactions import database, in_transaction

_EXPIRED_AT_ONCE = 500
_UNSETTLED = (AttemptState.SENDING, AttemptState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Committed:
    """A message whose row and attempt are committed: it may now be sent, once."""

    message: WhatsAppMessage
    attempt: WhatsAppSendAttempt
    call: Call[JSON]


def first_with(account: WhatsAppAccount, dedupe_key: str | None) -> WhatsAppMessage | None:
    """The message that was sent, or is being sent, under that key."""
    if dedupe_key is None:
        return None
    return WhatsAppMessage.objects.filter(account=account, dedupe_key=dedupe_key).first()


def commit(
    account: WhatsAppAccount,
    contact: WhatsAppContact,
    content: Content,
    category: str,
    call: Call[JSON],
    token: str,
    dedupe_key: str | None,
    text: str = "",
) -> Committed | WhatsAppMessage:
    """Row and attempt, committed; or the message of another caller who was first with `dedupe_key`.

    text: how the message reads; the content's own summary when empty.
    """
    conversation = conversations.ensure(account, [contact])[contact.pk]

    def insert() -> Committed | WhatsAppMessage:
        message = _message(account, contact, conversation, content, category, dedupe_key)
        message.message_body = text or message.message_body
        try:
            with transaction.atomic(using=database()):
                message.save(force_insert=True)
        except IntegrityError:
            first = first_with(account, dedupe_key)
            if first is None:
                raise
            return first
        attempt = WhatsAppSendAttempt.objects.create(account=account, chat_message=message, token=token)
        conversations.touch([conversation.pk], message.timestamp)
        return Committed(message, attempt, call)

    return in_transaction(insert, durable=True)


def _message(
    account: WhatsAppAccount,
    contact: WhatsAppContact,
    conversation: WhatsAppConversation,
    content: Content,
    category: str,
    dedupe_key: str | None,
) -> WhatsAppMessage:
    payload = content.payload()
    return WhatsAppMessage(
        account=account,
        conversation=conversation,
        phone_number=contact.normalized_phone,
        dedupe_key=dedupe_key,
        direction=MessageDirection.OUTBOUND,
        message_type=content.type,
        message_body=content.summary(),
        content=payload,
        category=category,
        **message_columns.columns_of(content.type, payload),
    )


def settle_accepted(committed: Committed, answer: JSON) -> None:
    """Meta has taken the message and given it an id. Announced after the commit."""
    message_id = answer["messages"][0]["id"]

    def settle() -> None:
        now = timezone.now()
        _attempts(committed).filter(state__in=_UNSETTLED).update(
            state=AttemptState.ACCEPTED, message_id=message_id, answered_at=now, error_message=""
        )
        # What is said of an answer that never came does not hold any more.
        _messages(committed).filter(status=MessageStatus.UNKNOWN).update(error_message="")
        _messages(committed).update(
            status=_climbed(MessageStatus.ACCEPTED),
            message_id=message_id,
            accepted_at=Coalesce(F("accepted_at"), Value(now)),
        )
        transaction.on_commit(
            partial(_announce, committed.message.account_id, committed.message.pk, message_id),
            using=database(),
        )

    in_transaction(settle)
    _learn_identities(committed, answer)


def settle_failure(committed: Committed, error: MetaAPIError) -> None:
    """The call has ended without a message id: failed when Meta rejected it or it never left, else unknown."""
    if error.outcome == Outcome.MAYBE_SENT:
        settle_unknown(committed, str(error))
        return
    state = AttemptState.REJECTED if error.outcome == Outcome.REJECTED else AttemptState.NOT_SENT

    def settle() -> None:
        now = timezone.now()
        _attempts(committed).filter(state__in=_UNSETTLED).update(
            state=state,
            answered_at=now,
            error_code=error.code,
            error_class=error.error_class,
            error_message=str(error),
        )
        _messages(committed).update(
            status=_climbed(MessageStatus.FAILED),
            failed_at=Coalesce(F("failed_at"), Value(now)),
            error_code=error.code,
            error_message=str(error),
        )
        if error.code == consent.MARKETING_STOPPED:
            contact_id = committed.message.conversation.contact_id
            consent.note_refusals(committed.message.account, {contact_id: committed.attempt.token}, now)

    in_transaction(settle)


def settle_unknown(committed: Committed, why: str) -> None:
    """Nobody knows whether Meta has the message. A status webhook with the token settles it, however late."""

    def settle() -> None:
        _attempts(committed).filter(state=AttemptState.SENDING).update(
            state=AttemptState.UNKNOWN, answered_at=timezone.now(), error_message=why
        )
        _messages(committed).filter(status=MessageStatus.SENDING).update(
            status=MessageStatus.UNKNOWN, error_message=why
        )

    in_transaction(settle)


def expire() -> int:
    """Messages outside campaigns whose sender stopped before the answer was known become `unknown`; how many.

    After LEASE_SECONDS nobody waits for an answer any more. A status webhook settles them, however late.
    """
    expired = 0
    while found := in_transaction(_expire_some):
        expired += found
    return expired


def _expire_some() -> int:
    left = WhatsAppSendAttempt.objects.filter(
        state=AttemptState.SENDING,
        recipient=None,
        created_at__lt=claims.ends_in(-whatsapp_settings.LEASE_SECONDS),
    ).exclude(state=AttemptState.ACCEPTED)  # in the words of the index
    rows = list(claims.locked(left.order_by("pk"), skip_locked=True)[:_EXPIRED_AT_ONCE])
    WhatsAppSendAttempt.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=AttemptState.UNKNOWN, error_message=claims.MARK_RAN_OUT
    )
    messages = WhatsAppMessage.objects.filter(pk__in=[row.chat_message_id for row in rows])
    messages.filter(status=MessageStatus.SENDING).update(
        status=MessageStatus.UNKNOWN, error_message=claims.MARK_RAN_OUT
    )
    return len(rows)


def reread(committed: Committed) -> WhatsAppMessage:
    """The message as it stands now, also by what webhooks have brought meanwhile."""
    committed.message.refresh_from_db()
    return committed.message


def _attempts(committed: Committed) -> QuerySet[WhatsAppSendAttempt]:
    return WhatsAppSendAttempt.objects.filter(pk=committed.attempt.pk)


def _messages(committed: Committed) -> QuerySet[WhatsAppMessage]:
    return WhatsAppMessage.objects.filter(pk=committed.message.pk)


def _climbed(status: MessageStatus) -> Case:
    lower = [rung for rung, rank in RANK.items() if rank < RANK[status]]
    return Case(When(status__in=lower, then=Value(status.value)), default=F("status"))


def _announce(account_id: int, pk: int, message_id: str) -> None:
    # A status without our token may have been quicker than the answer.
    signals.messages_known.send_robust(
        sender=WhatsAppMessage, account_id=account_id, message_ids=[message_id]
    )
    message = WhatsAppMessage.objects.select_related("account", "conversation").get(pk=pk)
    # Robust: a failing receiver must not look like a failed send, which somebody would repeat.
    signals.whatsapp_message_sent.send_robust(
        sender=WhatsAppMessage, message=message, event_id=f"sent:{message_id}"
    )


def _learn_identities(committed: Committed, answer: JSON) -> None:
    """A reply comes from where Meta knows the person."""
    contact = committed.message.conversation.contact
    learnt = set(contacts.identities_in_answer(answer, committed.message.account.portfolio_id))
    learnt.discard(phone_identity(contact.normalized_phone))
    if learnt:
        contacts.link(contact, sorted(learnt))
