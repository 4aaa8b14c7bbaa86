"""Which dates a contest may have, and what is due when (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.contests.contest import FEWEST, Contest, Phase, Schedule
from bot.errors import Code, Refused

GRACE_MS = 60 * 60_000
"""How long voting waits for mashups that were asked for before the deadline."""
PATIENCE_MS = 24 * 60 * 60_000
"""How long an organiser may think about extending a contest with too few entries."""
LONGEST_MS = 366 * 24 * 60 * 60_000
"""How far ahead a date may lie."""
NEVER = 1 << 53
"""A wake-up that only a ring can bring forward."""


class Due(StrEnum):
    """What a contest is to do next."""

    OPEN = "open"
    ASK = "ask"  # its organiser whether it shall go on with so few entries
    VOTE = "vote"
    CLOSE = "close"
    CANCEL = "cancel"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Entered:
    """How many entries there are: entered, still being made, and entered without a copy that can be shown."""

    count: int = 0
    making: int = 0
    bare: int = 0


def check_new(schedule: Schedule, now: int) -> None:
    """Raises `Refused` for dates in the past, too far away, or in the wrong order."""
    dates = (("opens_at", schedule.opens_at), ("closes_at", schedule.closes_at), ("ends_at", schedule.ends_at))
    for name, date in dates:
        if date is not None:
            _check_date(name, date, now)
    _check_order(schedule)


def check_changed(contest: Contest, schedule: Schedule, now: int) -> None:
    """The same for those that are changed; once open, dates only move later."""
    old = contest.schedule
    for name in ("opens_at", "closes_at", "ends_at"):
        before, after = getattr(old, name), getattr(schedule, name)
        if before == after:
            continue
        if contest.phase is not Phase.DRAFT and (before is None or after < before):
            raise Refused(Code.CONTEST_DATE_EARLIER, field=name, before=_moment(before or 0))
        if after is not None:
            _check_date(name, after, now)
    _check_order(schedule)


def moved_along(old: Schedule, closes_at: int) -> Schedule:
    """A later deadline: voting lasts as long as it was to."""
    return Schedule(old.opens_at, closes_at, old.ends_at + closes_at - old.closes_at)


def begun(contest: Contest, phase: Phase, now: int) -> Schedule:
    """The schedule of a contest whose next phase begins now.

    By hand it may be earlier than planned. When it is so late, after a downtime, that less than half of the phase
    would be left, the phase lasts as long as it was to.
    """
    old = contest.schedule
    if phase is Phase.OPEN:
        planned = old.closes_at - (old.opens_at or now)
        late = 2 * (old.closes_at - now) < planned
        return replace(moved_along(old, now + planned) if late else old, opens_at=now)
    planned = old.ends_at - old.closes_at
    late = 2 * (old.ends_at - now) < planned
    return replace(old, ends_at=now + planned) if late else old


def after_pause(contest: Contest, now: int) -> Schedule:
    """Whatever had not passed when the contest was paused comes later by the length of the pause."""
    paused_at = now if contest.paused_at is None else contest.paused_at
    old, pause = contest.schedule, now - paused_at
    dates = (old.opens_at, old.closes_at, old.ends_at)
    opens_at, closes_at, ends_at = (d if d is None or d <= paused_at else d + pause for d in dates)
    return Schedule(opens_at, closes_at or 0, ends_at or 0)


def due(contest: Contest, entered: Entered, keep_ms: int, now: int) -> Due | None:
    """What is to happen now, if anything is; `keep_ms`: how long after its end a contest is archived."""
    if now < next_look(contest, entered, keep_ms):
        return None
    match contest.phase:
        case Phase.DRAFT:
            return Due.CANCEL if contest.schedule.opens_at is None else Due.OPEN
        case Phase.OPEN:
            return _due_open(contest, entered)
        case Phase.VOTING:
            return Due.CLOSE
        case _:
            return Due.ARCHIVE


def next_look(contest: Contest, entered: Entered, keep_ms: int) -> int:
    """When something may be due next, if nobody rings before."""
    schedule = contest.schedule
    if contest.paused or contest.phase is Phase.ARCHIVED:
        return NEVER
    match contest.phase:
        case Phase.DRAFT:
            return schedule.closes_at if schedule.opens_at is None else schedule.opens_at
        case Phase.OPEN if contest.warned_at is not None:
            return contest.warned_at + PATIENCE_MS
        case Phase.OPEN:
            return schedule.closes_at + (GRACE_MS if entered.making else 0)
        case Phase.VOTING:
            return schedule.ends_at
        case _:
            return (contest.ended_at or 0) + keep_ms


def _due_open(contest: Contest, entered: Entered) -> Due | None:
    """The deadline has passed, or the time that its organiser had to think."""
    if entered.count >= FEWEST:
        return None if entered.bare else Due.VOTE
    return Due.ASK if contest.warned_at is None else Due.CANCEL


def _check_date(name: str, date: int, now: int) -> None:
    if date <= now:
        raise Refused(Code.CONTEST_DATE_PAST, field=name, date=_moment(date))
    if date > now + LONGEST_MS:
        raise Refused(Code.CONTEST_DATE_FAR, field=name, date=_moment(date))


def _check_order(schedule: Schedule) -> None:
    opens_at = schedule.opens_at or 0
    if not opens_at < schedule.closes_at < schedule.ends_at:
        raise Refused(Code.CONTEST_DATES)


def _moment(milliseconds: int) -> str:
    """Whole seconds, as a timestamp shows them."""
    return str(milliseconds // 1000)
