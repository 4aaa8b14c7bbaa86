"""The rows of `decks`: plain functions that take the transaction first."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.database import Tx
from bot.decks.deck import Decks, Loaded
from bot.errors import Code, Refused
from bot.files.store import Stored, disown, keep, share


def decks_of(tx: Tx, guild: str, member: str, now: int) -> Decks:
    """What a member has on their decks in this guild."""
    rows = tx.all(
        "SELECT * FROM decks WHERE guild = ? AND member = ? AND expires_at > ?",
        (guild, member, now),
    )
    tracks = {
        row["side"]: Loaded(row["name"], row["hash"], row["size"], row["seconds"], row["channel"], row["message"])
        for row in rows
    }
    return Decks(**tracks, expires_at=max((row["expires_at"] for row in rows), default=0))


def put(tx: Tx, guild: str, member: str, decks: Decks, *, fresh: Sequence[Stored] = (), now: int) -> None:
    """Make this what is on the decks, and refer to those files alone, of which some may be `fresh` in the store.

    Raises `Refused` for one that is gone.
    """
    clear(tx, guild, member)
    keep(tx, fresh, _owner(guild, member), decks.expires_at, now)
    for side, track in decks.loaded.items():
        if not share(tx, track.hash, _owner(guild, member), decks.expires_at):
            raise Refused(Code.SOURCES_GONE, name=track.name)
        tx.run(
            "INSERT INTO decks (guild, member, side, name, hash, size, seconds, channel, message, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                guild,
                member,
                side,
                track.name,
                track.hash,
                track.size,
                track.seconds,
                track.channel,
                track.message,
                decks.expires_at,
            ),
        )


def clear(tx: Tx, guild: str, member: str) -> None:
    """Nothing is on the decks."""
    disown(tx, _owner(guild, member))
    tx.run("DELETE FROM decks WHERE guild = ? AND member = ?", (guild, member))


def unload(tx: Tx, digests: Sequence[str]) -> None:
    """Take these files off everybody's decks: nobody is to have them any more."""
    rows = tx.all(
        "DELETE FROM decks WHERE hash IN (SELECT value FROM json_each(?)) RETURNING guild, member, hash",
        (json.dumps(digests),),
    )
    for row in rows:
        disown(tx, _owner(row["guild"], row["member"]), row["hash"])


def drop_expired(tx: Tx, now: int) -> None:
    """Decks whose time is over; so is that of their files."""
    tx.run("DELETE FROM decks WHERE expires_at <= ?", (now,))


def count_of(tx: Tx, member: str) -> int:
    """How many tracks a member has on decks, everywhere."""
    row = tx.one("SELECT count(*) FROM decks WHERE member = ?", (member,))
    return row[0] if row else 0


def forget_member(tx: Tx, member: str) -> None:
    """Nothing more of theirs, everywhere."""
    for row in tx.all("SELECT DISTINCT guild FROM decks WHERE member = ?", (member,)):
        clear(tx, row["guild"], member)


def drop_guild(tx: Tx, guild: str) -> None:
    """Nothing more of anybody in this guild."""
    for row in tx.all("SELECT DISTINCT member FROM decks WHERE guild = ?", (guild,)):
        clear(tx, guild, row["member"])


def _owner(guild: str, member: str) -> str:
    """How file references name somebody's decks."""
    return f"decks:{guild}:{member}"
