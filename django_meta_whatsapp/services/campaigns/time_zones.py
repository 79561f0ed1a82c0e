"""In which time zones a phone number may be, by its first digits, from the tables of `phonenumbers`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils import timezone
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

Zones = tuple[str, ...]
_PREFIXES = 50_000


def zones_of(digits: str) -> Zones:
    """The zones of an international number (digits, without +), several where its country has; none for what is no number."""
    return _zones_of(digits[:TIMEZONE_LONGEST_PREFIX])


@lru_cache(maxsize=_PREFIXES)
def _zones_of(prefix: str) -> Zones:
    for length in range(len(prefix), 0, -1):
        found = TIMEZONE_DATA.get(prefix[:length])
        if found:
            return tuple(found)
    return ()


def differing(zones: Sequence[str], at: datetime) -> list[ZoneInfo]:
    """One zone for each time of day that it is in `zones` at that moment, from west to east; ours when there is none."""
    known = [_zone(name) for name in zones] or [_zone(timezone.get_default_timezone_name())]
    by_offset = {at.astimezone(zone).utcoffset(): zone for zone in known}
    return [by_offset[offset] for offset in sorted(by_offset, key=lambda each: each or timedelta())]


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
