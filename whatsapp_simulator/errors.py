"""Titles and HTTP statuses of the error codes that the simulator answers or reports (Meta: error codes page)."""

from whatsapp_simulator.http import JSON, GraphError

_HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"

_CODES: dict[int, tuple[str, int]] = {
    0: ("AuthException", 401),
    1: ("API Unknown", 400),
    2: ("API Service", 503),
    3: ("API Method", 500),
    4: ("API Too Many Calls", 400),
    10: ("Permission Denied", 403),
    17: ("User request limit reached", 400),
    32: ("Page request limit reached", 400),
    33: ("Parameter value is not valid", 400),
    100: ("Invalid parameter", 400),
    190: ("Access token has expired", 401),
    200: ("API Permission", 403),
    368: ("Temporarily blocked for policies violations", 403),
    613: ("Custom rate limit reached", 400),
    80007: ("Rate limit issues", 400),
    80008: ("Too many calls to this WhatsApp Business Account", 400),
    130403: ("You have blocked this user", 400),
    130429: ("Rate limit hit", 400),
    130472: ("User's number is part of an experiment", 400),
    130497: ("Business account is restricted from messaging users in this country.", 403),
    131000: ("Something went wrong", 500),
    131005: ("Access denied", 403),
    131008: ("Required parameter is missing", 400),
    131009: ("Parameter value is not valid", 400),
    131016: ("Service unavailable", 500),
    131021: ("Recipient cannot be sender", 400),
    131026: ("Message Undeliverable", 400),
    131030: ("Recipient phone number not in allowed list", 400),
    131031: ("Account has been locked", 403),
    131037: ("Display name approval is needed", 400),
    131042: ("Business eligibility payment issue", 400),
    131045: ("Incorrect certificate", 500),
    131047: ("Re-engagement message", 400),
    131048: ("Spam rate limit hit", 400),
    131049: ("Meta chose not to deliver.", 400),
    131050: ("User has stopped receipt of marketing messages.", 400),
    131051: ("Unsupported message type", 400),
    131052: ("Media download error", 400),
    131053: ("Media upload error", 400),
    131056: ("(Business Account, Consumer Account) pair rate limit hit", 400),
    131057: ("Account in maintenance mode", 500),
    131062: ("Business-scoped user ID recipient not supported", 400),
    131063: ("Marketing templates are disabled on Cloud API", 400),
    131064: ("Messaging limit due to template classification violations", 400),
    132000: ("Template Param Count Mismatch", 400),
    132001: ("Template does not exist", 404),
    132005: ("Template Hydrated Text Too Long", 400),
    132007: ("Template Format Character Policy Violated", 400),
    132012: ("Template Parameter Format Mismatch", 400),
    132015: ("Template is Paused", 400),
    132016: ("Template is Disabled", 400),
    132018: ("Template validation error", 400),
    132068: ("Flow is blocked", 400),
    132069: ("Flow is throttled", 400),
    133004: ("Server Temporarily Unavailable", 503),
    133005: ("Two step verification PIN Mismatch", 400),
    133006: ("Phone number re-verification needed", 400),
    133008: ("Too Many two step verification PIN Guesses", 400),
    133010: ("Phone number Not Registered", 400),
    133016: ("Account register deregister rate limit exceeded", 400),
    134011: ("Payments terms of service not accepted", 400),
    135000: ("Generic user error", 400),
    136024: ("Code can't be requested", 400),
    136025: ("Code can't be verified", 400),
    137000: ("Recipient identity key mismatch", 400),
    139001: ("Flow can't be updated", 400),
    139002: ("Flow can't be published", 400),
    139003: ("Flow can't be deprecated", 400),
    139004: ("Flow can't be deleted", 400),
    139100: ("Failed to block/unblock some users", 400),
    139101: ("Block list limit reached", 400),
    139102: ("Block list changed while paging", 400),
}

# Whose HTTP status is 400 on Meta's page and 429 in the field: the settings choose.
THROTTLES = frozenset({4, 17, 32, 613, 80007, 130429, 131048, 131056, 133016})


def title(code: int) -> str:
    """The title of ``code``; codes that are not in the table get a general one."""
    return _CODES.get(code, ("Unknown error", 400))[0]


def coded(
    code: int, details: str = "", *, http_status: int | None = None, subcode: int | None = None
) -> GraphError:
    """The error of the table for ``code``."""
    name, status = _CODES.get(code, ("Unknown error", 400))
    transient = True if code in {1, 2} else None
    return GraphError(
        code, name, details, http_status=http_status or status, subcode=subcode, is_transient=transient
    )


def webhook_error(code: int, details: str = "") -> JSON:
    """An item of ``errors[]`` in a webhook: the title stands there twice, without the ``(#code)``."""
    name = title(code)
    return {
        "code": code,
        "title": name,
        "message": name,
        "error_data": {"details": details or name},
        "href": _HREF,
    }


def missing(path: str) -> GraphError:
    """131008: a parameter that must be there is not."""
    return coded(131008, f"Parameter '{path}' is mandatory.")


def invalid(details: str) -> GraphError:
    """131009: a value is outside what is allowed."""
    return coded(131009, details)


def malformed(details: str) -> GraphError:
    """100: the wrong kind of value, an unexpected key, an unknown type."""
    return coded(100, details)
