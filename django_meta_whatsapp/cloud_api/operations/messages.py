"""Sending messages, read receipts, typing (Meta's pages "send messages" and "mark messages as read")."""

import re

from django_meta_whatsapp.cloud_api.calls import JSON, MESSAGE, WRITE, Call, as_is
from django_meta_whatsapp.cloud_api.content.base import Content
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.operations.common import path

CALLBACK_DATA_LIMIT = 512
_PHONE = re.compile(r"\+[1-9]\d{4,16}")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}")


def send_message(
    phone_number_id: str,
    to: str,
    content: Content,
    *,
    reply_to: str = "",
    callback_data: str = "",
    recipient_type: str = "individual",
) -> Call[JSON]:
    """Sends `content` to one person (or group). The answer's `messages[0]["id"]` is the message's id.

    to: an international number with `+`, a business-scoped user id (`US.1349…`), or a group's id.
    reply_to: the id of the message that this one answers; Meta refuses it with a reaction.
    callback_data: up to 512 characters that come back in each status webhook of this message.
    recipient_type: `individual` or `group`.
    Raises InvalidMessage, naming the field, for content that Meta would refuse.
    """
    body: JSON = {
        "messaging_product": "whatsapp",
        "recipient_type": recipient_type,
        **_recipient(to, recipient_type),
        "type": content.type,
        content.type: content.payload(),
    }
    if reply_to:
        if content.type == "reaction":
            raise InvalidMessage("reply_to", "a reaction cannot quote a message")
        body["context"] = {"message_id": reply_to}
    if callback_data:
        if len(callback_data) > CALLBACK_DATA_LIMIT:
            raise InvalidMessage(
                "callback_data", f"has {len(callback_data)} characters, at most 512 are allowed"
            )
        body["biz_opaque_callback_data"] = callback_data
    return Call("POST", path(phone_number_id=phone_number_id, edge="messages"), as_is, MESSAGE, body=body)


def _recipient(to: str, recipient_type: str) -> JSON:
    if recipient_type == "group" and to:
        return {"to": to}
    if recipient_type != "individual":
        raise InvalidMessage("recipient_type", "must be individual or group")
    if _PHONE.fullmatch(to):
        return {"to": to}
    if _USER_ID.fullmatch(to):
        return {"recipient": to}
    raise InvalidMessage("to", "must be an international number with + or a business-scoped user id")


def mark_as_read(phone_number_id: str, message_id: str, *, typing: bool = False) -> Call[JSON]:
    """Shows the user that `message_id` and all before it were read.

    typing: also shows that an answer is being typed, until it is sent or for 25 seconds.
    """
    if not message_id:
        raise InvalidMessage("message_id", "must not be empty")
    body: JSON = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    return Call("POST", path(phone_number_id=phone_number_id, edge="messages"), as_is, WRITE, body=body)
