"""The rows of `audit`: who changed what of a guild, when and why."""

from __future__ import annotations

from enum import StrEnum

from bot.database import Tx


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
