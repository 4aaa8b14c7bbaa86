"""The rows of `arrivals`: guilds that the bot has been in, their language, and whether they were welcomed."""

from __future__ import annotations

from bot.database import Tx
from bot.posts import store as posts
from bot.posts.post import NewPost, Post, PostState, Purpose, Welcome

_KEPT, _TOLD = "kept", "told"
"""A welcome that is kept waits for the first moderator who asks for something."""
_TRACES = ("guilds", "jobs", "audit")


def arrive(tx: Tx, guild: str, locale: str, channel: str | None, *, post_id: str, now: int) -> None:
    """The bot is in this guild: the first time it says so in this channel; without one the word is kept.

    A guild that has used the bot needs no word. Of a known one the language is brought up to date.
    """
    if tx.run("UPDATE arrivals SET locale = ? WHERE guild = ?", (locale, guild)):
        return
    used = any(tx.one(f"SELECT 1 FROM {table} WHERE guild = ?", (guild,)) for table in _TRACES)  # noqa: S608
    welcome = _TOLD if used or channel else _KEPT
    row = "INSERT INTO arrivals (guild, locale, welcome, arrived_at) VALUES (?, ?, ?, ?)"
    tx.run(row, (guild, locale, welcome, now))
    if channel and not used:
        new = NewPost(Purpose.WELCOME, channel, Welcome(locale).to_json())
        posts.add(tx, _subject(guild), new, post_id=post_id, now=now)


def take_welcome(tx: Tx, guild: str) -> bool:
    """Whether the word of welcome is still to be told, which it is now."""
    return tx.run("UPDATE arrivals SET welcome = ? WHERE guild = ? AND welcome = ?", (_TOLD, guild, _KEPT)) == 1


def posted(tx: Tx, post: Post) -> None:
    """In the unit that ends a post: a welcome that no channel took is kept."""
    row = tx.one("SELECT state FROM posts WHERE id = ?", (post.id,))
    if post.purpose is Purpose.WELCOME and row is not None and row["state"] == PostState.DEAD:
        guild = post.subject.removeprefix(_subject(""))
        tx.run("UPDATE arrivals SET welcome = ? WHERE guild = ?", (_KEPT, guild))


def locale_of(tx: Tx, guild: str) -> str | None:
    """The guild's language, as Discord says."""
    row = tx.one("SELECT locale FROM arrivals WHERE guild = ?", (guild,))
    return row["locale"] if row else None


def drop_guild(tx: Tx, guild: str) -> None:
    """Forget that the bot was there."""
    posts.drop(tx, _subject(guild))
    tx.run("DELETE FROM arrivals WHERE guild = ?", (guild,))


def _subject(guild: str) -> str:
    return f"guild:{guild}"
