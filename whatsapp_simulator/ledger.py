"""The record of every accepted message: the witness of who was messaged, how often, with which callback token."""

import base64
from collections.abc import Iterable

import orjson

from whatsapp_simulator.http import JSON

Pricing = tuple[str, str, bool]
"""(category, type, billable) of the pricing object."""


_SEQ_DIGITS = 8


def make_wamid(person: str, seq: int, random_bits: int) -> str:
    """A message id of Meta's form: opaque to callers, about 60 characters. It ends with the number of the entry, so
    that the ledger needs no index of a million ids. Received messages have number 0.
    """
    tail = b"%014X%08X" % (random_bits, seq)
    return "wamid." + base64.b64encode(b"\x1d" + person.encode() + b"\x15\x02\x00\x11\x18" + tail).decode()


def seq_of(wamid: str) -> int:
    """The number of the entry inside an id that :func:`make_wamid` made; 0 for any other text."""
    try:
        return int(base64.b64decode(wamid.removeprefix("wamid."), validate=True)[-_SEQ_DIGITS:], 16)
    except ValueError:
        return 0


_statuses: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Every sequence of statuses seen, once: entries share them."""


class Entry:
    """One accepted message. ``body`` is the request as it came, or empty when bodies are not kept.

    ``person`` is the recipient's key in the world: two messages to one person have the same, whether they were
    addressed by number or by user id.
    """

    __slots__ = (
        "_to",
        "answer_dropped",
        "at",
        "body",
        "callback_data",
        "person",
        "phone_number_id",
        "pricing",
        "seq",
        "statuses",
        "template",
        "type",
        "user_id",
        "wa_id",
        "waba_id",
        "wamid",
    )

    def __init__(
        self,
        wamid: str,
        phone_number_id: str,
        waba_id: str,
        to: str,
        wa_id: str,
        user_id: str,
        type: str,  # noqa: A002 - the name of the field
        callback_data: str,
        template: str,
        at: float,
        pricing: Pricing,
        body: bytes,
        person: str,
    ) -> None:
        self.seq = 0
        self.wamid = wamid
        self.phone_number_id = phone_number_id
        self.waba_id = waba_id
        # Most callers write "+" and the wa_id: a million entries need not keep it twice.
        self._to = "" if to == f"+{wa_id}" else to
        self.wa_id = wa_id
        self.user_id = user_id
        self.type = type
        self.callback_data = callback_data
        self.template = template
        self.at = at
        self.pricing = pricing
        self.body = body
        self.person = person
        self.answer_dropped = False
        self.statuses: tuple[str, ...] = ()

    @property
    def to(self) -> str:
        """What the caller wrote as the recipient."""
        return self._to or f"+{self.wa_id}"

    def add_status(self, status: str) -> None:
        """Note that ``status`` was reported."""
        statuses = (*self.statuses, status)
        self.statuses = _statuses.setdefault(statuses, statuses)

    def as_json(self) -> JSON:
        """The entry as the control plane shows it."""
        return {
            "seq": self.seq,
            "wamid": self.wamid,
            "phone_number_id": self.phone_number_id,
            "to": self.to,
            "wa_id": self.wa_id,
            "user_id": self.user_id,
            "type": self.type,
            "callback_data": self.callback_data,
            "template": self.template,
            "body": orjson.loads(self.body) if self.body else None,
            "at": self.at,
            "answer_dropped": self.answer_dropped,
            "statuses": list(self.statuses),
        }


class Ledger:
    """Entries in the order of acceptance; ``seq`` counts from 1."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        entry.seq = len(self._entries)

    def get(self, wamid: str) -> Entry | None:
        """The entry with this id, or ``None``."""
        seq = seq_of(wamid)
        entry = self._entries[seq - 1] if 0 < seq <= len(self._entries) else None
        return entry if entry is not None and entry.wamid == wamid else None

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Up to ``limit`` entries that follow number ``seq``."""
        return self._entries[seq : seq + limit]

    def people(self) -> dict[str, JSON]:
        """Per person: how many messages, with which callback data, and the last status that was reported."""
        return _by_person(self._entries)


def _by_person(entries: Iterable[Entry]) -> dict[str, JSON]:
    people: dict[str, JSON] = {}
    for entry in entries:
        person = people.get(entry.person)
        if person is None:
            person = people[entry.person] = {"count": 0, "callback_data": [], "last_status": ""}
        person["count"] += 1
        person["callback_data"].append(entry.callback_data)
        person["last_status"] = entry.statuses[-1] if entry.statuses else "accepted"
    return people
