"""What happens to a message once it is accepted: its ledger entry, and the statuses that webhooks will tell."""

from typing import NamedTuple

from whatsapp_simulator.errors import webhook_error
from whatsapp_simulator.ledger import Entry, Pricing
from whatsapp_simulator.outbox import StatusUpdate
from whatsapp_simulator.phones import is_us
from whatsapp_simulator.recipients import Recipient
from whatsapp_simulator.state import PhoneNumber, Template
from whatsapp_simulator.world import World

_SERVICE: Pricing = ("service", "free_customer_service", False)
_FREE_UTILITY: Pricing = ("utility", "free_customer_service", False)

Failure = tuple[int, str]


class Acceptance(NamedTuple):
    """A checked send. ``late_failure`` was found by validation but is told by webhook only."""

    number: PhoneNumber
    recipient: Recipient
    type: str
    callback_data: str
    template: Template | None
    late_failure: Failure | None
    body: bytes
    voice: bool = False


def accept(world: World, send: Acceptance) -> Entry:
    """Write the message into the ledger and schedule its statuses (held templates: when they are released)."""
    recipient, number, template = send.recipient, send.number, send.template
    known = world.people.get(recipient.person)
    entry = Entry(
        world.new_wamid(recipient.person, len(world.ledger) + 1),
        number.id,
        number.waba_id,
        recipient.given,
        recipient.wa_id,
        recipient.user_id or (known.user_id if known else ""),
        send.type,
        send.callback_data,
        template.name if template else "",
        world.clock.now(),
        _pricing(world, number, recipient.person, template),
        send.body,
        recipient.person,
    )
    world.ledger.add(entry)
    failure = send.late_failure or _failure(world, send)
    if template is not None and template.held and failure is None:
        world.held.setdefault(template.id, []).append(entry)
    else:
        schedule_fate(world, entry, failure, voice=send.voice)
    return entry


def _pricing(world: World, number: PhoneNumber, person: str, template: Template | None) -> Pricing:
    if template is None:
        return _SERVICE
    if template.category == "UTILITY" and world.window_open(number, person):
        return _FREE_UTILITY
    return template.category.lower(), "regular", True


def _failure(world: World, send: Acceptance) -> Failure | None:
    """Why Meta will not deliver this message, or ``None``."""
    template, key = send.template, send.recipient.person
    person = world.people.get(key)
    if person is not None and not person.on_whatsapp:
        return 131026, "Message could not be delivered to this recipient."
    if template is None:
        if not world.window_open(send.number, key):
            return (
                131047,
                "More than 24 hours have passed since the recipient last replied to the sender number.",
            )
    elif template.category == "MARKETING":
        if person is not None and send.number.waba_id in person.opted_out_of:
            return 131050, "The recipient has stopped marketing messages of this business."
        if is_us(key):
            return 131049, "Marketing messages are not delivered to recipients in the United States."
    config = world.outbox.config
    if config.fail_share and world.random.random() < config.fail_share:
        return config.fail_code, "The control plane ordered a share of failures."
    return None


def schedule_fate(world: World, entry: Entry, failure: Failure | None, *, voice: bool = False) -> None:
    """Schedule the statuses of ``entry``: failed, or sent, delivered, read (by ``read_share``), played (``voice``)."""
    outbox = world.outbox
    config = outbox.config
    if failure is not None:
        delay = world.random.uniform(*config.delay)
        errors = [webhook_error(*failure)]
        outbox.schedule(StatusUpdate(entry, "failed", world.clock.now() + delay, errors), delay)
        return
    due, spread = 0.0, config.delay[1] > 0
    now = world.clock.now()
    for status in _steps(world, entry, voice):
        if spread:
            due += world.random.uniform(*config.delay)
        jitter = world.random.uniform(0, config.delay[1]) if config.reorder and spread else 0.0
        outbox.schedule(StatusUpdate(entry, status, now + due), due + jitter)


def _steps(world: World, entry: Entry, voice: bool) -> tuple[str, ...]:
    person = world.people.get(entry.person)
    if person is not None and person.blocks_business:
        return ("sent",)
    if entry.type == "reaction":
        return ("sent",)
    share = world.outbox.config.read_share
    if share >= 1 or (share > 0 and world.random.random() < share):
        return ("sent", "delivered", "read", "played") if voice else ("sent", "delivered", "read")
    return ("sent", "delivered")


def release_held(world: World, template: Template) -> int:
    """End the pacing of a template: held messages go out, or fail with 132015 if it is no longer approved."""
    template.held = False
    failure = (
        None if template.status == "APPROVED" else (132015, "The template was paused because of its quality.")
    )
    entries = world.held.pop(template.id, [])
    for entry in entries:
        schedule_fate(world, entry, failure)
    return len(entries)
