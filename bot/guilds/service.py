"""What commands may do with a guild's settings: read them, and change them with a note of who did."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.guilds import audit, departures, store
from bot.guilds.audit import Action
from bot.guilds.guild import GuildSettings, changed, differences, shown


class GuildService:
    """Every change is one unit: the new settings, and who changed what."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def settings(self, guild: str) -> GuildSettings:
        """What this guild chose."""
        return await self._db.work(lambda tx: store.settings_of(tx, guild))

    async def change(self, guild: str, actor: str, **changes: Any) -> GuildSettings:
        """Change fields of `GuildSettings` by their names. Raises `Refused`; then nothing is changed."""
        now = self._clock.now()
        return await self._db.work(lambda tx: change_in(tx, guild, actor, now, **changes))

    async def look_round(self, present: Collection[str]) -> None:
        """The guilds that the bot is in, as it starts: others were left."""
        now = self._clock.now()
        await self._db.work(lambda tx: departures.look_round(tx, present, now))

    async def leave(self, guild: str) -> None:
        """The bot was removed; what is kept goes after the grace period."""
        now = self._clock.now()
        await self._db.work(lambda tx: departures.leave(tx, guild, now))

    async def come_back(self, guild: str) -> None:
        """The bot was added, maybe again: then everything is as it was."""
        await self._db.work(lambda tx: departures.come_back(tx, guild))


def change_in(tx: Tx, guild: str, actor: str, now: int, /, **changes: Any) -> GuildSettings:
    """The same in a wider unit; `Refused` must leave it. A field that keeps its value leaves no note."""
    old = store.settings_of(tx, guild)
    new = changed(old, changes)
    told = differences(old, new)
    if told:
        store.keep_settings(tx, guild, new, now)
    for name, (before, after) in told.items():
        values = json.dumps({"old": shown(before), "new": shown(after)}, ensure_ascii=False)
        audit.note(tx, guild, actor, Action.CHANGE_SETTING, f"setting:{name}", reason=values, now=now)
    return new
