"""Tokens: what one is good for, who it is, and the app's own (Meta: access tokens page)."""

import zlib

from whatsapp_simulator.errors import missing
from whatsapp_simulator.http import JSON, Answer, GraphError, Request, answer
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import Token
from whatsapp_simulator.world import World

_APP_NAME = "Sample app"


def _is_app(token: Token) -> bool:
    return "|" in token.value


def _owner_id(token: Token) -> str:
    return token.app_id if _is_app(token) else f"122{zlib.crc32(token.value.encode()):010d}"


@route("GET", "/debug_token", permission="")
def debug_token(world: World, request: Request) -> Answer:
    """What a token is good for, and whether it is valid still.

    Omits: tokens of people and pages.
    """
    value = request.query.get("input_token", "")
    if not value:
        raise missing("input_token")
    token = world.tokens.get(value)
    if token is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return answer({"data": {"error": error, "is_valid": False, "scopes": []}})
    expired = bool(token.expires_at) and token.expires_at <= world.clock.now()
    scopes = sorted(token.permissions)
    data: JSON = {
        "app_id": token.app_id,
        "type": "APP" if _is_app(token) else "SYSTEM_USER",
        "application": _APP_NAME,
        "data_access_expires_at": 0,
        "expires_at": int(token.expires_at),
        "is_valid": not token.revoked and not expired,
        "issued_at": 0,
        "scopes": scopes,
        "granular_scopes": [_granular(scope, token) for scope in scopes],
    }
    if not _is_app(token):
        data["user_id"] = _owner_id(token)
    if not data["is_valid"]:
        reason = "has been invalidated" if token.revoked else "has expired"
        data["error"] = {
            "code": 190,
            "subcode": 460 if token.revoked else 463,
            "message": f"Error validating access token: the session {reason}",
        }
    return answer({"data": data})


def _granular(scope: str, token: Token) -> JSON:
    if token.waba_ids is None:
        return {"scope": scope}
    return {"scope": scope, "target_ids": sorted(token.waba_ids)}


@route("GET", "/me", permission="")
def me(world: World, request: Request) -> Answer:
    """Who the token belongs to."""
    token = request.token
    if token is None:
        raise GraphError(104, "An access token is required to request this resource.", prefixed=False)
    return answer({"id": _owner_id(token), "name": _APP_NAME if _is_app(token) else "System user"})


@route("GET", "/oauth/access_token", public=True)
@route("POST", "/oauth/access_token", public=True)
def app_token(world: World, request: Request) -> Answer:
    """The app's own token, for its id and secret.

    Omits: codes of Embedded Signup, exchange of short-lived tokens.
    """
    params = request.params()
    for key in ("client_id", "client_secret", "grant_type"):
        if not params.get(key):
            raise missing(key)
    if params["grant_type"] != "client_credentials":
        raise GraphError(100, "Invalid parameter", "Only client_credentials is available here.")
    if params["client_id"] != world.app_id or params["client_secret"] != world.app_secret:
        raise GraphError(1, "Error validating client secret.", prefixed=False)
    return answer({"access_token": f"{world.app_id}|{world.app_secret}", "token_type": "bearer"})
