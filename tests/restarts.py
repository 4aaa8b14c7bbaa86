"""A bot that dies once it has logged in, and a supervisor that starts it again at once, on a clock of our own."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

from bot.clock import Clock
from bot.database import Database
from bot.logins import Logins

LIFE_MS = 2_000
"""From one login to the next start."""


class Restarts(Clock):
    """Real ids; a time that is set by hand."""

    def __init__(self) -> None:
        self.at = 1_800_000_000_000

    def now(self) -> int:
        return self.at


@dataclass
class Seen:
    """When Discord saw a login, UTC milliseconds."""

    logins: list[int] = field(default_factory=list[int])

    def most_in(self, span: int) -> int:
        """The most within any span of so many milliseconds."""
        return max(end + 1 - bisect_left(self.logins, at - span + 1) for end, at in enumerate(self.logins))


async def restart(path: Path, *, times: int, most: int = 100) -> Seen:
    """So many lives, each with the database opened anew; a life waits as long as it is told to."""
    clock, seen = Restarts(), Seen()
    for _ in range(times):
        database = Database(path)
        await database.open()
        logins = Logins(database, clock, most)
        while (seconds := await logins.take()) > 0:
            clock.at += int(seconds * 1000)
        await database.close()
        seen.logins.append(clock.now())
        clock.at += LIFE_MS
    return seen
