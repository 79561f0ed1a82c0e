"""Control plane: people, templates, numbers and tokens of the world."""

import dataclasses

from whatsapp_simulator.acceptance import release_held
from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.http import JSON, Answer, Request, answer, success
from whatsapp_simulator.phones import wa_id_of
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import PhoneNumber, Template, Token, Waba, digits_of
from whatsapp_simulator.webhook_body import metadata
from whatsapp_simulator.world import PHONE_NUMBER_ID, PORTFOLIO_ID, WABA_ID, World

_QUALITIES = ("GREEN", "YELLOW", "RED", "UNKNOWN")
_PREFERENCES = ("stop", "resume", "signup")


def required(body: JSON, key: str) -> str:
    """A mandatory text of an order."""
    value = body.get(key)
    if not value:
        raise missing(key)
    return str(value)


def number_named(world: World, body: JSON) -> PhoneNumber:
    """The business number of an order: ``phone_number_id``, or the default one."""
    number_id = str(body.get("phone_number_id", PHONE_NUMBER_ID))
    number = world.phone_numbers.get(number_id)
    if number is None:
        raise invalid(f"There is no phone number {number_id}.")
    return number


@route("POST", "/_sim/people", public=True)
def people(world: World, request: Request) -> Answer:
    """Say what is true of a person."""
    body = request.json()
    person = world.person(wa_id_of(digits_of(required(body, "wa_id"))))
    person.on_whatsapp = bool(body.get("on_whatsapp", person.on_whatsapp))
    person.blocks_business = bool(body.get("blocks_business", person.blocks_business))
    person.name = str(body.get("name", person.name))
    return success()


@route("POST", "/_sim/preferences", public=True)
def preferences(world: World, request: Request) -> Answer:
    """A person stops or resumes marketing; the ``user_preferences`` webhook tells it."""
    body = request.json()
    wa_id = wa_id_of(digits_of(required(body, "wa_id")))
    value = required(body, "value")
    if value not in _PREFERENCES:
        raise invalid(f"value must be one of {', '.join(_PREFERENCES)}.")
    number = number_named(world, body)
    person = world.person(wa_id)
    if value == "stop":
        person.opted_out_of.add(number.waba_id)
    else:
        person.opted_out_of.discard(number.waba_id)
    preference: JSON = {
        "wa_id": wa_id,
        "detail": str(body.get("detail", f"User requested to {value} marketing messages")),
        "category": "marketing_messages",
        "value": value,
        "timestamp": int(world.clock.now()),
    }
    if body.get("signup_id"):
        preference["signup_id"] = str(body["signup_id"])
    contact = {"profile": {"name": person.name or wa_id}, "wa_id": wa_id}
    webhook = {**metadata(number), "contacts": [contact], "user_preferences": [preference]}
    world.outbox.post(number.waba_id, "user_preferences", webhook, number.id)
    return success()


@route("POST", "/_sim/templates", public=True)
def templates(world: World, request: Request) -> Answer:
    """Create a template (approved unless told otherwise) or change one; changed status and quality are told by webhook."""
    body = request.json()
    name, language = required(body, "name"), required(body, "language")
    waba_id = str(body.get("waba_id", WABA_ID))
    if waba_id not in world.wabas:
        raise invalid(f"There is no WABA {waba_id}.")
    template = world.template(waba_id, name, language)
    if template is None:
        template = Template(world.new_id(), waba_id, name, language, "UTILITY", "APPROVED", [])
        template.components = [{"type": "BODY", "text": f"This is {name}."}]
        template.created_at = world.clock.now()
        world.add_template(template)
        template.status = str(body.get("status", "APPROVED")).upper()
    _change(world, template, body)
    return answer({"id": template.id, "status": template.status, "category": template.category})


def _change(world: World, template: Template, body: JSON) -> None:
    status = str(body.get("status", template.status)).upper()
    template.category = str(body.get("category", template.category)).upper()
    template.parameter_format = str(body.get("parameter_format", template.parameter_format)).upper()
    if body.get("components") is not None:
        template.components = body["components"]
    template.shape = None
    _change_quality(world, template, str(body.get("quality", template.quality)).upper())
    if status != template.status:
        template.status = status
        template.details["rejected_reason"] = str(body.get("reason", "NONE"))
        post_template_status(world, template, template.details["rejected_reason"])
    held = bool(body.get("held", template.held))
    if template.held and (not held or status != "APPROVED"):
        release_held(world, template)
    else:
        template.held = held


def _change_quality(world: World, template: Template, quality: str) -> None:
    """The ``message_template_quality_update`` webhook tells a changed quality."""
    if quality == template.quality:
        return
    if quality not in _QUALITIES:
        raise invalid(f"quality must be one of {', '.join(_QUALITIES)}.")
    value: JSON = {
        "previous_quality_score": template.quality,
        "new_quality_score": quality,
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }
    template.quality = quality
    world.outbox.post(template.waba_id, "message_template_quality_update", value)


def post_template_status(world: World, template: Template, reason: str) -> None:
    """The ``message_template_status_update`` webhook for the template's present status."""
    value: JSON = {
        "event": template.status,
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
        "message_template_category": template.category,
        "reason": reason,
    }
    if template.status == "PAUSED":
        value["other_info"] = {"title": "FIRST_PAUSE", "description": "Paused because of low quality."}
    world.outbox.post(template.waba_id, "message_template_status_update", value)


@route("POST", "/_sim/numbers", public=True)
def numbers(world: World, request: Request) -> Answer:
    """Create or change a business phone number (and its WABA, when that is new)."""
    body = request.json()
    number_id = required(body, "phone_number_id")
    if not number_id.isdecimal():
        raise malformed("phone_number_id must be digits.")
    number = world.phone_numbers.get(number_id)
    if number is None:
        waba_id = str(body.get("waba_id", WABA_ID))
        if waba_id not in world.wabas:
            world.add_waba(Waba(waba_id, PORTFOLIO_ID))
        display = str(body.get("display_phone_number", f"+1 555 {number_id[-7:]}"))
        number = PhoneNumber(number_id, waba_id, display, digits_of(display))
        world.add_phone_number(number)
    for key in ("country_code", "verified_name", "quality", "status"):
        setattr(number, key, str(body.get(key, getattr(number, key))))
    number.throughput = int(body.get("throughput", number.throughput))
    return answer({"phone_number_id": number.id, "waba_id": number.waba_id})


@route("POST", "/_sim/tokens", public=True)
def tokens(world: World, request: Request) -> Answer:
    """Create or change an access token."""
    body = request.json()
    value = required(body, "token")
    token = world.tokens.get(value) or Token(value, world.app_id)
    if "waba_ids" in body:
        waba_ids = body["waba_ids"]
        token = dataclasses.replace(
            token, waba_ids=None if waba_ids is None else frozenset(map(str, waba_ids))
        )
    if "permissions" in body:
        token = dataclasses.replace(token, permissions=frozenset(map(str, body["permissions"])))
    token.revoked = bool(body.get("revoked", token.revoked))
    token.expires_at = float(body.get("expires_at", token.expires_at))
    world.add_token(token)
    return success()
