"""Verifying a phone number and registering it for the Cloud API (Meta: registration page)."""

from whatsapp_simulator.errors import coded, missing
from whatsapp_simulator.http import Answer, Request, success
from whatsapp_simulator.inputs import numeral, string, word
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import PhoneNumber
from whatsapp_simulator.world import World

_HOUR = 3600
_ATTEMPTS = 10
_ATTEMPTS_WINDOW = 72 * _HOUR
_GUESSES = 5
_CODES_PER_HOUR = 5


def _count(world: World, number: PhoneNumber, what: str, window: float) -> int:
    """Remember that ``what`` happens now; returns how often it did within ``window`` seconds."""
    now = world.clock.now()
    times = [*(at for at in number.details.get(what, ()) if now - at < window), now]
    number.details[what] = times
    return len(times)


@route("POST", "/{phone_number_id}/register")
def register(world: World, request: Request, phone_number_id: str) -> Answer:
    """Register a verified number with its PIN (set when there is none); wrong PINs and more than 10 tries in 72 hours fail.

    Omits: migrated numbers, storage regions (accepted, without effect).
    """
    number = world.phone_numbers[phone_number_id]
    params = request.params()
    if params.get("messaging_product") != "whatsapp":
        raise missing("messaging_product")
    pin = numeral(params, "pin", 6, 6)
    _check_rate(world, number)
    if number.details.get("code_verification_status", "VERIFIED") != "VERIFIED":
        raise coded(133006, "The phone number needs to be verified before registering.")
    if number.details.get("pin", pin) != pin:
        if _count(world, number, "wrong_pins", _HOUR) > _GUESSES:
            raise coded(133008, "Try again in an hour.")
        raise coded(133005, "The PIN is not the one that was set for this number.")
    number.details["pin"] = pin
    number.status = "CONNECTED"
    return success()


def _check_rate(world: World, number: PhoneNumber) -> None:
    if _count(world, number, "registrations", _ATTEMPTS_WINDOW) > _ATTEMPTS:
        status = world.settings.throttle_status
        raise coded(133016, "A number can be registered 10 times in 72 hours.", http_status=status)


@route("POST", "/{phone_number_id}/deregister")
def deregister(world: World, request: Request, phone_number_id: str) -> Answer:
    """Take a number off the Cloud API: it cannot send (133010) until it is registered again."""
    number = world.phone_numbers[phone_number_id]
    _check_rate(world, number)
    number.status = "DISCONNECTED"
    return success()


@route("POST", "/{phone_number_id}/request_code")
def request_code(world: World, request: Request, phone_number_id: str) -> Answer:
    """Send a verification code: here it is always the last six digits of the number; five an hour.

    Omits: the message or call itself.
    """
    number = world.phone_numbers[phone_number_id]
    params = request.params()
    word(params, "code_method", ("SMS", "VOICE"))
    string(params, "language", 2, 8)
    if _count(world, number, "codes", _HOUR) > _CODES_PER_HOUR:
        raise coded(136024, "Too many codes were requested. Try again later.")
    number.details["code"] = number.digits[-6:]
    return success()


@route("POST", "/{phone_number_id}/verify_code")
def verify_code(world: World, request: Request, phone_number_id: str) -> Answer:
    """Verify the number with the code that was sent; a wrong or used one is 136025."""
    number = world.phone_numbers[phone_number_id]
    code = string(request.params(), "code", 1, 16).replace("-", "")
    if number.details.get("code") != code:
        raise coded(136025, "The code is not the one that was sent.")
    del number.details["code"]
    number.details["code_verification_status"] = "VERIFIED"
    return success()
