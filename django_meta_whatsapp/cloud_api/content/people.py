"""Places, contact cards and reactions (Meta's pages "location", "contacts" and "reaction messages")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised

_CARD_KEYS = ("addresses", "birthday", "emails", "name", "org", "phones", "urls")
_REQUIRED = {"phones": "phone", "emails": "email", "urls": "url"}
_BIRTHDAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Location(Summarised):
    """A place on the map. latitude, longitude: decimal degrees."""

    type: ClassVar[str] = "location"
    latitude: float | str | Decimal
    longitude: float | str | Decimal
    name: str = ""
    address: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        place = {
            "latitude": checks.coordinate("latitude", self.latitude, 90),
            "longitude": checks.coordinate("longitude", self.longitude, 180),
        }
        labels = {"name": self.name, "address": self.address}
        return {**place, **{key: value for key, value in labels.items() if value}}


@dataclass(frozen=True, slots=True)
class Contacts(Summarised):
    """1 to 257 contact cards in Meta's shape.

    cards: `{"name": {"formatted_name": "Asha Rao", …}, "phones": [{"phone", "type"?, "wa_id"?}],
        "emails": [{"email"}], "urls": [{"url"}], "addresses": […], "org": {…}, "birthday": "YYYY-MM-DD"}`;
        only the formatted name is required.
    """

    type: ClassVar[str] = "contacts"
    cards: Sequence[Mapping[str, Any]]

    def payload(self) -> list[JSON]:
        """See `Content.payload`."""
        checks.count("contacts", self.cards, 1, 257)
        return [_card(f"contacts[{number}]", card) for number, card in enumerate(self.cards)]


def _card(field: str, card: Mapping[str, Any]) -> JSON:
    name = checks.mapping(f"{field}.name", checks.mapping(field, card).get("name"))
    if not str(name.get("formatted_name") or "").strip():
        raise checks.invalid(f"{field}.name.formatted_name", "must not be empty")
    for key in card:
        checks.one_of(f"{field} key", key, _CARD_KEYS)
    birthday = card.get("birthday")
    if birthday and not _BIRTHDAY.fullmatch(str(birthday)):
        raise checks.invalid(f"{field}.birthday", "must be a date such as 1990-12-31")
    for key, required in _REQUIRED.items():
        for number, entry in enumerate(card.get(key) or ()):
            if not checks.mapping(f"{field}.{key}[{number}]", entry).get(required):
                raise checks.invalid(f"{field}.{key}[{number}].{required}", "must not be empty")
    return dict(card)


@dataclass(frozen=True, slots=True)
class Reaction(Summarised):
    """A reaction to a message of the last 30 days. An empty `emoji` takes the reaction back."""

    type: ClassVar[str] = "reaction"
    message_id: str
    emoji: str

    def payload(self) -> JSON:
        """See `Content.payload`."""
        return {"message_id": checks.text("message_id", self.message_id), "emoji": self.emoji}
