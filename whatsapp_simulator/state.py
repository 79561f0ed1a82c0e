"""The things that live in the simulated world. Plain records: who may do what with them is said elsewhere.

All times are unix seconds of the simulated clock.
"""

from dataclasses import dataclass, field
from typing import Any

MESSAGING = "whatsapp_business_messaging"
MANAGEMENT = "whatsapp_business_management"
CATALOG = "catalog_management"
ALL_PERMISSIONS = frozenset({MESSAGING, MANAGEMENT, CATALOG})


@dataclass(slots=True)
class Token:
    """An access token. ``waba_ids`` of ``None`` means every WABA; ``expires_at`` of 0 means never."""

    value: str
    app_id: str
    waba_ids: frozenset[str] | None = None
    permissions: frozenset[str] = ALL_PERMISSIONS
    revoked: bool = False
    expires_at: float = 0.0

    def sees(self, waba_id: str) -> bool:
        """May this token use an asset of ``waba_id`` ("" belongs to nobody in particular)?"""
        return not waba_id or self.waba_ids is None or waba_id in self.waba_ids


@dataclass(slots=True)
class Portfolio:
    """A business portfolio: messaging limits and business-scoped user ids hang on it."""

    id: str
    name: str = "Sample Shop"
    messaging_limit: str = "TIER_UNLIMITED"


@dataclass(slots=True)
class Waba:
    """A WhatsApp Business Account. Without ``subscribed`` no webhook of it is ever posted."""

    id: str
    portfolio_id: str
    name: str = "Sample Shop"
    currency: str = "USD"
    subscribed: bool = True
    override_callback_uri: str = ""
    override_verify_token: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class PhoneNumber:
    """A business phone number. ``digits`` is the international number, ``throughput`` messages a second."""

    id: str
    waba_id: str
    display_phone_number: str
    digits: str
    country_code: str = "1"
    verified_name: str = "Sample Shop"
    throughput: int = 80
    quality: str = "GREEN"
    status: str = "CONNECTED"
    override_callback_uri: str = ""
    override_verify_token: str = ""
    blocked: dict[str, float] = field(default_factory=dict)
    """wa_id -> when it was blocked (the block list of this number, in order)."""
    details: dict[str, Any] = field(default_factory=dict)
    """Anything else that reads of the number return (profile, commerce settings, pin ...)."""


@dataclass(slots=True)
class Person:
    """A WhatsApp user of whom something is known. Everybody else is on WhatsApp and has never written."""

    wa_id: str
    name: str = ""
    user_id: str = ""
    on_whatsapp: bool = True
    blocks_business: bool = False
    opted_out_of: set[str] = field(default_factory=set)
    """WABAs whose marketing this person has stopped."""
    last_inbound: dict[str, float] = field(default_factory=dict)
    """Business phone number id -> when this person last wrote to it (opens the 24-hour window)."""


@dataclass(slots=True)
class Media:
    """An uploaded (or received) file, scoped to one business phone number."""

    id: str
    phone_number_id: str
    mime_type: str
    content: bytes
    sha256: str
    filename: str = ""
    created_at: float = 0.0
    expires_at: float = 0.0
    urls: dict[str, float] = field(default_factory=dict)
    """Secret part of a download URL -> until when it works."""


@dataclass(slots=True)
class Template:
    """One language version of a message template, components as they were created."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str
    status: str
    components: list[dict[str, Any]]
    parameter_format: str = "POSITIONAL"
    quality: str = "UNKNOWN"
    held: bool = False
    """Pacing: sends are answered with ``held_for_quality_assessment`` while this is set."""
    created_at: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    shape: Any = None
    """What a send must supply; worked out on the first send, reset to ``None`` when components change."""


@dataclass(slots=True)
class Signup:
    """An in-app signup (marketing opt-in link) of a WABA; ``fields`` holds what reads return."""

    id: str
    waba_id: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Catalog:
    """A commerce catalog; products by retailer id, in order."""

    id: str
    waba_id: str
    name: str = "Sample catalog"
    products: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """What an id stands for: ``kind`` is the name of a route's placeholder without ``_id``."""

    kind: str
    waba_id: str


def digits_of(text: str) -> str:
    """Only the ASCII digits of ``text``."""
    return "".join(letter for letter in text if letter in "0123456789")
