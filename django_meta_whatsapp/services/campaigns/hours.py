"""At which hours of their own day people are messaged: inside the send window, outside the quiet hours.

A campaign's own hours come before those of the settings. Whoever's number fits several time zones is messaged when it is allowed
in all of them, or, where there is no such time, when it is in the middle one.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.models.hours import DAY, Spans, spans
from django_meta_whatsapp.services.campaigns.time_zones import Zones, differing, zones_of


class Hours(Spans):
    """Hours, by the clock of each person."""

    __slots__ = ()

    def opening(self, zones: Sequence[str], now: datetime) -> datetime | None:
        """When somebody in `zones` may be messaged; None: now."""
        there = differing(zones, now)
        for places in (there, [there[len(there) // 2]]):
            moments = sorted({now, *(at for place in places for at in self._starts(place, now))})
            for moment in moments:
                if moment >= now and all(self._allow_at(place, moment) for place in places):
                    return None if moment == now else moment
        return None  # there is no such time, which `hours_of` has refused

    def _allow_at(self, place: ZoneInfo, moment: datetime) -> bool:
        local = moment.astimezone(place)
        return self.allow(local.hour * 60 + local.minute)

    def _starts(self, place: ZoneInfo, now: datetime) -> Iterable[datetime]:
        """The moments of the next days at which something begins to be allowed there."""
        today = now.astimezone(place).date()
        minutes = {self.window.start} if self.window else set()
        minutes |= {self.quiet.end % DAY} if self.quiet else set()
        for day in range(3):
            for minute in minutes:
                yield from _moments(today + timedelta(days=day), minute, place)


def _moments(day: date, minute: int, place: ZoneInfo) -> set[datetime]:
    """When a clock there shows that minute: twice in the hour that summer time repeats. Where it skips an hour, one moment that
    was meant, and one that is looked at in vain."""
    local = datetime.combine(day, time(minute // 60, minute % 60), place)
    return {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


def hours(send_window: str, quiet_hours: str) -> Hours:
    """Checked hours; empty texts take those of the settings. Raises InvalidInput for a wrong form, and for no hour left."""
    found = spans(send_window, quiet_hours)
    return Hours(found.window, found.quiet)


def hours_of(campaign: WhatsAppCampaign) -> Hours:
    """The hours of a campaign."""
    return hours(campaign.send_window, campaign.quiet_hours)


def closed(allowed: Hours, people: Iterable[tuple[int, str]], now: datetime) -> dict[datetime, list[int]]:
    """people: keys and numbers (digits, or empty). The keys of those who must not be messaged now, by the moment from
    which they may. No query.
    """
    if allowed.unlimited:
        return {}
    openings: dict[Zones, datetime | None] = {}
    postponed: dict[datetime, list[int]] = {}
    for key, digits in people:
        zones = zones_of(digits)
        if zones not in openings:
            openings[zones] = allowed.opening(zones, now)
        opening = openings[zones]
        if opening is not None:
            postponed.setdefault(opening, []).append(key)
    return postponed
