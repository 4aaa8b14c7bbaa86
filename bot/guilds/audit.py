"""The rows of `audit`: who changed what of a guild, when and why. Nothing is ever altered in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bot.database import Tx


class Action(StrEnum):
    """What moderators do to what is not their own, or is everybody's."""

    DELETE_RESULT = "delete-result"
    CHANGE_SETTING = "change-setting"  # subject `setting:FIELD`, reason {"old": ..., "new": ...} as JSON
    # Of quotas: subject `member:ID`, `role:ID` or `guild`, reason the values as JSON
    SET_RULE = "set-rule"
    GRANT = "grant"
    RESET = "reset"
    BLOCK = "block"
    UNBLOCK = "unblock"


@dataclass(frozen=True)
class Entry:
    """One row; `at` is UTC milliseconds."""

    at: int
    actor: str
    action: Action
    subject: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        return cls(**{**data, "action": Action(data["action"])})


def entries(tx: Tx, guild: str, *, about: str | None, by: str | None, limit: int, offset: int) -> list[Entry]:
    """What was done on a guild, newest first; only about a subject or by an actor, if one is given."""
    rows = tx.all(
        "SELECT at, actor, action, subject, reason FROM audit WHERE guild = ?1 AND (?2 IS NULL OR subject = ?2)"
        " AND (?3 IS NULL OR actor = ?3) ORDER BY at DESC, action, subject LIMIT ?4 OFFSET ?5",
        (guild, about, by, limit, offset),
    )
    return [Entry.from_json(dict(row)) for row in rows]


def note(tx: Tx, guild: str, actor: str, action: Action, subject: str, *, reason: str, now: int) -> None:
    """Write it down in the unit that does it."""
    tx.run(
        "INSERT INTO audit (at, guild, actor, action, subject, reason) VALUES (?, ?, ?, ?, ?, ?)",
        (now, guild, actor, action, subject, reason),
    )
