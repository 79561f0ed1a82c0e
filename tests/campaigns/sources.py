"""What a host might name as its resolver or audience providers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from django_meta_whatsapp.errors import InvalidAudience
from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppContact


@dataclass
class Profile:
    mobile: str


@dataclass
class Customer:
    phone: str | None
    name: str
    profile: Profile
    order: int = 7


def resolver(campaign: WhatsAppCampaign) -> list[dict[str, Any]]:
    return [
        {"phone": "+4512345678", "name": "Ann", "params": {"order": campaign.name}},
        {"phone": "9876543210"},
        {"phone": "12"},
    ]


def declining(campaign: WhatsAppCampaign) -> None:
    return None


def broken(*arguments: Any) -> None:
    raise KeyError("customers")


def breaks_halfway(*arguments: Any) -> Iterator[dict[str, Any]]:
    yield {"phone": "+4512345678"}
    raise KeyError("page 2")


def nonsense(campaign: WhatsAppCampaign) -> list[Any]:
    return [{"phone": "+4512345678"}, "Ann"]


def number() -> int:
    return 5


def decimals() -> list[dict[str, Any]]:
    """As a data frame gives numbers and gaps."""
    return [{"phone": 436641234567.0, "name": float("nan")}, {"phone": float("nan"), "name": "Bo"}]


def unstorable(campaign: WhatsAppCampaign) -> list[dict[str, Any]]:
    """Half a surrogate pair, and a NUL."""
    return [{"phone": "+4520123456", "name": "An\ud800n\0", "params": {"order": "A\udc00-\0001"}}]


def gaps(campaign: WhatsAppCampaign) -> list[dict[str, Any]]:
    return [{"phone": "+4520123456", "name": "Ann", "params": {"order": float("nan")}}]


def customers() -> list[Customer]:
    return [
        Customer("9876543210", "Ann", Profile("+4512345678")),
        Customer(None, "Nobody", Profile("+4512345679")),
    ]


def dicts() -> list[dict[str, Any]]:
    return [{"phone": "+4512345678", "name": "Ann", "order": 3, "secret": "x"}]


def contacts_as_customers() -> QuerySet[WhatsAppContact]:
    return WhatsAppContact.objects.all()


def refusing(campaign: WhatsAppCampaign) -> None:
    raise InvalidAudience("audience", "the shop is closed")


def in_city(city: str = "nowhere", at_least: int = 0) -> list[dict[str, Any]]:
    return [{"phone": "+4512345678", "name": f"{city} {at_least}"}]
