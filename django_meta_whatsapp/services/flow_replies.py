"""Answers that people give in a flow (a form inside WhatsApp)."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q

from django_meta_whatsapp.models import (
    MessageDirection,
    WhatsAppAccount,
    WhatsAppFlow,
    WhatsAppFlowResponse,
    WhatsAppMessage,
)

_TOKEN_LENGTH = 512
_ANY = ("", "unused")
"""Tokens that tell no flow message from another; Meta's own default is one."""


@dataclass(frozen=True, slots=True)
class _Answer:
    message: WhatsAppMessage
    token: str
    data: dict[str, Any]


def store(
    account: WhatsAppAccount, messages: Iterable[WhatsAppMessage], quoted: Mapping[str, WhatsAppMessage]
) -> list[WhatsAppFlowResponse]:
    """Keeps the answers among inbound messages that were just stored, in the same transaction.

    The flow is that of the message that an answer quotes, else of the one in the same thread that carried its token.
    quoted: messages by Meta's id. A constant number of queries, and one more for each flow that was answered.
    """
    answers = [answer for message in messages if (answer := _answer(message)) is not None]
    if not answers:
        return []
    sent = _sent_with_tokens(answers)
    named = [_flow_named(answer, quoted, sent) for answer in answers]
    flows = _flows(account, named)
    responses = [
        WhatsAppFlowResponse(
            account=account,
            flow=flows.get(name),
            conversation=answer.message.conversation,
            message=answer.message,
            phone_number=answer.message.phone_number,
            response_data=answer.data,
            flow_token=answer.token[:_TOKEN_LENGTH],
            completed_at=answer.message.timestamp,
        )
        for answer, name in zip(answers, named, strict=True)
    ]
    WhatsAppFlowResponse.objects.bulk_create(responses)
    for flow_id, count in sorted(Counter(each.flow_id for each in responses if each.flow_id).items()):
        WhatsAppFlow.objects.filter(pk=flow_id).update(completion_count=F("completion_count") + count)
    return responses


def stored(messages: Sequence[WhatsAppMessage]) -> list[WhatsAppFlowResponse]:
    """The answers that were kept with these messages."""
    return list(WhatsAppFlowResponse.objects.select_related("message").filter(message__in=messages))


def _answer(message: WhatsAppMessage) -> _Answer | None:
    match message.content:
        case {"nfm_reply": {"response_json": str(text), **reply}} if reply.get("name", "flow") == "flow":
            pass
        case _:
            return None
    try:
        entered = json.loads(text)
    except (ValueError, RecursionError):
        entered = None
    # What is no object stays in the message's content; the host sees that somebody answered.
    data = entered if isinstance(entered, dict) else {}
    token = data.pop("flow_token", "")
    return _Answer(message, token if isinstance(token, str) else "", data)


def _sent_with_tokens(answers: Sequence[_Answer]) -> dict[tuple[int, str], WhatsAppMessage]:
    tokens = {answer.token for answer in answers} - set(_ANY)
    if not tokens:
        return {}
    rows = WhatsAppMessage.objects.filter(
        conversation_id__in={answer.message.conversation_id for answer in answers},
        direction=MessageDirection.OUTBOUND,
        message_type="interactive",
        content__action__parameters__flow_token__in=tokens,
    )
    return {(row.conversation_id, _parameters(row)["flow_token"]): row for row in rows.order_by("pk")}


def _flow_named(
    answer: _Answer,
    quoted: Mapping[str, WhatsAppMessage],
    sent: Mapping[tuple[int, str], WhatsAppMessage],
) -> tuple[str, str]:
    """The id and the name of the flow, as far as the message that opened it says."""
    asked = _parameters(quoted.get(answer.message.context_message_id)) or _parameters(
        sent.get((answer.message.conversation_id, answer.token))
    )
    return str(asked.get("flow_id", "")), str(asked.get("flow_name", ""))


def _parameters(message: WhatsAppMessage | None) -> dict[str, Any]:
    match message and message.content:
        case {"action": {"parameters": dict(parameters)}}:
            return parameters
    return {}


def _flows(account: WhatsAppAccount, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], WhatsAppFlow]:
    wanted = set(named) - {("", "")}
    if not wanted:
        return {}
    ids = {flow_id for flow_id, _ in wanted} - {""}
    names = {name for _, name in wanted} - {""}
    rows = WhatsAppFlow.objects.filter(Q(meta_flow_id__in=ids) | Q(name__in=names), account=account)
    found: dict[tuple[str, str], WhatsAppFlow] = {}
    for row in rows.order_by("-pk"):
        found[(row.meta_flow_id, "")] = found[("", row.name)] = row
    return found
