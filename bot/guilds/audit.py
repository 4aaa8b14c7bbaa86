"""The rows of `audit`: who changed what of a guild, when and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bot.database import Tx

_NAMES = "actor = ?1 OR subject = 'member:' || ?1"


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
    # Of contests: subject `contest:ID` or `entry:ID`, reason {"why": ...} and other values as JSON
    CREATE_CONTEST = "create-contest"
    EDIT_CONTEST = "edit-contest"
    OPEN_CONTEST = "open-contest"
    CLOSE_CONTEST = "close-contest"
    CANCEL_CONTEST = "cancel-contest"
    PAUSE_CONTEST = "pause-contest"
    RESUME_CONTEST = "resume-contest"
    DISQUALIFY = "disqualify"
    REPORT_ENTRY = "report-entry"
    LOOK_BEHIND_MASK = "look-behind-mask"
    BREAK_TIE = "break-tie"
    EXPORT_BALLOTS = "export-ballots"


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
        values: dict[str, Any] = {**data, "action": Action(data["action"])}
        return cls(**values)


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
    for row in tx.all(
        "SELECT DISTINCT reason FROM audit WHERE guild = ? AND subject = ?", (guild, f"member:{person}")
    ):
        told = {word: value for word, value in json.loads(row["reason"] or "{}").items() if word != "why"}
        tx.run(
            "UPDATE audit SET subject = ?, reason = ? WHERE guild = ? AND subject = ? AND reason = ?",
            (f"member:{name}", json.dumps(told), guild, f"member:{person}", row["reason"]),
        )
