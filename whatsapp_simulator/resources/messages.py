"""``POST /{phone_number_id}/messages``: send a message, or mark one as read."""

from whatsapp_simulator.acceptance import Acceptance, accept
from whatsapp_simulator.errors import coded, invalid, malformed, missing
from whatsapp_simulator.http import JSON, Answer, Request, answer, success
from whatsapp_simulator.ledger import Entry
from whatsapp_simulator.messages_validation.checks import Context, obj, only, optional_obj, text
from whatsapp_simulator.messages_validation.content import check_content
from whatsapp_simulator.recipients import Recipient, recipient_of
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import MESSAGING, PhoneNumber, Template
from whatsapp_simulator.world import World

_CALLBACK_MAX = 512
_ENVELOPE = (
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
    "recipient_identity_key_hash",
)
_SERVING = frozenset({"CONNECTED", "FLAGGED", "RATE_LIMITED"})


@route("POST", "/{phone_number_id}/messages", permission=MESSAGING)
def messages(world: World, request: Request, phone_number_id: str) -> Answer:
    """Accept a message: its fate is told by webhook. Errors: 100, 13xxxx as the sections on sending say.

    Omits: groups, pinned messages, fetching what ``link`` points to, flows (their ids are not looked up).
    """
    number = world.phone_numbers[phone_number_id]
    body = request.json()
    if body.get("messaging_product") != "whatsapp":
        if body.get("messaging_product") is None:
            raise missing("messaging_product")
        raise malformed("Param messaging_product must be one of {WHATSAPP}.")
    if "status" in body:
        return _mark_as_read(world, number, body)
    return _send(world, request, number, body)


def _mark_as_read(world: World, number: PhoneNumber, body: JSON) -> Answer:
    only(body, ("messaging_product", "status", "message_id", "typing_indicator"), "body")
    if body["status"] != "read":
        raise malformed("Param status must be one of {READ}.")
    message_id = text(body, "message_id", "message_id", 255)
    indicator = optional_obj(body, "typing_indicator", "typing_indicator")
    if indicator is not None and indicator.get("type") != "text":
        raise malformed("Param typing_indicator['type'] must be one of {TEXT}.")
    if world.inbound.get(message_id) != number.id:
        raise invalid(f"Message {message_id} was not received by this phone number.")
    return success()


def _send(world: World, request: Request, number: PhoneNumber, body: JSON) -> Answer:
    if number.status not in _SERVING:
        raise coded(133010, f"The phone number is {number.status}")
    context = Context(world, number, request.version)
    recipient = recipient_of(world, number, body)
    callback_data = body.get("biz_opaque_callback_data") or ""
    if not isinstance(callback_data, str) or len(callback_data) > _CALLBACK_MAX:
        raise malformed(
            f"Param biz_opaque_callback_data must be a string of at most {_CALLBACK_MAX} characters."
        )
    kind = body.get("type", "text")
    if not isinstance(kind, str):
        raise malformed("Param type must be a string.")
    template = check_content(context, kind, body)
    only(body, (*_ENVELOPE, kind), "body")
    _check_reply(kind, body)
    _check_recipient(world, number, recipient, template)
    _check_rates(world, number, recipient)
    stored = request.body if world.settings.store_bodies else b""
    voice = kind == "audio" and body["audio"].get("voice") is True
    late = context.late_failure
    entry = accept(world, Acceptance(number, recipient, kind, callback_data, template, late, stored, voice))
    return answer(_accepted(world, entry, recipient, template))


def _check_reply(kind: str, body: JSON) -> None:
    if body.get("context") is None:
        return
    text(obj(body, "context", "context"), "message_id", "context['message_id']", 255)
    if kind == "reaction":
        raise invalid("A reaction cannot be a contextual reply.")


def _check_recipient(
    world: World, number: PhoneNumber, recipient: Recipient, template: Template | None
) -> None:
    if recipient.wa_id == number.digits:
        raise coded(131021, "Sender and recipient phone number is the same.")
    if recipient.person in number.blocked:
        raise coded(130403, "The recipient is on the block list of this phone number.")
    if template is not None and template.category == "AUTHENTICATION" and not recipient.wa_id:
        raise coded(131062, "Authentication templates need a phone number.")
    if (
        template is None
        and world.settings.window_errors == "answer"
        and not world.window_open(number, recipient.person)
    ):
        raise coded(
            131047, "More than 24 hours have passed since the recipient last replied to the sender number."
        )


def _check_rates(world: World, number: PhoneNumber, recipient: Recipient) -> None:
    now = world.clock.now()
    if not world.throughput_of(number).take(now):
        raise coded(
            130429, "Message throughput has been reached.", http_status=world.settings.throttle_status
        )
    if world.settings.pair_rate and not world.pair_rate_of(number).take(recipient.person, now):
        raise coded(
            131056,
            "Too many messages sent from this phone number to the same recipient.",
            http_status=world.settings.throttle_status,
        )


def _accepted(world: World, entry: Entry, recipient: Recipient, template: Template | None) -> JSON:
    contact: JSON = {"input": recipient.given}
    if recipient.wa_id:
        contact["wa_id"] = recipient.wa_id
    if recipient.user_id:
        contact["user_id"] = recipient.user_id
    message: JSON = {"id": entry.wamid}
    if template is not None:
        message["message_status"] = "held_for_quality_assessment" if template.held else "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}
