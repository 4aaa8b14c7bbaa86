"""Calendar windows: midnight to midnight where the guild lives, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.guilds.guild import Period
from bot.quotas.windows import Window, day, days_back, window

HOUR = 3600_000
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
MIDNIGHT_CHANGES = ("Africa/Cairo", "America/Havana", "America/Asuncion", "Asia/Beirut", "Atlantic/Azores")


def at(text: str, zone: str = "UTC") -> int:
    """A moment by its local time, of two the earlier."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-21T00:00:00", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("2026-11-21T12:34:56.789", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("2026-11-21T23:59:59.999", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("2026-12-31T23:59:59.999", "2026-12-31T00:00:00", "2027-01-01T00:00:00"),
        ("2028-02-29T01:00:00", "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_a_day_in_utc(now: str, start: str, end: str) -> None:
    assert day(at(now)) == Window(at(start), at(end))


@pytest.mark.parametrize(
    ("zone", "date", "after", "hours"),
    [
        (BERLIN, "2026-03-29", "2026-03-30", 23),
        (BERLIN, "2026-10-25", "2026-10-26", 25),
        (NEW_YORK, "2026-03-08", "2026-03-09", 23),
        (NEW_YORK, "2026-11-01", "2026-11-02", 25),
        (LORD_HOWE, "2026-10-04", "2026-10-05", 23.5),
        (LORD_HOWE, "2026-04-05", "2026-04-06", 24.5),
    ],
)
def test_the_day_on_which_the_clocks_change(zone: str, date: str, after: str, hours: float) -> None:
    whole = Window(at(date, zone), at(after, zone))
    assert whole.end - whole.start == hours * HOUR
    for moment in (whole.start, whole.start + HOUR, whole.end - HOUR, whole.end - 1):
        assert window(Period.DAY, zone, moment) == whole
    assert window(Period.DAY, zone, whole.start - 1).end == whole.start
    assert window(Period.DAY, zone, whole.end).start == whole.end


@pytest.mark.parametrize(
    ("zone", "inside", "monday", "after", "change"),
    [
        (BERLIN, "2026-03-29T12:00", "2026-03-23", "2026-03-30", -1),
        (BERLIN, "2026-10-21T12:00", "2026-10-19", "2026-10-26", 1),
        (NEW_YORK, "2026-03-02T00:00", "2026-03-02", "2026-03-09", -1),
        (NEW_YORK, "2026-11-01T23:59", "2026-10-26", "2026-11-02", 1),
        (LORD_HOWE, "2026-10-04T12:00", "2026-09-28", "2026-10-05", -0.5),
        (LORD_HOWE, "2026-04-05T12:00", "2026-03-30", "2026-04-06", 0.5),
        ("UTC", "2026-11-21T12:00", "2026-11-16", "2026-11-23", 0),
    ],
)
def test_a_week_begins_on_monday(zone: str, inside: str, monday: str, after: str, change: float) -> None:
    found = window(Period.WEEK, zone, at(inside, zone))
    assert found == Window(at(monday, zone), at(after, zone), Period.WEEK, 7)
    assert found.end - found.start == (7 * 24 + change) * HOUR


@pytest.mark.parametrize(
    ("zone", "inside", "first", "after", "days", "change"),
    [
        (BERLIN, "2026-03-31T23:59", "2026-03-01", "2026-04-01", 31, -1),
        (BERLIN, "2026-10-01T00:00", "2026-10-01", "2026-11-01", 31, 1),
        (NEW_YORK, "2026-11-15T12:00", "2026-11-01", "2026-12-01", 30, 1),
        (LORD_HOWE, "2026-04-05T02:00", "2026-04-01", "2026-05-01", 30, 0.5),
        ("UTC", "2027-02-28T12:00", "2027-02-01", "2027-03-01", 28, 0),
        ("UTC", "2028-02-29T12:00", "2028-02-01", "2028-03-01", 29, 0),
        ("UTC", "2026-12-31T12:00", "2026-12-01", "2027-01-01", 31, 0),
    ],
)
def test_a_month(zone: str, inside: str, first: str, after: str, days: int, change: float) -> None:
    found = window(Period.MONTH, zone, at(inside, zone))
    assert found == Window(at(first, zone), at(after, zone), Period.MONTH, days)
    assert found.end - found.start == (days * 24 + change) * HOUR


@pytest.mark.parametrize("period", Period)
@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, "Asia/Kathmandu", *MIDNIGHT_CHANGES])
def test_windows_follow_one_another_without_gap_or_overlap(zone: str, period: Period) -> None:
    """Four years, in the middle of which some of these zones change their clocks at midnight itself."""
    now, end, seen = at("2024-01-01"), at("2028-01-01"), 0
    while now < end:
        found = window(period, zone, now)
        assert found.start <= now < found.end
        assert window(period, zone, found.end - 1) == found
        assert window(period, zone, found.end).start == found.end
        assert datetime.fromtimestamp(found.start / 1000, UTC).microsecond == 0
        now, seen = found.end, seen + 1
    assert seen >= {Period.DAY: 1460, Period.WEEK: 208, Period.MONTH: 47}[period]


def test_the_last_days_end_today_and_follow_one_another() -> None:
    found = days_back(BERLIN, at("2026-03-30T12:00", BERLIN), 3)
    assert [str(date) for date in found] == ["2026-03-28", "2026-03-29", "2026-03-30"]
    days = list(found.values())
    assert [(one.end - one.start) / HOUR for one in days] == [24, 23, 24]
    assert days[0].end == days[1].start
    assert days[1].end == days[2].start
    assert days[2].end == at("2026-03-31", BERLIN)
