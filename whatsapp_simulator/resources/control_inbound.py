"""Control plane: a person writes to the business."""

import base64
import hashlib

from whatsapp_simulator.errors import coded, malformed
from whatsapp_simulator.http import JSON, Answer, Request, answer
from whatsapp_simulator.messages_validation.checks import obj
from whatsapp_simulator.phones import user_id_of, wa_id_of
from whatsapp_simulator.resources.control_world import number_named, required
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Media, Person, PhoneNumber, digits_of
from whatsapp_simulator.webhook_body import metadata
from whatsapp_simulator.world import World

_RECEIVED_MEDIA_SECONDS = 7 * 24 * 3600
_MIME_TYPES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
}


@route("POST", "/_sim/inbound", public=True)
def inbound(world: World, request: Request) -> Answer:
    """Post an inbound message of any type, and open the sender's 24-hour window.

    ``message`` is Meta's object without ``from``, ``id`` and ``timestamp``. Media without an ``id`` is made up (from
    ``content_base64``, when given). ``hide_phone`` leaves the number out, as for people with a username.
    """
    body = request.json()
    number = number_named(world, body)
    message = obj(body, "message", "message")
    if not isinstance(message.get("type"), str):
        raise malformed("message needs a type.")
    person = world.person(wa_id_of(digits_of(required(body, "from"))))
    if person.wa_id in number.blocked:
        raise coded(130403, "This person is blocked and cannot write.")
    person.name = str(body.get("name", person.name))
    person.user_id = str(body.get("user_id", person.user_id)) or user_id_of(person.wa_id)
    world.user_ids[person.user_id] = person.wa_id
    now = world.clock.now()
    person.last_inbound[number.id] = now
    world.throughput_of(number).take(now)
    wamid = str(body.get("wamid") or world.new_wamid(person.wa_id))
    world.inbound[wamid] = number.id
    value = _value(world, number, person, message, wamid, hidden=bool(body.get("hide_phone")))
    world.outbox.post(number.waba_id, "messages", value, number.id)
    return answer({"wamid": wamid})


def _value(
    world: World, number: PhoneNumber, person: Person, message: JSON, wamid: str, *, hidden: bool
) -> JSON:
    kind = message["type"]
    full: JSON = {
        "from": person.wa_id,
        "from_user_id": person.user_id,
        "id": wamid,
        "timestamp": str(int(world.clock.now())),
        **message,
    }
    if kind in _MIME_TYPES:
        full[kind] = _media(world, number, kind, obj(message, kind, f"message['{kind}']"))
    contact: JSON = {
        "profile": {"name": person.name or f"Person {person.wa_id[-4:]}"},
        "wa_id": person.wa_id,
        "user_id": person.user_id,
    }
    if hidden:
        del full["from"], contact["wa_id"]
    contacts = {} if kind == "system" else {"contacts": [contact]}
    return {**metadata(number), **contacts, "messages": [full]}


def _media(world: World, number: PhoneNumber, kind: str, given: JSON) -> JSON:
    content = {key: value for key, value in given.items() if key != "content_base64"}
    media = world.media.get(str(content.get("id", "")))
    if media is None:
        data = base64.b64decode(given["content_base64"]) if "content_base64" in given else kind.encode()
        now = world.clock.now()
        media = Media(
            str(content.get("id") or world.new_id()),
            number.id,
            content.get("mime_type", _MIME_TYPES[kind]),
            data,
            hashlib.sha256(data).hexdigest(),
            content.get("filename", ""),
            now,
            now + _RECEIVED_MEDIA_SECONDS,
        )
        world.add_media(media)
    digest = base64.b64encode(bytes.fromhex(media.sha256)).decode()
    return {**content, "id": media.id, "mime_type": media.mime_type, "sha256": digest}
