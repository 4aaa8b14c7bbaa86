"""Tells the operators when most of a credit cap is used, and that it is over when its next window begins."""

from __future__ import annotations

from bot.clock import Clock
from bot.database import Database
from bot.errors import Alarm, Cause
from bot.quotas.facts import THOUSANDTHS, nearly_used
from bot.quotas.gate import Gate


class CapWatch:
    """Looks after a job that drew on a cap, and in the rounds of upkeep."""

    def __init__(self, db: Database, clock: Clock, gate: Gate, alarm: Alarm) -> None:
        self._db = db
        self._clock = clock
        self._gate = gate
        self._alarm = alarm

    async def look_at_all(self) -> None:
        """At every engine that has a cap."""
        for engine in sorted({engine for engine, _ in self._gate.operator.caps}):
            await self.look(engine)

    async def look(self, engine: str) -> None:
        """At the caps of one engine."""
        caps = self._gate.operator.caps
        if all(engine != name for name, _ in caps):
            return
        found = await self._db.work(lambda tx: self._gate.credits(tx, engine, self._clock.now()))
        for period, (_, taken) in found.items():
            cap = caps[engine, period]
            about = f"{engine}:{period}"
            if nearly_used(taken, cap):
                credits = f"{taken / THOUSANDTHS:g}"
                limit = f"{cap / THOUSANDTHS:g}"
                await self._alarm.alert(
                    Cause.CREDITS_LOW, about, engine=engine, period=period.value, credits=credits, limit=limit
                )
            else:
                await self._alarm.clear(Cause.CREDITS_LOW, about)
