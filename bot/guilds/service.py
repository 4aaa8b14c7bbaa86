"""What commands may do with a guild's settings: read them, and change them with a note of who did."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.guilds import arrivals, audit, departures, store
from bot.guilds.announcing import announce, settings_changed
from bot.guilds.audit import Action
from bot.guilds.guild import GuildSettings, changed, differences, shown
from bot.guilds.moderation import Actor, moderates, must_moderate


class GuildService:
    """Every change is one unit: the new settings, who changed what, and the word of it in the log channel."""

    def __init__(self, db: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._db = db
        self._clock = clock
        self._wake = wake

    async def settings(self, guild: str) -> GuildSettings:
        """What this guild chose."""
        return await self._db.work(lambda tx: store.settings_of(tx, guild))

    async def change(self, actor: Actor, **changes: Any) -> GuildSettings:
        """Change fields of `GuildSettings` by their names, as a moderator.

        Raises `Refused`; then nothing is changed.
        """
        now, post_id = self._clock.now(), self._clock.new_id()

        def unit(tx: Tx) -> GuildSettings:
            old = store.settings_of(tx, actor.guild)
            must_moderate(old, actor)
            new = change_in(tx, actor.guild, actor.member, now, **changes)
            told = settings_changed(old, new, actor.member, now)
            announce(tx, actor.guild, new, told, post_id=post_id, now=now)
            return new

        settings = await self._db.work(unit)
        self._wake()
        return settings

    async def look_round(self, present: Collection[str]) -> None:
        """The guilds that the bot is in, as it starts: others were left."""
        now = self._clock.now()
        await self._db.work(lambda tx: departures.look_round(tx, present, now))

    async def arrive(self, guild: str, locale: str, channel: str | None) -> None:
        """The bot is there, maybe again: then everything is as it was. The first time it says hello, in `channel`
        or, without one, to the first moderator who asks for something."""
        now, post_id = self._clock.now(), self._clock.new_id()

        def unit(tx: Tx) -> None:
            departures.come_back(tx, guild)
            arrivals.arrive(tx, guild, locale, channel, post_id=post_id, now=now)

        await self._db.work(unit)
        self._wake()

    async def welcome_due(self, actor: Actor) -> bool:
        """Whether this moderator is the first to be told what a new server should know; it counts as told."""

        def unit(tx: Tx) -> bool:
            return moderates(store.settings_of(tx, actor.guild), actor) and arrivals.take_welcome(tx, actor.guild)

        return await self._db.work(unit)

    async def leave(self, guild: str) -> None:
        """The bot was removed; what is kept goes after the grace period."""
        now = self._clock.now()
        await self._db.work(lambda tx: departures.leave(tx, guild, now))


def change_in(tx: Tx, guild: str, actor: str, now: int, /, **changes: Any) -> GuildSettings:
    """Change fields in a wider unit; `Refused` must leave it. A field that keeps its value leaves no note."""
    old = store.settings_of(tx, guild)
    new = changed(old, changes)
    told = differences(old, new)
    if told:
        store.keep_settings(tx, guild, new, now)
    for name, (before, after) in told.items():
        values = json.dumps({"old": shown(before), "new": shown(after)}, ensure_ascii=False)
        audit.note(tx, guild, actor, Action.CHANGE_SETTING, f"setting:{name}", reason=values, now=now)
    return new
