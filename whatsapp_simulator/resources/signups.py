"""In-app signups: links by which people opt in to marketing (Meta: in-app signup page)."""

import re

from whatsapp_simulator.errors import missing
from whatsapp_simulator.fields import select
from whatsapp_simulator.http import JSON, Answer, GraphError, Request, answer, success
from whatsapp_simulator.paging import page
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Signup
from whatsapp_simulator.world import World

TERMS_URL = "https://www.facebook.com/legal/ads-manager-marketing-messages-terms"
NOT_FOUND = 2494164
UNKNOWN_PLACEHOLDER = 2494166
PLACEHOLDER_WITHOUT_VALUE = 2494167
TERMS_NOT_ACCEPTED = 2494168
TERMS_ALREADY_ACCEPTED = 2494176
WRONG_TERMS_URL = 2494177
WEBSITE_SCHEME = 2494179

_REQUIRED = ("signup_message", "confirmation_message", "privacy_policy_url")
_CHANGEABLE = (
    "signup_message",
    "confirmation_message",
    "promo_code",
    "display_name",
    "website_url",
    "status",
)
_LONGEST = {"signup_message": 300, "confirmation_message": 300, "display_name": 256, "promo_code": 50}
_LIST_FIELDS = ("id", "signup_message", "status")
_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_NODE = "WhatsAppBusinessSignup"


def _refused(number: int, message: str) -> GraphError:
    return GraphError(
        100, "Invalid parameter", message, subcode=number, user_title="Signup", user_message=message
    )


def _wrong(message: str) -> GraphError:
    return GraphError(100, "Invalid parameter", message)


@route("POST", "/{waba_id}/signups")
def create(world: World, request: Request, waba_id: str) -> Answer:
    """Create a link; the first one of a business must carry its agreement to the terms, later ones must not.

    Omits: countries where signups do not exist (2494165), and the page behind the link.
    """
    body = request.json()
    for key in _REQUIRED:
        if not body.get(key):
            raise missing(key)
    fields = {
        key: body[key] for key in (*_REQUIRED, "promo_code", "display_name", "website_url") if body.get(key)
    }
    _check(fields)
    if not str(fields["privacy_policy_url"]).startswith(("https://", "http://")):
        raise _wrong("privacy_policy_url must be an http or https URL.")
    _check_terms(world, waba_id, body.get("policy"))
    signup = Signup(world.new_id(), waba_id, {**fields, "status": "ACTIVE"})
    world.add_signup(signup)
    return answer({"id": signup.id})


def _check_terms(world: World, waba_id: str, policy: object) -> None:
    portfolio_id = world.wabas[waba_id].portfolio_id
    accepted = world.stores.terms_accepted
    if portfolio_id in accepted:
        if policy is not None:
            raise _refused(TERMS_ALREADY_ACCEPTED, "The terms are accepted already: leave out policy.")
        return
    if not isinstance(policy, dict) or policy.get("accepted") is not True:
        raise _refused(TERMS_NOT_ACCEPTED, "The terms of service must be accepted first.")
    if policy.get("tos") != TERMS_URL:
        raise _refused(WRONG_TERMS_URL, "policy.tos is not the address of the terms.")
    accepted.add(portfolio_id)


def _check(fields: JSON) -> None:
    for key, longest in _LONGEST.items():
        value = fields.get(key, " ")
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise _wrong(f"{key} must be a text of 1 to {longest} characters.")
    if not re.fullmatch(r"[A-Za-z0-9]+", fields.get("promo_code", "x")):
        raise _wrong("promo_code may hold letters and digits only.")
    if not str(fields.get("website_url", "https://")).startswith("https://"):
        raise _refused(WEBSITE_SCHEME, "website_url must be an https URL.")
    for name in _PLACEHOLDER.findall(fields["confirmation_message"]):
        if name != "promo_code":
            raise _refused(UNKNOWN_PLACEHOLDER, f"The placeholder {name} is not known.")
        if not fields.get("promo_code"):
            raise _refused(PLACEHOLDER_WITHOUT_VALUE, "The confirmation message needs a promo_code.")


@route("GET", "/{waba_id}/signups")
def list_signups(world: World, request: Request, waba_id: str) -> Answer:
    """The signups of a WABA, in pages."""
    signups = [signup for signup in world.signups.values() if signup.waba_id == waba_id]
    fields = request.query.get("fields", "")
    return answer(page(request, signups, lambda signup: select(_node(signup), fields, _LIST_FIELDS, _NODE)))


def _node(signup: Signup) -> JSON:
    names = (*_REQUIRED, *_CHANGEABLE)
    return {"id": signup.id, "waba_id": signup.waba_id, **{name: signup.fields.get(name) for name in names}}


def _signup(world: World, signup_id: str) -> Signup:
    signup = world.signups.get(signup_id)
    if signup is None:
        raise _refused(NOT_FOUND, f"There is no signup {signup_id}.")
    return signup


@route("GET", "/signups/{signup}")
@route("GET", "/{signup_id}")
def read(world: World, request: Request, signup: str = "", signup_id: str = "") -> Answer:
    """One signup, by the documented path or as a node."""
    node = _node(_signup(world, signup or signup_id))
    return answer(select(node, request.query.get("fields", ""), node, _NODE))


@route("POST", "/signups/{signup}")
@route("POST", "/{signup_id}")
def update(world: World, request: Request, signup: str = "", signup_id: str = "") -> Answer:
    """Change a signup or switch it off; it cannot be deleted, and its privacy policy stays."""
    record = _signup(world, signup or signup_id)
    body = request.json()
    unknown = body.keys() - set(_CHANGEABLE)
    if unknown:
        raise _wrong(f"These fields can't be changed: {', '.join(sorted(unknown))}.")
    if body.get("status", "ACTIVE") not in ("ACTIVE", "DISABLED"):
        raise _wrong("status must be ACTIVE or DISABLED.")
    fields = {**record.fields, **{key: value for key, value in body.items() if value not in (None, "")}}
    for key in ("promo_code", "display_name", "website_url"):
        if body.get(key) == "":
            fields.pop(key, None)
    _check(fields)
    record.fields = fields
    return success()
