"""What an organiser was asked before it is saved: kept until their Yes, for once and for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.guilds.moderation import Actor
from bot.quotas.store import Pending, put_pending, take_pending


class Questions:
    """Rows of `confirmations`, so that a restart between question and answer loses nothing."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def keep(self, actor: Actor, step: Mapping[str, Any]) -> str:
        """Keep a step for whoever was asked; returns the id for the button."""
        name, now = self._clock.new_id(), self._clock.now()
        await self._db.work(lambda tx: put_pending(tx, name, Pending(actor.guild, actor.member, step), now))
        return name

    async def take(self, actor: Actor, name: str) -> Mapping[str, Any]:
        """The step, which is gone then. Raises `Refused` when it is unknown, too old or somebody else's."""
        now = self._clock.now()

        def unit(tx: Tx) -> Mapping[str, Any]:
            pending = take_pending(tx, name, actor.guild, actor.member, now)
            if pending is None:
                raise Refused(Code.CONFIRMATION_GONE)
            return pending.step

        return await self._db.work(unit)
