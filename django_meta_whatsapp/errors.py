"""Every error of the product, one tree::

WhatsAppError
├── ConfigurationError (ValueError)   the host's settings
│   ├── MissingSetting                a key is empty; names it
│   ├── InvalidSetting                a key has a wrong value; names it
│   └── DecryptionError               a stored secret does not open with the keys we have
├── InvalidInput (ValueError)         what a caller or a person gave; names the field
│   ├── InvalidPhoneNumber
│   ├── InvalidFile                   a CSV or media file that cannot be read as such
│   └── InvalidAudience               an audience that cannot be resolved
├── SendRefused                       the gate said no; `reason` is one of its reasons
├── CampaignError
│   ├── CampaignNotRunnable           its state, template or account does not allow a run
│   └── WrongCampaignState            what was asked for makes no sense in its state
├── InsideTransaction                 asked to send inside the caller's transaction
├── RunningEventLoop                  a blocking call inside an event loop; names the async twin
├── QueueUnavailable                  the broker cannot be reached; the work stays due
└── InvalidMessage, MetaAPIError …    see `cloud_api.errors`, re-exported here
"""

from django_meta_whatsapp.cloud_api.errors import (
    AccountError,
    AuthError,
    DownloadRefused,
    ErrorClass,
    InvalidMessage,
    MaybeSentError,
    MetaAPIError,
    NotSentError,
    Outcome,
    RecipientError,
    RequestError,
    RetryLaterError,
    RetryNowError,
    TemplateError,
    ThrottledError,
    WhatsAppError,
)

__all__ = [
    "AccountError",
    "AuthError",
    "CampaignError",
    "CampaignNotRunnable",
    "ConfigurationError",
    "DecryptionError",
    "DownloadRefused",
    "ErrorClass",
    "InsideTransaction",
    "InvalidAudience",
    "InvalidFile",
    "InvalidInput",
    "InvalidMessage",
    "InvalidPhoneNumber",
    "InvalidSetting",
    "MaybeSentError",
    "MetaAPIError",
    "MissingSetting",
    "NotSentError",
    "Outcome",
    "QueueUnavailable",
    "RecipientError",
    "RequestError",
    "RetryLaterError",
    "RetryNowError",
    "RunningEventLoop",
    "SendRefused",
    "TemplateError",
    "ThrottledError",
    "WhatsAppError",
    "WrongCampaignState",
]


class ConfigurationError(WhatsAppError, ValueError):
    """The host's settings do not allow this."""


class MissingSetting(ConfigurationError):
    """A setting that this needs is empty."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f'Set WHATSAPP["{self.key}"] in the Django settings, or pass an account that has it.'


class InvalidSetting(ConfigurationError):
    """A setting has a value that cannot be used."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(key, why)
        self.key = key
        self.why = why

    def __str__(self) -> str:
        return f'WHATSAPP["{self.key}"]: {self.why}'


class DecryptionError(ConfigurationError):
    """A stored secret does not open with ENCRYPTION_KEYS, SECRET_KEY or SECRET_KEY_FALLBACKS. Put the old key back into them."""

    def __str__(self) -> str:
        return str(self.__doc__)


class InvalidInput(WhatsAppError, ValueError):
    """Something given to us is wrong. `field` names it, `why` says what is expected."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(field, why)
        self.field = field
        self.why = why

    def __str__(self) -> str:
        return f"{self.field}: {self.why}"


class InvalidPhoneNumber(InvalidInput):
    """Not a phone number that can exist."""


class InvalidFile(InvalidInput):
    """A file that cannot be read as what it should be."""


class InvalidAudience(InvalidInput):
    """An audience that cannot be resolved."""


class SendRefused(WhatsAppError):
    """The gate refused this message, so nothing was sent. `reason` says why: opted_out, blocked, window_closed …"""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(reason, why)
        self.reason = reason
        self.why = why

    def __str__(self) -> str:
        return self.why


class CampaignError(WhatsAppError):
    """A campaign cannot do this."""


class CampaignNotRunnable(CampaignError):
    """The campaign's state, template or account does not allow a run; the text says what to change. cause: one of PauseCause."""

    def __init__(self, why: str, cause: str = "setup") -> None:
        super().__init__(why)
        self.cause = cause


class WrongCampaignState(CampaignError):
    """What was asked for makes no sense in the campaign's state; the text names both."""


class InsideTransaction(WhatsAppError):
    """Nothing is sent inside a transaction: a rollback would forget it. Call this after the commit ."""

    def __str__(self) -> str:
        return str(self.__doc__)


class RunningEventLoop(WhatsAppError):
    """A blocking call inside a running event loop. Await `arun_campaign` instead."""

    def __str__(self) -> str:
        return str(self.__doc__)


class QueueUnavailable(WhatsAppError):
    """The message broker cannot be reached. The work stays due: the worker's tick finds it."""

    def __str__(self) -> str:
        return str(self.__doc__)
