"""What organisers type for a moment: read in the guild's zone, refused in words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.contests.dates import read_moment
from bot.errors import Code, Refused

BERLIN = "Europe/Berlin"
NOW = int(datetime(2026, 10, 20, 12, 0, tzinfo=ZoneInfo(BERLIN)).timestamp() * 1000)
HOUR = 3_600_000


def on_the_clock(*moment: int, zone: str = BERLIN, fold: int = 0) -> int:
    year, month, day, hour, minute = moment
    return int(datetime(year, month, day, hour, minute, fold=fold, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def refused(typed: str, now: int = NOW, zone: str = BERLIN) -> Refused:
    with pytest.raises(Refused) as caught:
        read_moment(typed, now=now, zone=zone)
    return caught.value


@pytest.mark.parametrize(
    ("typed", "hours"),
    [("3d", 72), ("12h", 12), ("90m", 1.5), ("2w", 14 * 24), ("1d 12h", 36), ("1D12H", 36), (" 5 h ", 5)],
)
def test_from_now(typed: str, hours: float) -> None:
    assert read_moment(typed, now=NOW, zone=BERLIN) == NOW + hours * HOUR


@pytest.mark.parametrize("zone", [BERLIN, "UTC", "Asia/Kathmandu", "America/New_York"])
def test_on_the_clocks_of_the_zone(zone: str) -> None:
    meant = on_the_clock(2026, 12, 24, 18, 0, zone=zone)
    for typed in ("2026-12-24 18:00", "2026-12-24T18:00", "  2026-12-24   18:00 "):
        assert read_moment(typed, now=NOW, zone=zone) == meant


def test_an_hour_that_comes_twice_is_the_first() -> None:
    first = read_moment("2026-10-25 02:30", now=NOW, zone=BERLIN)
    assert first == on_the_clock(2026, 10, 25, 2, 30, fold=0)
    assert on_the_clock(2026, 10, 25, 2, 30, fold=1) == first + HOUR


def test_an_hour_that_never_comes_is_refused_with_the_one_after() -> None:
    now = on_the_clock(2027, 3, 1, 12, 0)
    refusal = refused("2027-03-28 02:30", now).refusal
    assert refusal.code is Code.DATE_SKIPPED
    assert refusal.values["suggestion"] == "2027-03-28 03:30"
    assert read_moment("2027-03-28 03:30", now=now, zone=BERLIN) == on_the_clock(2027, 3, 28, 3, 30)


@pytest.mark.parametrize(
    "typed",
    ["tomorrow", "", "24.12.2026", "2026-12-24", "18:00", "2026-13-01 10:00", "2026-12-24 25:00", "3", "d",
     "3d 2026-12-24 18:00", "-3d", "2026-02-30 10:00"],
)  # fmt: skip
def test_what_is_no_date(typed: str) -> None:
    assert refused(typed).refusal.code is Code.DATE_UNREADABLE


def test_what_is_over_or_far_away_is_read_and_left_to_the_schedule() -> None:
    assert read_moment("2026-10-20 11:59", now=NOW, zone=BERLIN) == NOW - 60_000
    assert read_moment("0d", now=NOW, zone=BERLIN) == NOW
    assert read_moment("99999w", now=NOW, zone=BERLIN) == NOW + 99_999 * 7 * 24 * HOUR
    assert read_moment("9999-12-31 23:59", now=NOW, zone="UTC") > NOW
