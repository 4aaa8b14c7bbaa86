"""Calendar windows in a time zone: stretches between two midnights, whatever the clocks do meanwhile (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.guilds.guild import Period

_MONTH = 32
"""Days after the first of a month that certainly lie in the next one."""


@dataclass(frozen=True)
class Window:
    """A stretch of time that an allowance covers: UTC milliseconds, `end` excluded. `days` are calendar days."""

    start: int
    end: int
    period: Period = Period.DAY
    days: int = 1


def window(period: Period, zone: str, now: int) -> Window:
    """The day, week (from Monday) or month around `now` in the IANA zone `zone`."""
    place = ZoneInfo(zone)
    today = datetime.fromtimestamp(now // 1000, place).date()
    first, after = _bounds(period, today)
    return Window(_begins(first, place), _begins(after, place), period, (after - first).days)


def day(now: int) -> Window:
    """The UTC day around `now`."""
    return window(Period.DAY, "UTC", now)


def days_back(zone: str, now: int, count: int) -> dict[date, Window]:
    """The last `count` days of the zone by their dates, today the last of them."""
    place = ZoneInfo(zone)
    today = datetime.fromtimestamp(now // 1000, place).date()
    dates = [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
    return {one: Window(_begins(one, place), _begins(one + timedelta(days=1), place)) for one in dates}


def _bounds(period: Period, today: date) -> tuple[date, date]:
    match period:
        case Period.DAY:
            return today, today + timedelta(days=1)
        case Period.WEEK:
            monday = today - timedelta(days=today.weekday())
            return monday, monday + timedelta(days=7)
        case Period.MONTH:
            first = today.replace(day=1)
            return first, (first + timedelta(days=_MONTH)).replace(day=1)


def _begins(first: date, place: ZoneInfo) -> int:
    """The first moment of a date: of two midnights the earlier; for one that was skipped, the change itself."""
    midnight = datetime(first.year, first.month, first.day, tzinfo=place)
    return int(midnight.astimezone(UTC).timestamp()) * 1000
