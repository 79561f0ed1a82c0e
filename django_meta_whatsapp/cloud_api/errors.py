"""What can go wrong in a call to Meta, one tree::

    WhatsAppError                    the root of every error of the product
    ├── InvalidMessage (ValueError)  our own check before sending; names the field
    ├── DownloadRefused              a media file that we do not fetch: too large, or from nowhere we trust
    └── MetaAPIError                 a call that did not end in a result; `outcome` says what Meta did with it
        ├── NotSentError             failed before the first byte left: nothing happened at Meta
        ├── MaybeSentError           no usable answer: it may or may not have happened
        └── (rejected: Meta answered with a complete error; one class per `ErrorClass`)
            ├── ThrottledError
            │   ├── RetryNowError    seconds to minutes, with backoff
            │   └── RetryLaterError  minutes to a day
            ├── RecipientError       this person cannot be messaged (so)
            ├── TemplateError        this template cannot be used
            ├── AccountError         the number, the account or the portfolio is stopped
            ├── AuthError            token or permission
            └── RequestError         what we sent is wrong, or a code that we do not know

Every error pickles with its attributes, so that it crosses process borders (Celery).
"""

from enum import StrEnum
from typing import Any, ClassVar, TypeVar

E = TypeVar("E", bound="WhatsAppError")


class Outcome(StrEnum):
    """What is known about a call that failed. Look at this before the class: only a call that Meta rejected,
    or that never left, may be sent again without the risk of a second message."""

    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    MAYBE_SENT = "maybe_sent"


class ErrorClass(StrEnum):
    """What to do about an error of Meta's."""

    RETRY_NOW = "retry_now"
    RETRY_LATER = "retry_later"
    RECIPIENT = "recipient"
    TEMPLATE = "template"
    ACCOUNT = "account"
    AUTH = "auth"
    REQUEST = "request"


def _restore(cls: type[E], args: tuple[Any, ...], state: dict[str, Any]) -> E:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class WhatsAppError(Exception):
    """The root of the tree: `except WhatsAppError` catches whatever the product raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls __init__ with `args` alone, which loses keyword arguments.
        return _restore, (type(self), self.args, self.__dict__)


class InvalidMessage(WhatsAppError, ValueError):
    """A message that Meta would refuse, found before sending. `field` names the part, `why` the rule."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(field, why)
        self.field = field
        self.why = why

    def __str__(self) -> str:
        return f"{self.field}: {self.why}"


class DownloadRefused(WhatsAppError):
    """A media file that we do not fetch: larger than allowed, or at an address that is not trusted."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class MetaAPIError(WhatsAppError):
    """A call to Meta that did not end in a result.

    code, subcode: Meta's numbers, None without a complete error answer.
    title: what went wrong, in one line; user_title, user_message: Meta's text for people, often empty;
        details: Meta's explanation, often empty.
    fbtrace_id: what Meta's support asks for.
    http_status: None when no answer came.
    retry_after: seconds to wait before the next attempt, a day at most; None where Meta gives no hint.
    envelope: Meta's whole error object, as it came (with the token blotted out, should Meta repeat it).
    Source: Meta's page "Error codes", the Graph API's "Handling errors".
    """

    outcome: ClassVar[Outcome] = Outcome.REJECTED
    error_class: ClassVar[ErrorClass] = ErrorClass.REQUEST

    def __init__(
        self,
        title: str,
        *,
        code: int | None = None,
        subcode: int | None = None,
        user_title: str = "",
        user_message: str = "",
        details: str = "",
        fbtrace_id: str = "",
        http_status: int | None = None,
        retry_after: float | None = None,
        is_transient: bool = False,
        envelope: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.code = code
        self.subcode = subcode
        self.user_title = user_title
        self.user_message = user_message
        self.details = details
        self.fbtrace_id = fbtrace_id
        self.http_status = http_status
        self.retry_after = retry_after
        self.is_transient = is_transient
        self.envelope = envelope or {}

    def matches(self, *numbers: int) -> bool:
        """True when the code or the subcode is one of `numbers`: Meta puts some errors in either place."""
        return self.code in numbers or self.subcode in numbers

    def _numbers(self) -> str:
        named = {
            "code": self.code,
            "subcode": self.subcode,
            "HTTP": self.http_status,
            "trace": self.fbtrace_id,
        }
        return ", ".join(f"{name} {value}" for name, value in named.items() if value not in (None, ""))

    def __str__(self) -> str:
        numbers = self._numbers()
        told = dict.fromkeys((self.title, self.details, self.user_title, self.user_message))
        text = " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in told if part)
        return f"{text} ({numbers})" if numbers else text


class NotSentError(MetaAPIError):
    """Failed before the first byte of the request left: name lookup, refused, TLS, no free connection."""

    outcome = Outcome.NOT_SENT
    error_class = ErrorClass.RETRY_NOW


class MaybeSentError(MetaAPIError):
    """No usable answer: a timeout, a reset, an answer without Meta's error object, a send without a message id.

    The message may have gone out. Do not send it again: wait for a status webhook with its callback data.
    The class is `request` because that is the only one under which nobody repeats a call.
    """

    outcome = Outcome.MAYBE_SENT


class ThrottledError(MetaAPIError):
    """Too much or too soon, or Meta has trouble: the same call may succeed later."""

    error_class = ErrorClass.RETRY_LATER


class RetryNowError(ThrottledError):
    """May succeed in seconds or minutes."""

    error_class = ErrorClass.RETRY_NOW


class RetryLaterError(ThrottledError):
    """May succeed in minutes to a day; see `retry_after`."""


class RecipientError(MetaAPIError):
    """This person (or group) cannot be messaged, or not in this way."""

    error_class = ErrorClass.RECIPIENT


class TemplateError(MetaAPIError):
    """This template cannot be used, or its definition is not accepted."""

    error_class = ErrorClass.TEMPLATE


class AccountError(MetaAPIError):
    """The phone number, the WhatsApp business account or the portfolio is stopped."""

    error_class = ErrorClass.ACCOUNT


class AuthError(MetaAPIError):
    """The access token is missing, wrong or expired, or lacks a permission."""

    error_class = ErrorClass.AUTH


class RequestError(MetaAPIError):
    """What was sent is wrong, or Meta's code is one that we do not know."""
