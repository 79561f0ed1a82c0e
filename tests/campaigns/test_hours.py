"""Quiet hours and send window go by the clock on each person's wall."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models.hours import Span, span
from django_meta_whatsapp.services.campaigns.hours import Hours, closed, hours
from django_meta_whatsapp.services.campaigns.time_zones import zones_of

OFFICE = Hours(window=Span(9 * 60, 18 * 60))
NIGHT = Hours(quiet=Span(21 * 60, 8 * 60))


def at(hour: int, minute: int = 0, *, day: int = 3, zone: str = "UTC") -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("digits", "zone"),
    [
        ("4512345678", "Europe/Copenhagen"),
        ("919876543210", "Asia/Calcutta"),
        ("12125551234", "America/New_York"),
        ("13105551234", "America/Los_Angeles"),
        ("61298765432", "Australia/Sydney"),
    ],
)
def test_a_number_tells_its_time_zone(digits: str, zone: str) -> None:
    assert zones_of(digits) == (zone,)


def test_what_is_no_number_has_no_zone() -> None:
    assert zones_of("") == ()
    assert zones_of("0") == ()


@pytest.mark.parametrize(
    ("allowed", "now", "opens"),
    [
        (OFFICE, at(8, 59), at(9)),
        (OFFICE, at(9), None),
        (OFFICE, at(17, 59), None),
        (OFFICE, at(18), at(9, day=4)),
        (NIGHT, at(20, 59), None),
        (NIGHT, at(21), at(8, day=4)),
        (NIGHT, at(3), at(8)),
        (NIGHT, at(8), None),
        (Hours(Span(20 * 60, 23 * 60), Span(21 * 60, 8 * 60)), at(21, 30), at(20, day=4)),
        (Hours(Span(7 * 60, 12 * 60), Span(21 * 60, 8 * 60)), at(7, 30), at(8)),
        (Hours(), at(3), None),
    ],
)
def test_a_closed_hour_ends_with_the_next_opening(
    allowed: Hours, now: datetime, opens: datetime | None
) -> None:
    assert allowed.opening(["Etc/UTC"], now) == opens


def test_each_person_is_messaged_by_the_clock_of_their_own_country() -> None:
    people = [(1, "4512345678"), (2, "12125551234"), (3, "819012345678")]
    postponed = closed(OFFICE, people, at(10))  # 11:00, 05:00 and 19:00
    assert postponed == {
        at(9, zone="America/New_York").astimezone(UTC): [2],
        at(9, day=4, zone="Asia/Tokyo").astimezone(UTC): [3],
    }


def test_without_a_limit_nobody_is_looked_at() -> None:
    assert closed(Hours(), iter([None]), at(10)) == {}  # type: ignore[list-item]


def test_a_number_of_several_zones_waits_until_it_is_allowed_in_all_of_them() -> None:
    zones = ["America/New_York", "America/Los_Angeles"]
    assert OFFICE.opening(zones, at(15)) == at(9, zone="America/Los_Angeles")
    assert OFFICE.opening(zones, at(18)) is None


def test_zones_that_share_no_allowed_hour_go_by_the_one_in_the_middle() -> None:
    zones = ["Pacific/Honolulu", "Europe/Berlin", "Asia/Tokyo"]
    assert OFFICE.opening(zones, at(9, zone="Europe/Berlin")) is None


@pytest.mark.parametrize(("day", "offset"), [(27, 1), (30, 2)])
def test_summer_time_moves_the_opening_with_the_wall_clock(day: int, offset: int) -> None:
    opening = OFFICE.opening(["Europe/Copenhagen"], datetime(2026, 3, day, 1, tzinfo=UTC))
    assert opening == datetime(2026, 3, day, 9 - offset, tzinfo=UTC)


@pytest.mark.parametrize("end", [0, 60, 90, 119, 120, 180])
@pytest.mark.parametrize(
    ("place", "day"),
    [
        ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    ],
)
def test_the_hour_that_summer_time_repeats_is_two_hours(place: str, day: datetime, end: int) -> None:
    allowed = Hours(quiet=Span(21 * 60, end))
    zone = ZoneInfo(place)
    minutes = [day.replace(tzinfo=zone).astimezone(UTC) + timedelta(minutes=n) for n in range(8 * 60)]
    local = [minute.astimezone(zone) for minute in minutes]
    is_open = [allowed.allow(each.hour * 60 + each.minute) for each in local]
    for n, minute in enumerate(minutes):
        first = minutes[is_open.index(True, n)]
        assert allowed.opening([place], minute) == (None if first == minute else first)


@pytest.mark.parametrize("text", ["always", "never", "", "Always"])
def test_no_limit_is_written_in_words(text: str) -> None:
    assert span(text, "send_window") is None


def test_a_day_may_end_at_midnight() -> None:
    assert span("18:00-24:00", "send_window") == Span(1080, 1440)


@pytest.mark.parametrize("text", ["9-18", "09:00-09:00", "25:00-26:00", "00:00-24:00", "09:00-24:30", "x"])
def test_hours_that_say_nothing_name_their_field(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"send_window: .*write"):
        span(text, "send_window")


def test_quiet_hours_must_leave_something_of_the_window() -> None:
    with pytest.raises(InvalidInput, match="leave nothing"):
        hours("22:00-23:00", "21:00-08:00")
    assert hours("20:00-23:00", "21:00-08:00").allow(20 * 60)


def test_opening_never_lies_in_the_past() -> None:
    for minute in range(0, 48 * 60, 7):
        now = at(0) + timedelta(minutes=minute)
        opening = NIGHT.opening(["Asia/Calcutta", "Asia/Kathmandu"], now)
        assert opening is None or opening > now
