"""Business phone numbers: reads, and what can be changed on one (Meta: business phone numbers page)."""

from whatsapp_simulator.errors import malformed
from whatsapp_simulator.fields import select
from whatsapp_simulator.handshake import verify_callback
from whatsapp_simulator.health import number_health
from whatsapp_simulator.http import JSON, Answer, Later, Request, answer, success
from whatsapp_simulator.inputs import numeral, string
from whatsapp_simulator.messages_validation.checks import obj
from whatsapp_simulator.paging import page
from whatsapp_simulator.phones import country_of
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import PhoneNumber
from whatsapp_simulator.world import World

_NODE = "WhatsAppBusinessPhoneNumber"
_DEFAULT_FIELDS = (
    "id", "verified_name", "code_verification_status", "display_phone_number", "quality_rating", "platform_type",
    "throughput", "last_onboarded_time", "webhook_configuration",
)  # fmt: skip
_URL_MAX = 200
_HIGH_THROUGHPUT = 1000


def number_node(world: World, number: PhoneNumber) -> JSON:
    """Every field of a phone number; those without a value are ``None``."""
    details = number.details
    waba = world.wabas[number.waba_id]
    overrides = {
        "phone_number": number.override_callback_uri,
        "whatsapp_business_account": waba.override_callback_uri,
        "application": world.outbox.config.url,
    }
    registered = number.status not in {"PENDING", "DISCONNECTED"}
    return {
        "id": number.id,
        "display_phone_number": number.display_phone_number,
        "verified_name": number.verified_name,
        "country_dial_code": number.country_code,
        "country_code": country_of(number.digits),
        "quality_rating": number.quality,
        "quality_score": {"score": number.quality},
        "code_verification_status": details.get("code_verification_status", "VERIFIED"),
        "name_status": "APPROVED",
        "new_name_status": "PENDING_REVIEW" if "new_display_name" in details else "NONE",
        "new_display_name": details.get("new_display_name"),
        "status": number.status,
        "platform_type": "CLOUD_API" if registered else "NOT_APPLICABLE",
        "throughput": {"level": "HIGH" if number.throughput >= _HIGH_THROUGHPUT else "STANDARD"},
        "account_mode": "LIVE",
        "whatsapp_business_manager_messaging_limit": world.portfolios[waba.portfolio_id].messaging_limit,
        "messaging_limit_tier": world.portfolios[waba.portfolio_id].messaging_limit,
        "is_official_business_account": False,
        "is_pin_enabled": "pin" in details,
        "is_on_biz_app": False,
        "is_preverified_number": False,
        "search_visibility": "VISIBLE",
        "certificate": None,
        "last_onboarded_time": None,
        "username": None,
        "webhook_configuration": {level: url for level, url in overrides.items() if url},
        "conversational_automation": details.get("conversational_automation"),
        "health_status": number_health(world, number),
    }


@route("GET", "/{waba_id}/phone_numbers")
def list_numbers(world: World, request: Request, waba_id: str) -> Answer:
    """The phone numbers of a WABA, in pages.

    Omits: ``sort`` and ``filtering``.
    """
    fields = request.query.get("fields", "")

    def render(number: PhoneNumber) -> JSON:
        return select(number_node(world, number), fields, _DEFAULT_FIELDS, _NODE)

    return answer(page(request, list(world.numbers_of(waba_id)), render))


@route("GET", "/{phone_number_id}")
def read(world: World, request: Request, phone_number_id: str) -> Answer:
    """One phone number with its ``fields``, quality, limits, webhook addresses and health."""
    node = number_node(world, world.phone_numbers[phone_number_id])
    return answer(select(node, request.query.get("fields", ""), _DEFAULT_FIELDS, _NODE))


@route("POST", "/{waba_id}/phone_numbers")
def add(world: World, request: Request, waba_id: str) -> Answer:
    """Add a phone number to a WABA; it must be verified and registered before it can send."""
    params = request.params()
    if "cc" not in params:
        params = {**params, "cc": params.get("country_code")}
    country_code, digits = numeral(params, "cc", 1, 4), numeral(params, "phone_number", 4, 14)
    name = string(params, "verified_name", 2, 75)
    if any(number.digits == country_code + digits for number in world.phone_numbers.values()):
        raise malformed("The phone number is in use already.")
    number = PhoneNumber(
        world.new_id(),
        waba_id,
        f"+{country_code} {digits}",
        country_code + digits,
        country_code,
        name,
        status="PENDING",
        details={"code_verification_status": "NOT_VERIFIED"},
    )
    world.add_phone_number(number)
    return answer({"id": number.id})


@route("POST", "/{phone_number_id}")
def change(world: World, request: Request, phone_number_id: str) -> Answer | Later:
    """Set the PIN, ask for a new display name, or give the number a webhook address of its own (verified first)."""
    number = world.phone_numbers[phone_number_id]
    params = request.params()
    if not {"pin", "new_display_name", "webhook_configuration"} & params.keys():
        raise malformed("One of pin, new_display_name and webhook_configuration is required.")
    if "pin" in params:
        number.details["pin"] = numeral(params, "pin", 6, 6)
    if "new_display_name" in params:
        number.details["new_display_name"] = string(params, "new_display_name", 2, 75)
    if "webhook_configuration" in params:
        configuration = obj(params, "webhook_configuration", "webhook_configuration")
        return _redirect(number, configuration)
    return success()


def _redirect(number: PhoneNumber, configuration: JSON) -> Answer | Later:
    url = string(configuration, "override_callback_uri", 0, _URL_MAX)
    if not url:
        number.override_callback_uri = number.override_verify_token = ""
        return success()
    token = string(configuration, "verify_token", 1, _URL_MAX)

    async def verify() -> Answer:
        await verify_callback(url, token)
        number.override_callback_uri, number.override_verify_token = url, token
        return success()

    return Later(verify)
