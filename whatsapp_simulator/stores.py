"""Records that belong to one endpoint each: uploads, flows, QR codes, what was deleted and edited when.

Times are unix seconds of the simulated clock.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class UploadSession:
    """A resumable upload. ``id`` is without the signature that callers carry in its query string."""

    id: str
    signature: str
    file_type: str
    file_length: int
    content: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class QRCode:
    """A short link of a phone number that opens a chat with a message already written."""

    code: str
    prefilled_message: str


@dataclass(slots=True)
class Flow:
    """A flow of a WABA. ``flow_json`` is the text of its only asset."""

    id: str
    waba_id: str
    name: str
    categories: list[str]
    status: str = "DRAFT"
    endpoint_uri: str = ""
    flow_json: bytes = b""
    validation_errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Stores:
    """Everything here is empty in the default world."""

    deleted_names: dict[tuple[str, str], float] = field(default_factory=dict)
    """(WABA, template name) -> until when the name of a deleted approved template stays locked."""
    template_creations: dict[str, list[float]] = field(default_factory=dict)
    """WABA -> when its latest templates were created."""
    template_edits: dict[str, list[float]] = field(default_factory=dict)
    """Template id -> when it was edited while approved."""
    terms_accepted: set[str] = field(default_factory=set)
    """Portfolios that agreed to the terms of in-app signups."""
    uploads: dict[str, UploadSession] = field(default_factory=dict)
    handles: dict[str, str] = field(default_factory=dict)
    """Handle of a finished resumable upload -> its media type."""
    qr_codes: dict[str, dict[str, QRCode]] = field(default_factory=dict)
    """Phone number id -> code -> QRCode."""
    flows: dict[str, Flow] = field(default_factory=dict)
    block_list_changes: dict[str, int] = field(default_factory=dict)
    """Phone number id -> how often its block list changed."""
