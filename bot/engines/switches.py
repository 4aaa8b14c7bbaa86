"""Which engines take orders: the operator may switch one off, and one without credits rests for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.database import Database, Tx
from bot.errors import Code, Refusal
from bot.request import EngineName

_LONGEST_MS = 15 * 60_000
"""No pause is longer; one that seems to be is of a clock that was put back since."""


@dataclass(frozen=True)
class Switch:
    """One row of `engines`. `off` is the operator's reason, `paused_until` UTC milliseconds."""

    off: str | None = None
    paused_until: int = 0


class Switches:
    """The rows, also in memory: `load` once before anything asks."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._rows: Mapping[EngineName, Switch] = {}

    async def load(self) -> None:
        """Read what was decided in earlier lives."""
        rows = await self._db.work(lambda tx: tx.all("SELECT * FROM engines"))
        known = [row for row in rows if row["engine"] in list(EngineName)]
        self._rows = {EngineName(row["engine"]): Switch(row["off"], row["paused_until"]) for row in known}

    def off(self, engine: EngineName) -> str | None:
        """Why the operator switched it off; None when it is on."""
        return self._rows.get(engine, Switch()).off

    def resting(self, engine: EngineName) -> int:
        """Until when it takes nothing because its account is empty, UTC milliseconds; 0 when it is not paused."""
        until = self._rows.get(engine, Switch()).paused_until
        now = self._clock.now()
        return until if now < until <= now + _LONGEST_MS else 0

    def takes(self, engine: EngineName) -> bool:
        """Whether an order may be handed in now."""
        return self.off(engine) is None and not self.resting(engine)

    def without_credits(self, engine: EngineName, able: Iterable[EngineName]) -> Refusal:
        """Why it takes nothing, and which of `able` do."""
        ready = ", ".join(name for name in able if name != engine and self.takes(name))
        return Refusal(Code.OUT_OF_CREDITS, {"engine": engine.value, "ready": ready or "-"})

    async def turn(self, engine: EngineName, off: str | None) -> None:
        """Switch off for a reason, or on again, which also ends a pause."""
        await self._keep(engine, Switch(off))

    async def pause(self, engine: EngineName, seconds: float) -> None:
        """Hand in nothing for so long."""
        until = self._clock.now() + int(seconds * 1000)
        await self._keep(engine, replace(self._rows.get(engine, Switch()), paused_until=until))

    async def resume(self, engine: EngineName) -> None:
        """End a pause."""
        await self._keep(engine, replace(self._rows.get(engine, Switch()), paused_until=0))

    async def _keep(self, engine: EngineName, switch: Switch) -> None:
        now = self._clock.now()
        await self._db.work(lambda tx: _put(tx, engine, switch, now))
        self._rows = {**self._rows, engine: switch}


def _put(tx: Tx, engine: EngineName, switch: Switch, now: int) -> None:
    tx.run(
        "INSERT INTO engines (engine, off, paused_until, changed_at) VALUES (?, ?, ?, ?) ON CONFLICT (engine)"
        " DO UPDATE SET off = excluded.off, paused_until = excluded.paused_until, changed_at = excluded.changed_at",
        (engine, switch.off, switch.paused_until, now),
    )
