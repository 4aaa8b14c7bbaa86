"""What an organiser types for a moment, read in the guild's time zone (pure)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.errors import Code, Refused

_MOMENT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})")
_PART = re.compile(r"(\d{1,5})\s*([wdhm])")
_MINUTES = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}


def read_moment(typed: str, *, now: int, zone: str) -> int:
    """`2026-12-24 18:00` on the clocks of `zone`, or `3d`, `12h`, `1d 12h` from now, as UTC milliseconds.

    Of an hour that comes twice, the first is meant. Raises `Refused`.
    """
    text = " ".join(typed.split())
    spoken = _spoken(text)
    return _written(text, zone) if spoken is None else now + spoken * 60_000


def _spoken(text: str) -> int | None:
    """How many minutes from now; None when this is no such thing."""
    parts = _PART.findall(text.lower())
    left = _PART.sub("", text.lower()).strip()
    return sum(int(count) * _MINUTES[unit] for count, unit in parts) if parts and not left else None


def _written(text: str, zone: str) -> int:
    """A moment on the clocks of the zone. Raises `Refused` for one that they never show."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise Refused(Code.DATE_UNREADABLE, value=text[:60], zone=zone)
    try:
        local = datetime(*(int(part) for part in found.groups()), tzinfo=ZoneInfo(zone))
        shown = local.astimezone(UTC).astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise Refused(Code.DATE_UNREADABLE, value=text[:60], zone=zone) from None
    if shown.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Refused(Code.DATE_SKIPPED, value=text[:60], zone=zone, suggestion=f"{shown:%Y-%m-%d %H:%M}")
    return int((local - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
