"""Who is calling: the access token and its ``appsecret_proof`` (reference: authentication)."""

import hashlib
import hmac

from whatsapp_simulator.http import GraphError, Request
from whatsapp_simulator.state import Token
from whatsapp_simulator.world import World

_SCHEMES = ("Bearer ", "OAuth ")


def authenticate(world: World, request: Request) -> Token:
    """The caller's token. None given is error 104; unknown, revoked or expired is 190 (HTTP 401)."""
    value = _given(request)
    if not value:
        raise GraphError(104, "An access token is required to request this resource.", prefixed=False)
    token = world.tokens.get(value)
    if token is None:
        raise _rejected("Invalid OAuth access token - Cannot parse access token", None)
    if token.revoked:
        raise _rejected("Error validating access token: the session has been invalidated", 460)
    if token.expires_at and token.expires_at <= world.clock.now():
        raise _rejected("Error validating access token: the session has expired", 463)
    _check_proof(world, request, value)
    return token


def _given(request: Request) -> str:
    header = request.header(b"authorization")
    for scheme in _SCHEMES:
        if header.startswith(scheme):
            return header[len(scheme) :].strip()
    return request.query.get("access_token", "") if request.raw_query else ""


def _rejected(message: str, subcode: int | None) -> GraphError:
    return GraphError(190, message, http_status=401, subcode=subcode, prefixed=False)


def _check_proof(world: World, request: Request, token: str) -> None:
    given = request.query.get("appsecret_proof") if request.raw_query else None
    if given is None:
        if world.settings.require_appsecret_proof:
            raise _proof_error("API calls from the server require an appsecret_proof argument")
        return
    expected = hmac.new(world.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given):
        raise _proof_error("Invalid appsecret_proof provided in the API argument")


def _proof_error(message: str) -> GraphError:
    return GraphError(100, message, type="GraphMethodException", prefixed=False)
