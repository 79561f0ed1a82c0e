"""System checks: what is wrong in the settings is told by `manage.py check`, with the id to silence it by.

E001 WHATSAPP is no dict · E002 wrong type · E003 wrong value · E004 SEND_DEADLINE · E005 LEASE_SECONDS · E006 a dotted path
· E007 AUDIENCES · E008 Celery is not installed · E009 USE_TZ is off · E010 CONTACT_FILTERS
· E011 redis is not installed · E012 SEND_WINDOW and QUIET_HOURS
W001 missing key · W002 unknown key · W003 alias · W004 name of an earlier system · W005 no APP_SECRET · W009 resend
With `--deploy`: W006 unsigned webhooks · W007 plain HTTP · W008 keys derived from SECRET_KEY

No check asks the database, unless it is named: `manage.py check --database default`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connections, router
from django.utils.module_loading import import_string

from django_meta_whatsapp.conf import (
    ALIASES,
    Declared,
    configured,
    declared_settings,
    fits,
    whatsapp_settings,
)
from django_meta_whatsapp.errors import InvalidInput, InvalidSetting
from django_meta_whatsapp.models import WhatsAppAccount, audiences
from django_meta_whatsapp.services import segments
from django_meta_whatsapp.services.campaigns.hours import hours

TAG = "django_meta_whatsapp"
_CREDENTIALS = ("ACCESS_TOKEN", "PHONE_NUMBER_ID", "WABA_ID")
_OF_A_NUMBER = {"PHONE_NUMBER_ID", "WABA_ID"}
"""Who sets one of these speaks through the settings; token and secret alone may be there for accounts to share."""

EARLIER_NAMES = {
    "META_WA_ACCESS_TOKEN": "ACCESS_TOKEN",
    "META_WA_PHONE_NUMBER_ID": "PHONE_NUMBER_ID",
    "META_WABA_ID": "WABA_ID",
    "META_WA_VERIFY_TOKEN": "VERIFY_TOKEN",
    "META_WHATSAPP_DASHBOARD_NAME": "DASHBOARD_NAME",
    "META_WHATSAPP_DASHBOARD_LOGO": "DASHBOARD_LOGO",
    "META_WHATSAPP_DASHBOARD_ICON": "DASHBOARD_LOGO",
    "META_WHATSAPP_ACCENT_COLOR": "",
    "WHATSAPP_API_TOKEN": "ACCESS_TOKEN",
    "WHATSAPP_PHONE_NUMBER_ID": "PHONE_NUMBER_ID",
    "WHATSAPP_WEBHOOK_VERIFY_TOKEN": "VERIFY_TOKEN",
    "WHATSAPP_DASHBOARD_NAME": "DASHBOARD_NAME",
    "WHATSAPP_DASHBOARD_LOGO": "DASHBOARD_LOGO",
}
"""Settings of an earlier system, which nothing reads any more, and the key that says the same ("": none does)."""

_FORMS: dict[str, tuple[Callable[[Any], object], str]] = {
    "GRAPH_API_VERSION": (re.compile(r"v[0-9]+\.[0-9]+").fullmatch, 'Write it like "v22.0".'),
    "GRAPH_BASE_URL": (
        lambda url: urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname,
        "Write an address that begins with https://.",
    ),
    "DEFAULT_COUNTRY_CODE": (
        re.compile(r"\+?[1-9][0-9]{0,2}").fullmatch,
        'Write the digits of a country code, such as "91".',
    ),
    "PAUSE_ON_QUALITY": (lambda rating: rating in ("RED", "YELLOW", ""), 'Write "RED", "YELLOW" or "".'),
    "UNKNOWN_POLICY": (lambda policy: policy in ("ask", "resend"), 'Write "ask" or "resend".'),
    "HEADROOM": (lambda percent: percent <= 90, "Write a number from 0 to 90."),
    "REDIS_URL": (
        re.compile(r"(rediss?://.+|unix://.+)?").fullmatch,
        "Write an address that begins with redis://, rediss:// or unix://.",
    ),
}
"""What a text must look like, and what to do when it does not."""

_MAY_BE_ZERO = ("RUN_MAX_WAIT", "REPLY_MAX_WAIT", "HEADROOM", "MESSAGING_LIMIT", "FREQUENCY_CAP")


def connect() -> None:
    """Registers the checks. Doing it twice changes nothing."""
    register(check_settings, TAG)
    register(check_credentials, TAG)
    register(check_accounts, Tags.database)
    register(check_deployment, TAG, deploy=True)


def _message(number: str, text: str, hint: str = "") -> CheckMessage:
    kind = checks.Error if number.startswith("E") else checks.Warning
    return kind(text, hint=hint or None, id=f"{TAG}.{number}")


def check_settings(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """The `WHATSAPP` dict: its keys, their types and their values."""
    given = getattr(settings, "WHATSAPP", None) or {}
    if not isinstance(given, Mapping):
        return [_message("E001", "WHATSAPP is not a dict.", 'Write WHATSAPP = {"ACCESS_TOKEN": …}.')]
    wrong = list(_wrong_values())
    names = [*_strange_keys(given), *_earlier_names()]
    # Rules between values are for values that can be read.
    rules = [] if wrong else [message for rule in _RULES for message in rule()]
    return [*names, *wrong, *rules]


def _strange_keys(given: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    known = {declared.name for declared in declared_settings()}
    for key in given:
        if key in ALIASES:
            yield _message("W003", f'WHATSAPP["{key}"] is an old spelling.', f'Write "{ALIASES[key]}".')
        elif key not in known:
            close = get_close_matches(str(key).upper(), known, n=1)
            hint = f'Did you mean "{close[0]}"?' if close else "Nothing reads it: take it out."
            yield _message("W002", f'WHATSAPP["{key}"] is unknown.', hint)


def _earlier_names() -> Iterator[CheckMessage]:
    for name, key in EARLIER_NAMES.items():
        if hasattr(settings, name):
            hint = f'Write WHATSAPP["{key}"].' if key else "Take it out: it has no successor."
            yield _message("W004", f"The setting {name} is not read.", hint)


def _wrong_values() -> Iterator[CheckMessage]:
    values = configured()
    for declared in declared_settings():
        if declared.name in values:
            yield from _wrong_value(declared, values[declared.name])


def _wrong_value(declared: Declared, value: Any) -> Iterator[CheckMessage]:
    if not fits(value, declared.types):
        try:
            getattr(whatsapp_settings, declared.name)
        except InvalidSetting as error:
            yield _message("E002", str(error))
        return
    looks_right, hint = _FORMS.get(declared.name, (None, ""))
    if looks_right and not looks_right(value):
        yield _message("E003", f'WHATSAPP["{declared.name}"]: {value!r} cannot be used.', hint)
    lowest = 0 if declared.name in _MAY_BE_ZERO else 1e-9
    if declared.unit and value < lowest:
        yield _message(
            "E003", f'WHATSAPP["{declared.name}"]: {value!r} cannot be used.', "Write a higher number."
        )


def _wrong_times() -> Iterator[CheckMessage]:
    request, deadline = whatsapp_settings.REQUEST_TIMEOUT, whatsapp_settings.SEND_DEADLINE
    if request <= whatsapp_settings.CONNECT_TIMEOUT:
        yield _message(
            "E003",
            f'WHATSAPP["CONNECT_TIMEOUT"] is not below REQUEST_TIMEOUT ({request}).',
            "Only a call that runs out of time while it connects is known not to have been sent.",
        )
    if deadline <= request:
        yield _message(
            "E004",
            f'WHATSAPP["SEND_DEADLINE"] ({deadline}) is not above REQUEST_TIMEOUT ({request}).',
            "A call that is still under way must not count as given up.",
        )
    if deadline + request > whatsapp_settings.LEASE_SECONDS:
        yield _message(
            "E005",
            f'WHATSAPP["LEASE_SECONDS"] is below SEND_DEADLINE + REQUEST_TIMEOUT ({deadline + request}).',
            "Else messages of unknown outcome are reported while their call is under way.",
        )


def _wrong_audiences() -> Iterator[CheckMessage]:
    resolver = whatsapp_settings.CAMPAIGN_RESOLVER
    if resolver:
        yield from _wrong_path('WHATSAPP["CAMPAIGN_RESOLVER"]', resolver)
    for name, given in whatsapp_settings.AUDIENCES.items():
        where = f'WHATSAPP["AUDIENCES"]["{name}"]'
        try:
            provider = audiences.provider(name)
        except InvalidSetting as error:
            known = ", ".join(audiences.PROVIDER_KEYS)
            yield _message("E007", f"{where}: {error.why}", f"Write a dotted path, or a dict of: {known}.")
        else:
            yield from _wrong_path(where, provider.path if provider else "")
        unknown = (
            sorted(set(map(str, given)) - set(audiences.PROVIDER_KEYS)) if isinstance(given, Mapping) else []
        )
        if unknown:
            known = ", ".join(audiences.PROVIDER_KEYS)
            yield _message("E007", f"{where}: {', '.join(unknown)} unknown.", f"Known: {known}.")


def _wrong_filters() -> Iterator[CheckMessage]:
    for label in whatsapp_settings.CONTACT_FILTERS:
        try:
            segments.ready_made(label)
        except InvalidSetting as error:
            yield _message("E010", str(error), "See the filters in docs/campaigns.md.")


def _wrong_hours() -> Iterator[CheckMessage]:
    try:
        hours("", "")
    except InvalidInput as error:
        text = f'WHATSAPP["SEND_WINDOW"] and WHATSAPP["QUIET_HOURS"]: {error}'
        yield _message("E012", text, "Write hours like 09:00-18:00.")


def _wrong_path(where: str, path: str) -> Iterator[CheckMessage]:
    try:
        found = import_string(path)
    except ImportError as error:
        yield _message("E006", f"{where}: {path!r} cannot be imported.", str(error))
        return
    if not callable(found):
        yield _message("E006", f"{where}: {path!r} is no function.")


def _celery() -> Iterator[CheckMessage]:
    if whatsapp_settings.USE_CELERY and find_spec("celery") is None:
        hint = "pip install django-meta-whatsapp[celery]"
        yield _message("E008", "WHATSAPP_USE_CELERY is on and Celery is not installed.", hint)


def _redis() -> Iterator[CheckMessage]:
    if whatsapp_settings.REDIS_URL and find_spec("redis") is None:
        hint = "pip install django-meta-whatsapp[redis]"
        yield _message("E011", 'WHATSAPP["REDIS_URL"] is set and the package redis is not installed.', hint)


def _time_zones() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        yield _message("E009", "USE_TZ is off, and Meta's times have a time zone.", "Set USE_TZ = True.")


def _resend() -> Iterator[CheckMessage]:
    if whatsapp_settings.UNKNOWN_POLICY == "resend":
        hours = whatsapp_settings.UNKNOWN_QUIET_SECONDS / 3600
        yield _message(
            "W009",
            f'WHATSAPP["UNKNOWN_POLICY"] is "resend": whose status is later than {hours:g} hours, gets two messages.',
            'Meta tries webhooks for up to 7 days. Silence this check when you accept that, or write "ask".',
        )


_RULES = (_wrong_times, _wrong_audiences, _wrong_filters, _wrong_hours, _celery, _redis, _time_zones, _resend)


def check_credentials(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """Whether settings that name a number or a business account can speak for it."""
    given = _given()
    return _missing(given) if given & _OF_A_NUMBER else []


def check_accounts(
    app_configs: object, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whether accounts bring what the settings leave to them; for those who name a database."""
    given = _given()
    stored = None if given & _OF_A_NUMBER or not _readable() else _stored(databases)
    return [] if stored is None else _missing(given | stored)


def _given() -> set[str]:
    """The keys that the settings bring, as far as they can be read."""
    if not _readable():
        return set()
    return {name for name in (*_CREDENTIALS, "APP_SECRET") if getattr(whatsapp_settings, name)}


def _missing(there: set[str]) -> list[CheckMessage]:
    hint = "Set it, or connect an account with manage.py whatsapp_setup."
    found = [
        _message("W001", f'WHATSAPP["{name}"] is missing.', hint)
        for name in _CREDENTIALS
        if name not in there
    ]
    if "APP_SECRET" not in there and not whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS:
        text = 'WHATSAPP["APP_SECRET"] is missing: every webhook is refused.'
        found.append(_message("W005", text, "Copy it from the Meta app: App settings, Basic."))
    return found


def _readable() -> bool:
    """Whether the settings are free of errors that `check_settings` tells."""
    given = getattr(settings, "WHATSAPP", None) or {}
    return isinstance(given, Mapping) and not any(_wrong_values())


def _stored(databases: Sequence[str] | None) -> set[str] | None:
    """The keys that some account brings; None when our database is not named, or has no tables yet."""
    alias = router.db_for_read(WhatsAppAccount)
    if alias not in (databases or ()):
        return None
    if WhatsAppAccount._meta.db_table not in connections[alias].introspection.table_names():
        return None
    rows = WhatsAppAccount.objects.using(alias).filter(is_active=True)
    keys = (*_CREDENTIALS, "APP_SECRET")
    return {key for key in keys if rows.exclude(**{key.lower(): ""}).exists()}


def check_deployment(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """What is right at a desk and wrong in production."""
    if not _readable():
        return []
    found = []
    if whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS:
        text = 'WHATSAPP["ALLOW_UNSIGNED_WEBHOOKS"] is on: anybody can write into your inbox.'
        found.append(_message("W006", text, "Set APP_SECRET and switch it off."))
    if urlsplit(whatsapp_settings.GRAPH_BASE_URL).scheme == "http":
        text = 'WHATSAPP["GRAPH_BASE_URL"] is plain HTTP: the access token travels in clear.'
        found.append(_message("W007", text, "Use https://graph.facebook.com."))
    if not whatsapp_settings.ENCRYPTION_KEYS:
        text = 'WHATSAPP["ENCRYPTION_KEYS"] is empty: tokens are encrypted with a key made of SECRET_KEY.'
        found.append(_message("W008", text, "Set keys of their own; keep old ones behind the new."))
    return found
