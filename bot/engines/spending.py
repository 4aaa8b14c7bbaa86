"""The last word before an order that costs credits: nobody switched the engine off, and its account is charged
fairly."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from bot.engines.port import Engine
from bot.engines.switches import Switches
from bot.errors import Alarm, Cause
from bot.request import EngineName

TOLERANCE = 1.02
"""How much more than its orders cost an account may lose."""
OVERCHARGED = "its account loses more credits than its orders cost"


@dataclass
class _Books:
    """Credits since the start: the balance seen last, what it lost in all, what the orders were to cost."""

    seen: float | None = None
    lost: float = 0.0
    ordered: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Spending:
    """One for all engines; those `capped` have their balance read before each order."""

    def __init__(self, switches: Switches, alarm: Alarm, capped: Collection[EngineName]) -> None:
        self._switches = switches
        self._alarm = alarm
        self._books = {name: _Books() for name in capped}

    async def allows(self, engine: Engine, price: float) -> bool:
        """Whether an order of so many credits may follow at once.

        A capped engine whose account lost more than was ordered is switched off, because no cap would hold.
        """
        books = self._books.get(engine.name)
        if books is None or not self._switches.takes(engine.name):
            return self._switches.takes(engine.name)
        async with books.turn:
            await self._look(engine, books)
            if not self._switches.takes(engine.name):
                return False
            books.ordered += price
            return True

    async def _look(self, engine: Engine, books: _Books) -> None:
        account = await engine.balance()
        if account is None or not account.reached or account.credits is None:
            return
        if books.seen is not None:
            books.lost += max(0.0, books.seen - account.credits)
        books.seen = account.credits
        if books.lost > books.ordered * TOLERANCE and self._switches.off(engine.name) is None:
            lost, ordered = f"{books.lost:g}", f"{books.ordered:g}"
            books.lost = books.ordered = 0.0  # who switches it on again has looked
            await self._switches.turn(engine.name, OVERCHARGED)
            about = {"engine": engine.name.value, "lost": lost, "ordered": ordered}
            await self._alarm.alert(Cause.OVERCHARGED, engine.name, **about)
