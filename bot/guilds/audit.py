"""The rows of `audit`: who changed what of a guild, when and why."""

from __future__ import annotations

from enum import StrEnum

from bot.database import Tx

_NAMES = "actor = ?1 OR subject = ?1 OR subject LIKE '%:' || ?1"


class Action(StrEnum):
    """What moderators do to what is not their own, or is everybody's."""

    DELETE_RESULT = "delete-result"
    CHANGE_SETTING = "change-setting"  # subject `setting:FIELD`, reason {"old": ..., "new": ...} as JSON


def note(tx: Tx, guild: str, actor: str, action: Action, subject: str, *, reason: str, now: int) -> None:
    """Write it down in the unit that does it."""
    tx.run(
        "INSERT INTO audit (at, guild, actor, action, subject, reason) VALUES (?, ?, ?, ?, ?, ?)",
        (now, guild, actor, action, subject, reason),
    )


def drop_before(tx: Tx, before: int) -> int:
    """Remove what was written down at `before` (UTC milliseconds) or earlier; returns how many rows."""
    return tx.run("DELETE FROM audit WHERE at <= ?", (before,))


def drop_guild(tx: Tx, guild: str) -> None:
    """Remove everything that was done in a guild."""
    tx.run("DELETE FROM audit WHERE guild = ?", (guild,))


def guilds_of(tx: Tx, person: str) -> list[str]:
    """Where somebody did something, or something was done about them."""
    rows = tx.all(f"SELECT DISTINCT guild FROM audit WHERE {_NAMES}", (person,))  # noqa: S608
    return [row["guild"] for row in rows]


def count_of(tx: Tx, person: str) -> int:
    """How many rows name somebody."""
    row = tx.one(f"SELECT count(*) FROM audit WHERE {_NAMES}", (person,))  # noqa: S608
    return row[0] if row else 0


def forget_person(tx: Tx, guild: str, person: str, name: str) -> None:
    """Keep what was done and not who did it: `name` instead. What was done about them loses its reason."""
    tx.run("UPDATE audit SET actor = ? WHERE guild = ? AND actor = ?", (name, guild, person))
    tx.run(
        "UPDATE audit SET subject = substr(subject, 1, length(subject) - length(?1)) || ?2, reason = ''"
        " WHERE guild = ?3 AND (subject = ?1 OR subject LIKE '%:' || ?1)",
        (person, name, guild),
    )
