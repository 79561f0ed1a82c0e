"""What Meta's error numbers mean for us: one table of codes, one of subcodes, and the way from an error
object to an exception.

Source: Meta's pages "Error codes" and "Handling errors", and the error lists of the pages on Flows, calling,
groups, blocking users, in-app signup, templates and Marketing Messages. Numbers drive everything; texts and
HTTP statuses drive nothing, as Meta itself advises.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django_meta_whatsapp.cloud_api import usage
from django_meta_whatsapp.cloud_api.errors import (
    AccountError,
    AuthError,
    ErrorClass,
    MaybeSentError,
    MetaAPIError,
    RecipientError,
    RequestError,
    RetryLaterError,
    RetryNowError,
    TemplateError,
)

NOW = ErrorClass.RETRY_NOW
LATER = ErrorClass.RETRY_LATER
RECIPIENT = ErrorClass.RECIPIENT
TEMPLATE = ErrorClass.TEMPLATE
ACCOUNT = ErrorClass.ACCOUNT
AUTH = ErrorClass.AUTH
REQUEST = ErrorClass.REQUEST

MINUTE = 60.0
DAY = 24 * 60 * MINUTE


class Row(NamedTuple):
    """error_class, a title for people, and how many seconds Meta says to wait."""

    error_class: ErrorClass
    title: str
    wait: float | None = None


CODES: dict[int, Row] = {
    # The Graph API itself
    0: Row(AUTH, "The access token could not be read"),
    1: Row(NOW, "Unknown error at Meta"),
    2: Row(NOW, "Meta is temporarily unavailable"),
    3: Row(AUTH, "The app lacks the capability for this call"),
    4: Row(LATER, "The app made too many calls"),
    10: Row(AUTH, "Permission not granted"),
    17: Row(LATER, "The user made too many calls"),
    32: Row(LATER, "The page made too many calls"),
    33: Row(ACCOUNT, "The business phone number was deleted"),
    100: Row(REQUEST, "Invalid parameter"),
    104: Row(AUTH, "The app secret proof is missing or wrong"),
    190: Row(AUTH, "The access token is invalid or has expired"),
    368: Row(ACCOUNT, "Temporarily blocked for policy violations"),
    613: Row(LATER, "Too many calls of this kind"),
    80007: Row(LATER, "The WhatsApp business account reached its rate limit"),
    80008: Row(LATER, "Too many calls to this WhatsApp business account"),
    80009: Row(LATER, "Too many catalog calls"),
    80014: Row(LATER, "Too many batched catalog calls"),
    # Sending
    130403: Row(RECIPIENT, "You have blocked this user"),
    130429: Row(NOW, "The number's message rate was exceeded"),
    130472: Row(RECIPIENT, "The user's number is part of an experiment"),
    130497: Row(RECIPIENT, "The account may not message users in this country"),
    131000: Row(NOW, "Something went wrong at Meta"),
    131005: Row(AUTH, "Access denied"),
    131008: Row(REQUEST, "A required parameter is missing"),
    131009: Row(REQUEST, "A parameter value is not valid"),
    131016: Row(NOW, "The service is unavailable"),
    131021: Row(RECIPIENT, "The recipient is the sender"),
    131026: Row(RECIPIENT, "The message cannot be delivered to this number"),
    131030: Row(RECIPIENT, "The recipient is not on the test number's list"),
    131031: Row(ACCOUNT, "The account is locked"),
    131037: Row(ACCOUNT, "The number needs an approved display name"),
    131042: Row(ACCOUNT, "There is a problem with the payment method"),
    131044: Row(ACCOUNT, "There is a problem with the payment method for calls"),
    131045: Row(ACCOUNT, "The number's certificate is wrong; register it again"),
    131047: Row(RECIPIENT, "More than 24 hours since the user's last message; send a template"),
    131048: Row(ACCOUNT, "Too many messages were blocked or marked as spam", DAY),
    131049: Row(LATER, "Meta held this marketing message back from the user", DAY),
    131050: Row(RECIPIENT, "The user has stopped marketing messages"),
    131051: Row(REQUEST, "Unsupported message type"),
    131052: Row(REQUEST, "The user's media could not be downloaded"),
    131053: Row(REQUEST, "The media could not be uploaded"),
    131055: Row(REQUEST, "Method not allowed for this kind of message"),
    131056: Row(NOW, "Too many messages to this user in a short time", 6.0),
    131057: Row(NOW, "The account is in maintenance mode", MINUTE),
    131062: Row(RECIPIENT, "Authentication templates need the user's phone number"),
    131063: Row(TEMPLATE, "Marketing templates are switched off for this endpoint"),
    131064: Row(ACCOUNT, "Limited for templates in the wrong category"),
    134011: Row(ACCOUNT, "The payment terms are not accepted"),
    135000: Row(REQUEST, "Meta could not tell what is wrong with the message"),
    137000: Row(RECIPIENT, "The recipient's identity has changed"),
    # Templates when sending
    132000: Row(REQUEST, "The number of parameters differs from the template"),
    132001: Row(TEMPLATE, "The template does not exist in this language or is not approved"),
    132005: Row(REQUEST, "The text is too long once the variables are filled in"),
    132007: Row(TEMPLATE, "The template breaks the policy on characters"),
    132008: Row(REQUEST, "A template parameter value is not valid"),
    132012: Row(REQUEST, "A template parameter has the wrong format"),
    132015: Row(TEMPLATE, "The template is paused"),
    132016: Row(TEMPLATE, "The template is disabled"),
    132018: Row(REQUEST, "The template parameters are not valid"),
    132068: Row(TEMPLATE, "The template's flow is blocked"),
    132069: Row(LATER, "The template's flow is throttled"),
    134100: Row(TEMPLATE, "Only marketing templates can be sent here"),
    134101: Row(LATER, "The template is still being copied", 10 * MINUTE),
    134102: Row(TEMPLATE, "The template cannot be used here"),
    # Registration of numbers
    133000: Row(LATER, "An earlier deregistration did not finish"),
    133004: Row(NOW, "The server is temporarily unavailable"),
    133005: Row(REQUEST, "The PIN is wrong"),
    133006: Row(ACCOUNT, "The number must be verified again"),
    133008: Row(LATER, "Too many wrong PINs"),
    133009: Row(LATER, "The PIN was entered too quickly"),
    133010: Row(ACCOUNT, "The number is not registered"),
    133015: Row(LATER, "The number was deleted a moment ago", 5 * MINUTE),
    133016: Row(LATER, "The number was registered and deregistered too often"),
    136024: Row(LATER, "Too many verification codes were requested"),
    136025: Row(REQUEST, "The verification code is wrong"),
    # Blocking
    139100: Row(RECIPIENT, "Some users could not be blocked or unblocked"),
    139101: Row(ACCOUNT, "The block list is full"),
    139102: Row(NOW, "The block list changed while it was read"),
    139103: Row(NOW, "Blocking failed inside Meta"),
    # Flows
    139000: Row(ACCOUNT, "The flow is blocked by Meta's integrity checks"),
    139001: Row(REQUEST, "The flow cannot be changed"),
    139002: Row(REQUEST, "The flow cannot be published"),
    139003: Row(REQUEST, "The flow cannot be deprecated"),
    139004: Row(REQUEST, "A published flow cannot be deleted"),
    139006: Row(REQUEST, "Too little traffic for these metrics"),
    # Calls
    138000: Row(ACCOUNT, "Calling is not enabled"),
    138001: Row(RECIPIENT, "This user cannot be called"),
    138002: Row(LATER, "Too many calls at once"),
    138003: Row(REQUEST, "There is already a call with this user"),
    138004: Row(NOW, "The call could not be connected"),
    138005: Row(LATER, "Too many call requests"),
    138006: Row(RECIPIENT, "The user has not permitted calls"),
    138007: Row(RECIPIENT, "The call was not taken in time"),
    138009: Row(LATER, "Too many requests for permission to call this user"),
    138012: Row(LATER, "Too many calls to this user"),
    138013: Row(LATER, "Too many look-ups of call permissions"),
    138018: Row(ACCOUNT, "Calling cannot be enabled"),
    138019: Row(REQUEST, "The call settings are not valid"),
    138020: Row(REQUEST, "The call settings are not valid"),
    138021: Row(REQUEST, "The call settings are not valid"),
    138022: Row(REQUEST, "The call settings are not valid"),
    138023: Row(REQUEST, "The call settings are not valid"),
    # Groups
    131020: Row(RECIPIENT, "The group is not valid"),
    131041: Row(RECIPIENT, "The group is not known"),
    131059: Row(REQUEST, "The cursor is not valid"),
    131201: Row(RECIPIENT, "The group request succeeded only in part"),
    131202: Row(REQUEST, "A participant was given twice"),
    131203: Row(RECIPIENT, "The user has not accepted the terms for groups"),
    131204: Row(REQUEST, "Too many participants"),
    131207: Row(RECIPIENT, "The group is suspended"),
    131208: Row(LATER, "Too many group requests"),
    131209: Row(REQUEST, "The group picture is not square"),
    131210: Row(REQUEST, "The group picture is too small"),
    131211: Row(LATER, "Too many groups were created"),
    131212: Row(RECIPIENT, "The user is not in the group"),
    131213: Row(REQUEST, "There is no such request to join"),
    131214: Row(LATER, "Creating groups is switched off for now"),
    131215: Row(ACCOUNT, "The account may not use groups"),
    # Usernames
    147001: Row(REQUEST, "The username is not available"),
    147002: Row(ACCOUNT, "The account may not have a username"),
    147003: Row(ACCOUNT, "Link the Facebook account first"),
    147004: Row(ACCOUNT, "Link the Instagram account first"),
    147005: Row(ACCOUNT, "The username must be transferred first"),
    # Insights
    200005: Row(REQUEST, "Template insights are not available"),
    200006: Row(REQUEST, "Template insights cannot be switched off"),
    200007: Row(REQUEST, "Template insights are not switched on"),
}

SUBCODES: dict[int, Row] = {
    # Templates
    2388019: Row(TEMPLATE, "The account has as many templates as it may have"),
    2388023: Row(TEMPLATE, "This name and language is being deleted"),
    2388024: Row(TEMPLATE, "There is a template with this name and language"),
    2388039: Row(TEMPLATE, "The template cannot be changed now"),
    2388040: Row(TEMPLATE, "A text of the template is too long"),
    2388047: Row(TEMPLATE, "The header's format is wrong"),
    2388072: Row(TEMPLATE, "The body's format is wrong"),
    2388073: Row(TEMPLATE, "The footer's format is wrong"),
    2388293: Row(TEMPLATE, "Too many variables for so short a text"),
    2388299: Row(TEMPLATE, "A variable must not begin or end the text"),
    # Signups
    2494164: Row(REQUEST, "There is no such signup"),
    2494165: Row(ACCOUNT, "Signups are not available to this account"),
    2494166: Row(REQUEST, "The text contains an unknown placeholder"),
    2494167: Row(REQUEST, "A placeholder has no value"),
    2494168: Row(REQUEST, "The terms are not accepted yet"),
    2494176: Row(REQUEST, "The terms were accepted before"),
    2494177: Row(REQUEST, "This is not the address of the terms"),
    2494179: Row(REQUEST, "The website's address must begin with https"),
    # Moving numbers, onboarding
    1752041: Row(REQUEST, "The account was onboarded before"),
    2388001: Row(ACCOUNT, "The number cannot be moved: ownership or two-step verification"),
    2388012: Row(ACCOUNT, "The number is already in this account"),
    2388091: Row(ACCOUNT, "The number may not receive a code"),
    2388093: Row(ACCOUNT, "The number cannot be moved"),
    2388103: Row(ACCOUNT, "The number cannot be moved"),
    2494100: Row(LATER, "The number is being moved"),
    2593079: Row(ACCOUNT, "The account cannot be moved"),
    2593085: Row(ACCOUNT, "The account cannot be moved"),
    2593107: Row(REQUEST, "The synchronisation was asked for too often"),
    2593108: Row(REQUEST, "The synchronisation was asked for more than 24 hours after onboarding"),
}

PERMISSIONS = range(200, 300)
_PERMISSION = Row(AUTH, "The token lacks a permission")
_TRANSIENT = Row(NOW, "Temporary error at Meta")
_UNKNOWN = Row(REQUEST, "Meta refused this")

EXCEPTIONS: dict[ErrorClass, type[MetaAPIError]] = {
    NOW: RetryNowError,
    LATER: RetryLaterError,
    RECIPIENT: RecipientError,
    TEMPLATE: TemplateError,
    ACCOUNT: AccountError,
    AUTH: AuthError,
    REQUEST: RequestError,
}


def _row(code: int, subcode: int | None, *, is_transient: bool = False) -> Row:
    for number in (subcode, code):
        if number in SUBCODES:
            return SUBCODES[number]
    if code in CODES:
        return CODES[code]
    if code in PERMISSIONS:
        return _PERMISSION
    return _TRANSIENT if is_transient else _UNKNOWN


def classify(code: int, subcode: int | None = None, *, is_transient: bool = False) -> ErrorClass:
    """What to do about this error. A known subcode decides, then the code.

    An unknown code is the request's fault, unless Meta calls the error transient.
    """
    return _row(code, subcode, is_transient=is_transient).error_class


def error_class_of(code: int) -> ErrorClass:
    """The class of a code in a webhook's `errors[]`, where there are no subcodes."""
    return classify(code)


def has_code(envelope: object) -> bool:
    """True for a complete error object of Meta's: one with a numeric code."""
    return isinstance(envelope, Mapping) and _number(envelope.get("code")) is not None


MAYBE_SENT_CODES = frozenset({131000})
"""The one complete error after which a message may have gone out all the same, as Meta says."""


def error_from_envelope(
    envelope: Mapping[str, Any], http_status: int, headers: Mapping[str, str], *, of_message: bool = False
) -> MetaAPIError:
    """The exception for Meta's error object (the value of `"error"`). headers: of the answer, any case.

    of_message: the call sent a message; then MAYBE_SENT_CODES give MaybeSentError.
    """
    code = _number(envelope.get("code")) or 0
    subcode = _number(envelope.get("error_subcode"))
    is_transient = envelope.get("is_transient") is True
    row = _row(code, subcode, is_transient=is_transient)
    lowered = {name.lower(): value for name, value in headers.items()}
    unsure = of_message and code in MAYBE_SENT_CODES
    return (MaybeSentError if unsure else EXCEPTIONS[row.error_class])(
        _title(envelope, code) or row.title,
        code=code,
        subcode=subcode,
        user_title=_text(envelope.get("error_user_title")),
        user_message=_text(envelope.get("error_user_msg")),
        details=_details(envelope.get("error_data")),
        fbtrace_id=_text(envelope.get("fbtrace_id")) or lowered.get("x-fb-trace-id", ""),
        http_status=http_status,
        retry_after=_retry_after(row, lowered),
        is_transient=is_transient,
        envelope=dict(envelope),
    )


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _title(envelope: Mapping[str, Any], code: int) -> str:
    return _text(envelope.get("message")).removeprefix(f"(#{code})").strip()


def _details(error_data: object) -> str:
    """`error_data` is an object with `details` for messages, and may be plain text for templates."""
    return _text(error_data.get("details")) if isinstance(error_data, Mapping) else _text(error_data)


def _retry_after(row: Row, headers: Mapping[str, str]) -> float | None:
    if row.error_class not in (NOW, LATER):
        return row.wait
    hints = [row.wait or 0.0, _seconds(headers.get("retry-after", "")), usage.regain_access(headers)]
    return min(max(hints), DAY) or None


def _seconds(header: str) -> float:
    return float(header) if header.isascii() and header.isdigit() else 0.0
