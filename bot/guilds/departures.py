"""The rows of `departures`: which guilds the bot is no longer in, and since when."""

from __future__ import annotations

from collections.abc import Collection

from bot.database import Tx


def leave(tx: Tx, guild: str, now: int) -> None:
    """The bot is gone from this guild; the first time counts."""
    tx.run("INSERT INTO departures (guild, left_at) VALUES (?, ?) ON CONFLICT (guild) DO NOTHING", (guild, now))


def come_back(tx: Tx, guild: str) -> None:
    """The bot is in this guild."""
    tx.run("DELETE FROM departures WHERE guild = ?", (guild,))


def look_round(tx: Tx, present: Collection[str], now: int) -> None:
    """At the start: whoever came or went while nobody was looking."""
    known = tx.all("SELECT guild FROM guilds UNION SELECT guild FROM jobs UNION SELECT guild FROM audit")
    for row in known:
        if row["guild"] not in present:
            leave(tx, row["guild"], now)
    for guild in present:
        come_back(tx, guild)


def gone_since(tx: Tx, before: int) -> list[str]:
    """Guilds that the bot left at `before` (UTC milliseconds) or earlier."""
    return [row["guild"] for row in tx.all("SELECT guild FROM departures WHERE left_at <= ?", (before,))]
