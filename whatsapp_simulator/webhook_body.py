"""The bytes of a webhook POST, from the updates that go into it (reference: webhooks, envelope and statuses)."""

import hashlib
import hmac
import itertools
from collections.abc import Iterable

from whatsapp_simulator.http import JSON, dumps
from whatsapp_simulator.outbox import AnyUpdate, StatusUpdate, Update
from whatsapp_simulator.phones import user_id_of
from whatsapp_simulator.state import PhoneNumber
from whatsapp_simulator.world import World

_STATUSES_PER_CHANGE = 20


def signature(secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256``: over the exact bytes of the body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def legacy_signature(secret: str, body: bytes) -> str:
    """The value of the older ``X-Hub-Signature``."""
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def webhook_body(world: World, updates: Iterable[AnyUpdate]) -> bytes:
    """One POST: entries per WABA, changes per field and number, statuses of one number side by side."""
    entries: list[JSON] = []
    for (waba_id, timed), group in itertools.groupby(updates, _entry_key):
        items = list(group)
        entry: JSON = {"id": waba_id}
        if timed:
            entry["time"] = int(items[0].at)
        entry["changes"] = list(_changes(world, items))
        entries.append(entry)
    return dumps({"object": "whatsapp_business_account", "entry": entries})


def _entry_key(update: AnyUpdate) -> tuple[str, bool]:
    return update.waba_id, isinstance(update, Update) and update.field != "messages"


def _changes(world: World, updates: list[AnyUpdate]) -> Iterable[JSON]:
    run: list[JSON] = []
    run_number = ""
    for update in updates:
        if isinstance(update, Update):
            yield from _statuses_change(world, run_number, run)
            run = []
            yield {"field": update.field, "value": update.value}
            continue
        if update.phone_number_id != run_number or len(run) == _STATUSES_PER_CHANGE:
            yield from _statuses_change(world, run_number, run)
            run = []
        run_number = update.phone_number_id
        run.append(_status(update))
    yield from _statuses_change(world, run_number, run)


def _statuses_change(world: World, phone_number_id: str, statuses: list[JSON]) -> Iterable[JSON]:
    if statuses:
        value = {**metadata(world.phone_numbers[phone_number_id]), "statuses": statuses}
        yield {"field": "messages", "value": value}


def metadata(number: PhoneNumber) -> JSON:
    """The first keys of every ``messages`` value."""
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.digits, "phone_number_id": number.id},
    }


def _status(update: StatusUpdate) -> JSON:
    entry = update.entry
    at = int(update.at)
    status: JSON = {"id": entry.wamid, "status": update.status, "timestamp": str(at)}
    if entry.wa_id:
        status["recipient_id"] = entry.wa_id
    status["recipient_user_id"] = entry.user_id or user_id_of(entry.wa_id)
    if entry.callback_data:
        status["biz_opaque_callback_data"] = entry.callback_data
    if update.errors:
        status["errors"] = update.errors
    elif update.status in {"sent", "delivered"}:
        category, kind, billable = entry.pricing
        conversation: JSON = {"id": f"{entry.seq:032x}", "origin": {"type": category}}
        if update.status == "sent":
            conversation["expiration_timestamp"] = str(at + 86400)
        status["conversation"] = conversation
        status["pricing"] = {"billable": billable, "pricing_model": "PMP", "type": kind, "category": category}
    return status
