"""Every setting of the product: name, type, default and unit, declared once and read live.

The host writes one dict::

    WHATSAPP = {"ACCESS_TOKEN": "…", "PHONE_NUMBER_ID": "…", "WABA_ID": "…"}

and `whatsapp_settings.ACCESS_TOKEN` reads it at the moment of use, so `override_settings` works. `USE_CELERY` is the
one key that stands on its own (`WHATSAPP_USE_CELERY = True`). Wrong, unknown and misspelt keys are told by the system checks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, overload

from django.conf import settings

from django_meta_whatsapp import opt_out_words
from django_meta_whatsapp.errors import InvalidSetting, MissingSetting

T = TypeVar("T")

ALIASES = {
    "API_TOKEN": "ACCESS_TOKEN",
    "WEBHOOK_VERIFY_TOKEN": "VERIFY_TOKEN",
}
"""Spellings seen in the wild, understood with a check that names the right one."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What is known of one key; the settings page of the docs is made of these."""

    name: str
    default: Any
    types: tuple[type, ...]
    about: str
    unit: str
    secret: bool


class Setting(Generic[T]):
    """One key of the `WHATSAPP` dict."""

    def __init__(
        self, default: T, about: str, *, unit: str = "", secret: bool = False, types: tuple[type, ...] = ()
    ) -> None:
        self.default = default
        self.about = about
        self.unit = unit
        self.secret = secret
        self.types = types or _types_like(default)
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self._aliases = [alias for alias, key in ALIASES.items() if key == name]

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "Setting[T] | T":
        if instance is None:
            return self
        # Read several times for each webhook: hence no copy of the dict, and a look at the type before the rules for it.
        given = _given()
        value = given.get(self.name, self.default)
        for alias in self._aliases:
            if self.name not in given:
                value = given.get(alias, value)
        if type(value) not in self.types and not fits(value, self.types):
            raise InvalidSetting(self.name, f"{_spoken(self.types)} is expected, not {type(value).__name__}.")
        return cast("T", value)

    def declared(self) -> Declared:
        return Declared(self.name, self.default, self.types, self.about, self.unit, self.secret)


def _types_like(default: object) -> tuple[type, ...]:
    return (int, float) if isinstance(default, float) else (type(default),)


def _spoken(types: tuple[type, ...]) -> str:
    return " or ".join(kind.__name__ for kind in types)


def fits(value: object, types: tuple[type, ...]) -> bool:
    """Whether `value` is of one of `types`; True and False are no numbers here."""
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types)


def configured() -> dict[str, Any]:
    """The host's `WHATSAPP` dict with aliases resolved; the right spelling wins over an alias."""
    given = _given()
    renamed = {ALIASES[key]: value for key, value in given.items() if key in ALIASES}
    return {**renamed, **{key: value for key, value in given.items() if key not in ALIASES}}


def _given() -> Mapping[str, Any]:
    """The dict as the host wrote it."""
    given = getattr(settings, "WHATSAPP", None) or {}
    # A dict is what it nearly always is, and asking whether something is a Mapping is slow.
    if type(given) is not dict and not isinstance(given, Mapping):
        raise InvalidSetting("WHATSAPP", "a dict is expected.")
    return cast("Mapping[str, Any]", given)


class WhatsAppSettings:
    """The keys of the `WHATSAPP` dict. Read them on `whatsapp_settings`."""

    # Who we are at Meta
    ACCESS_TOKEN = Setting("", "Token of the system user, for calls without an account.", secret=True)
    PHONE_NUMBER_ID = Setting("", "Id of the sending phone number, for calls without an account.")
    WABA_ID = Setting("", "Id of the WhatsApp Business Account, for calls without an account.")
    VERIFY_TOKEN = Setting("", "Word that Meta repeats when it verifies the webhook.", secret=True)
    APP_SECRET = Setting("", "Secret of the Meta app, which signs the webhooks.", secret=True)
    GRAPH_API_VERSION = Setting("v22.0", "Version of the Graph API.")
    GRAPH_BASE_URL = Setting(
        "https://graph.facebook.com", "Where the Graph API is; the simulator's address for tests."
    )
    CONNECT_TIMEOUT = Setting(5.0, "Longest wait for a connection to Meta.", unit="seconds")
    REQUEST_TIMEOUT = Setting(30.0, "Longest time of one call to Meta, connection included.", unit="seconds")

    # People and numbers
    DEFAULT_COUNTRY_CODE = Setting(
        "91", "Country code put before a bare 10-digit number that a person or caller typed."
    )
    PHONE_FIELD = Setting("phone", "Attribute of an audience provider's objects that holds the phone number.")
    NAME_FIELD = Setting("name", "Attribute of an audience provider's objects that holds the name.")

    # Campaigns
    CAMPAIGN_RESOLVER = Setting("", "Dotted path of a function(campaign) that returns the whole audience.")
    AUDIENCES: Setting[Mapping[str, Any]] = Setting(
        {},
        "Named audience providers: name to dotted path, or to a dict with provider, phone_field, name_field, parameters.",
    )
    CONTACT_FILTERS: Setting[Mapping[str, Any]] = Setting(
        {},
        "Ready-made filters of contacts, offered for campaigns and segments: label to an object or its JSON.",
    )
    SEND_CONCURRENCY = Setting(
        1000,
        "Most calls to Meta that one campaign runner keeps under way; how many follows from the number's rate and Meta's speed.",
        unit="calls",
    )
    CLAIM_BATCH = Setting(500, "Recipients that a runner claims at once.", unit="rows")
    LEASE_SECONDS = Setting(120.0, "How long a claimed recipient belongs to its runner.", unit="seconds")
    SEND_DEADLINE = Setting(
        60.0,
        "A marked row whose mark is older than this is not sent any more; above REQUEST_TIMEOUT.",
        unit="seconds",
    )
    RUN_MAX_WAIT = Setting(60.0, "How long run_campaign idles for rows that may go later.", unit="seconds")
    MAX_ATTEMPTS = Setting(5, "How often a recipient is tried when Meta says try again.", unit="attempts")
    RUN_SECONDS = Setting(
        20.0, "How long a worker is at a campaign before others get their turn.", unit="seconds"
    )
    RUN_LEASE_SECONDS = Setting(
        30.0,
        "How long a runner that says nothing is taken for alive, and a queued one for coming.",
        unit="seconds",
    )
    RUNNERS_PER_CAMPAIGN = Setting(1, "Workers that one campaign gets at once.", unit="workers")
    SEND_WINDOW = Setting(
        "",
        "Hours of people's own day in which campaigns go, such as 09:00-18:00; empty: all. A campaign may have its own.",
    )
    QUIET_HOURS = Setting(
        "",
        "Hours of people's own day in which no campaign goes, such as 21:00-08:00. A campaign may have its own.",
    )
    FREQUENCY_CAP = Setting(
        0,
        "Marketing messages that one person gets in FREQUENCY_CAP_SECONDS at most; 0: no limit.",
        unit="messages",
    )
    FREQUENCY_CAP_SECONDS = Setting(7 * 24 * 3600.0, "The time that FREQUENCY_CAP is about.", unit="seconds")
    ERROR_BUDGET = Setting(
        50, "Share of failed messages above which a campaign pauses; 100 switches it off.", unit="percent"
    )
    ERROR_BUDGET_SAMPLE = Setting(
        100, "Messages of a run before its share of failures is judged.", unit="messages"
    )
    ERROR_BUDGET_WINDOW = Setting(1000, "The newest messages of a run that are judged.", unit="messages")
    PAUSE_ON_QUALITY = Setting(
        "RED",
        "Quality rating of number or template at which campaigns pause when it drops: RED, YELLOW or empty for none.",
    )
    RESUME_AFTER_OUTAGE_SECONDS = Setting(
        300.0, "How long after Meta could not be reached a campaign goes on by itself.", unit="seconds"
    )
    SEND_MARKETING_TO_US = Setting(
        False, "Try marketing templates to US numbers, which Meta does not deliver."
    )
    UNKNOWN_POLICY = Setting(
        "ask",
        "What happens to campaign messages of unknown outcome: ask (a person decides), or resend (after UNKNOWN_QUIET_SECONDS; "
        "somebody may get two).",
    )
    UNKNOWN_QUIET_SECONDS = Setting(
        24 * 3600.0,
        "How long an unknown outcome is waited for before resend; twice the longest delay of webhooks since, if that is longer.",
        unit="seconds",
    )
    WEBHOOK_GAP_SECONDS = Setting(
        900.0,
        "Status webhooks that come later than this tell of an outage, which is written down.",
        unit="seconds",
    )

    # The pace
    REDIS_URL = Setting(
        "",
        "Redis through which all processes share each number's rate, such as redis://127.0.0.1:6379/0. By default Celery's "
        "broker, if that is one; without Redis one process at a time has a number to itself.",
    )
    HEADROOM = Setting(
        5,
        "Part of a number's rate that campaigns leave to conversations; what people write counts too.",
        unit="percent",
    )
    REPLY_MAX_WAIT = Setting(2.0, "Longest wait of send_message for its place in the rate.", unit="seconds")
    NUMBER_HOLD_SECONDS = Setting(
        10.0, "Without Redis: how long a process that says nothing keeps a number to itself.", unit="seconds"
    )
    KEEP_MESSAGING_LIMIT = Setting(
        True, "Campaigns wait when the portfolio has reached as many people in 24 hours as Meta allows."
    )
    MESSAGING_LIMIT = Setting(
        0,
        "People that a portfolio may reach in 24 hours; 0 for what Meta tells of the account.",
        unit="people",
    )

    # Webhooks
    ALLOW_UNSIGNED_WEBHOOKS = Setting(False, "Accept webhooks without a signature; for local play only.")
    WEBHOOK_MAX_BYTES = Setting(3 * 1024 * 1024, "Largest webhook body; Meta's is 3 MB.", unit="bytes")
    WEBHOOK_RETRY_SECONDS = Setting(
        60.0, "Pause before a webhook that failed is tried again; doubles up to an hour.", unit="seconds"
    )
    WEBHOOK_INLINE = Setting(
        True,
        "Without Celery: apply webhooks in the web process that took them. False leaves them to whatsapp_worker.",
    )

    WEBHOOK_KEEP_DAYS = Setting(
        30,
        "How long the bodies of applied webhooks are kept; what recognises a redelivery stays for eight days at least.",
        unit="days",
    )
    WEBHOOK_KEEP_TROUBLE_DAYS = Setting(
        90, "How long webhooks are kept that are parked or wait for an account; eight at least.", unit="days"
    )
    WAITING_STATUS_DAYS = Setting(
        7, "How long a status waits for the row of its message before it expires as unmatched.", unit="days"
    )
    WAITING_STATUSES = Setting(
        100_000,
        "How many statuses may wait for the rows of their messages; the oldest go first.",
        unit="rows",
    )

    # Opting out
    OPT_OUT_WORDS: Setting[list[str] | tuple[str, ...]] = Setting(
        opt_out_words.OPT_OUT,
        "What somebody writes, as the whole message, to opt out. Case, accents, spaces and punctuation do not count.",
        types=(list, tuple),
    )
    OPT_IN_WORDS: Setting[list[str] | tuple[str, ...]] = Setting(
        opt_out_words.OPT_IN, "What somebody writes to opt in again.", types=(list, tuple)
    )

    # Files that people send
    FETCH_INBOUND_MEDIA = Setting(
        True, "Fetch the files of inbound messages into the default storage. Meta keeps them for seven days."
    )
    INBOUND_MEDIA_MAX_BYTES = Setting(
        100 * 1024 * 1024, "Largest file that is fetched; Meta passes on up to 100 MB.", unit="bytes"
    )
    INBOUND_MEDIA_RETRY_SECONDS = Setting(
        30.0,
        "Pause before a file that could not be fetched is tried again; doubles up to six hours.",
        unit="seconds",
    )

    # The worker
    WORKER_SECONDS = Setting(1.0, "How often whatsapp_worker looks for due work.", unit="seconds")

    # Secrets
    ENCRYPTION_KEYS: Setting[list[str] | tuple[str, ...]] = Setting(
        [],
        "Keys that encrypt tokens at rest, newest first; by default derived from SECRET_KEY and SECRET_KEY_FALLBACKS.",
        secret=True,
        types=(list, tuple),
    )

    # The dashboard
    DASHBOARD_NAME = Setting("WhatsApp", "Title of the dashboard to come.")
    DASHBOARD_LOGO = Setting("", "Address of the logo of the dashboard to come.")
    LOGIN_URL = Setting("", "Where visitors of the dashboard to come log in; settings.LOGIN_URL when empty.")

    @property
    def USE_CELERY(self) -> bool:  # noqa: N802 - a setting, spelt as such
        """Whether background work goes through Celery (`WHATSAPP_USE_CELERY`, top level)."""
        return bool(getattr(settings, "WHATSAPP_USE_CELERY", False))

    def require(self, name: str) -> str:
        """The text setting `name`; MissingSetting (a ValueError that names the key) when it is empty."""
        value = getattr(self, name)
        if not value:
            raise MissingSetting(name)
        return str(value)


def declared_settings() -> Iterator[Declared]:
    """Every key, in the order of this file."""
    for value in vars(WhatsAppSettings).values():
        if isinstance(value, Setting):
            yield value.declared()


whatsapp_settings = WhatsAppSettings()
