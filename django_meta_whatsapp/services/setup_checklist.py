"""What is in order with a connected account, what wants a look and what is missing, each with the next step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.setup_facts import Facts, mapping, text

SERVING = ("CONNECTED", "FLAGGED", "RATE_LIMITED")
"""Statuses of a phone number in which Meta lets it send."""
_UNREGISTERED = ("PENDING", "UNVERIFIED", "DISCONNECTED")
_CALLBACK_ORDER = ("phone_number", "whatsapp_business_account", "application")
_CONFIGURATION = "In the Meta app, under WhatsApp, Configuration,"


class Level(StrEnum):
    """MISSING keeps something from working; CHECK works, or cannot be told from here."""

    OK = "ok"
    CHECK = "check"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the checklist. next_step: what to do about it, "" when there is nothing to do."""

    level: Level
    text: str
    next_step: str = ""


def of_numbers(facts: Facts, account: WhatsAppAccount) -> Iterator[Finding]:
    """The token, the number and the WhatsApp business account, as Meta sees them."""
    yield _token(facts)
    yield _status(facts)
    yield _standing(account)
    yield _review(facts)
    yield from _health(facts)
    if not account.is_active:
        yield Finding(Level.CHECK, "The account is switched off here.", "Switch it on in the admin.")
    yield _templates(facts)


def of_webhooks(account: WhatsAppAccount, addresses: dict[str, str]) -> Iterator[Finding]:
    """Whether webhooks come here and are believed. addresses: see `Facts.callbacks`."""
    address = next((addresses[level] for level in _CALLBACK_ORDER if addresses.get(level)), "")
    yield _callback(address)
    yield _app_secret(account)
    yield _verify_token(address)


def _token(facts: Facts) -> Finding:
    if facts.token is None:
        step = "Look at it in Meta's access token debugger."
        return Finding(Level.CHECK, "Meta does not let this token be inspected.", step)
    expires_at = facts.token.get("expires_at") or 0
    if not expires_at:
        return Finding(Level.OK, "The token is valid, has both permissions and does not expire.")
    day = datetime.fromtimestamp(expires_at, UTC).date().isoformat()
    step = "Make a permanent one in the business settings, System users."
    return Finding(Level.CHECK, f"The token is valid until {day}.", step)


def _status(facts: Facts) -> Finding:
    number = facts.number
    shown = f"{text(number.get('display_phone_number'))} ({text(number.get('verified_name'))})"
    status = text(number.get("status"))
    if status in _UNREGISTERED or number.get("platform_type") == "NOT_APPLICABLE":
        step = "Call utils.register_phone_number(pin)."
        if number.get("code_verification_status") != "VERIFIED":
            step = f"Prove that it is yours: utils.request_verification_code, then utils.verify_code. {step}"
        return Finding(Level.MISSING, f"{shown} is not registered for the Cloud API: {status}.", step)
    if status == "CONNECTED":
        return Finding(Level.OK, f"{shown} is connected.")
    if status in SERVING or not status:
        return Finding(
            Level.CHECK, f"{shown} has the status {status or 'unknown'}.", "Look into WhatsApp Manager."
        )
    return Finding(
        Level.MISSING, f"{shown} cannot send: {status}.", "Look into WhatsApp Manager, Account quality."
    )


def _standing(account: WhatsAppAccount) -> Finding:
    limit = f" Messaging limit: {account.messaging_limit}." if account.messaging_limit else ""
    told = f"Quality: {account.get_quality_rating_display().lower()}. {account.throughput:,} messages a second.{limit}"
    if account.quality_rating in ("RED", "YELLOW"):
        return Finding(Level.CHECK, told, "See in WhatsApp Manager which templates people block or report.")
    return Finding(Level.OK, told)


def _review(facts: Facts) -> Finding:
    name, review = text(facts.waba.get("name")), text(facts.waba.get("account_review_status"))
    if review == "APPROVED":
        return Finding(Level.OK, f"The WhatsApp business account {name} is approved.")
    level = Level.MISSING if review == "REJECTED" else Level.CHECK
    told = f"The WhatsApp business account {name} is not approved: review {review.lower() or 'unknown'}."
    return Finding(level, told, "Look into the business settings, WhatsApp accounts.")


def _health(facts: Facts) -> Iterator[Finding]:
    """What Meta says against sending, except that the number is not registered, which `_status` has told."""
    for entity in facts.health:
        kind, verdict = text(entity.get("entity_type")), text(entity.get("can_send_message"))
        told_already = kind == "PHONE_NUMBER" and text(facts.number.get("status")) not in SERVING
        if verdict in ("", "AVAILABLE") or told_already:
            continue
        errors = [mapping(error) for error in entity.get("errors") or []]
        why = [text(error.get("error_description")) for error in errors]
        why += [text(info) for info in entity.get("additional_info") or []]
        steps = [text(error.get("possible_solution")) for error in errors]
        level = Level.MISSING if verdict == "BLOCKED" else Level.CHECK
        what = kind.replace("_", " ").lower()
        yield Finding(level, f"Sending is {verdict.lower()} by the {what}: {' '.join(why)}", " ".join(steps))


def _templates(facts: Facts) -> Finding:
    count, approved = sum(facts.templates.values()), facts.templates.get("APPROVED", 0)
    told = f"Templates: {count}, of them approved: {approved}."
    if approved:
        return Finding(Level.OK, told)
    step = "Only approved templates reach people who have not written in the last 24 hours: create one."
    return Finding(Level.CHECK, told, step)


def _callback(address: str) -> Finding:
    try:
        path = reverse("django_meta_whatsapp:webhook")
    except NoReverseMatch:
        step = 'Add path("whatsapp/", include("django_meta_whatsapp.urls")) to the URLconf.'
        return Finding(Level.MISSING, "This project does not serve the webhook.", step)
    wanted = f"https://<your site>{path}"
    if not address:
        step = f"{_CONFIGURATION} enter {wanted} and your VERIFY_TOKEN, and tick the fields. Start with messages."
        return Finding(Level.MISSING, "Meta has no address for webhooks.", step)
    if not urlsplit(address).path.endswith(path):
        step = f"This project's address is {wanted}: unless a proxy translates, change it at Meta."
        return Finding(Level.CHECK, f"Webhooks go to {address}.", step)
    return Finding(Level.OK, f"Webhooks go to {address}.")


def _app_secret(account: WhatsAppAccount) -> Finding:
    if account.app_secret or whatsapp_settings.APP_SECRET:
        return Finding(Level.OK, "The app secret is set: webhooks are checked for Meta's signature.")
    step = 'Copy it from the Meta app, App settings, Basic, into WHATSAPP["APP_SECRET"].'
    if whatsapp_settings.ALLOW_UNSIGNED_WEBHOOKS:
        return Finding(Level.CHECK, "The app secret is missing: anybody can post webhooks.", step)
    return Finding(Level.MISSING, "The app secret is missing: every webhook is refused.", step)


def _verify_token(address: str) -> Finding:
    if whatsapp_settings.VERIFY_TOKEN:
        return Finding(Level.OK, "The verify token is set.")
    step = 'Set WHATSAPP["VERIFY_TOKEN"] to a word of your own, and enter the same at Meta.'
    if address:
        return Finding(
            Level.CHECK, "The verify token is missing: Meta cannot verify the address again.", step
        )
    return Finding(
        Level.MISSING, "The verify token is missing: Meta cannot verify the webhook's address.", step
    )
