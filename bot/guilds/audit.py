"""The rows of `audit`: who changed what of a guild, when and why. Nothing is ever altered in it."""

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
