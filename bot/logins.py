"""How often this bot may log in: Discord ends every session and takes the token back after 1,000 in a day."""

from __future__ import annotations

from collections.abc import Sequence

from bot.clock import Clock
from bot.database import Database, Tx

DAY_MS = 24 * 3600_000
FREE = 5
"""So many in a row may follow each other at once."""
QUIET_MS = 30 * 60_000
"""After so long without one a new row begins."""

_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 60_000, 15 * 60_000


class TooManyLoginsError(Exception):
    """The next login has to wait for so many `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the next login may follow in {seconds:.0f} s")


def pause_ms(taken: Sequence[int], now: int, most: int) -> int:
    """How long the next login has to wait after those of the last day, given in order; UTC milliseconds.

    Five in a row are free, then each pause is twice the one before, from a minute to 15; `most` in any 24 hours.
    """
    if not taken:
        return 0
    opens = taken[-most] + DAY_MS if len(taken) >= most else 0
    row = 1
    while row < len(taken) and taken[-row] - taken[-row - 1] < QUIET_MS:
        row += 1
    if row >= FREE:
        opens = max(opens, taken[-1] + min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << min(row - FREE, 10)))
    return max(0, opens - now)


class Logins:
    """The budget; it outlives the process, because a supervisor that restarts it would empty it otherwise."""

    def __init__(self, db: Database, clock: Clock, most: int) -> None:
        """`most` in 24 hours; 0: nobody counts."""
        self._db = db
        self._clock = clock
        self._most = most

    async def take(self) -> float:
        """Note a login that follows now; or the seconds after which it may be asked for again, if it must wait."""
        if not self._most:
            return 0.0
        now = self._clock.now()
        return await self._db.work(lambda tx: self._take(tx, now)) / 1000

    def _take(self, tx: Tx, now: int) -> int:
        """Logins that lie ahead of a clock that was put back count as of now."""
        tx.run("UPDATE logins SET at = ?1 WHERE at > ?1", (now,))
        tx.run("DELETE FROM logins WHERE at <= ?", (now - DAY_MS,))
        taken = [row["at"] for row in tx.all("SELECT at FROM logins ORDER BY at")]
        wait = pause_ms(taken, now, self._most)
        if wait == 0:
            tx.run("INSERT INTO logins (at) VALUES (?)", (now,))
        return wait
