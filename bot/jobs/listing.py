"""Jobs as their operator lists them: plain values, newest first."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot.database import Tx


@dataclass(frozen=True)
class Listed:
    """One job. `age` is in seconds since it was accepted, `error` the code of what went wrong."""

    id: str
    state: str
    age: int
    guild: str
    member: str
    engine: str
    title: str
    error: str | None


def overview(tx: Tx, *, unknown: bool, limit: int, now: int) -> list[Listed]:
    """The newest `limit` jobs, or only those whose outcome nobody knows; `now` is UTC milliseconds."""
    rows = tx.all(
        "SELECT id, state, created_at, guild, member, engine, request, error FROM jobs"
        " WHERE (?1 = 0 OR state = 'unknown') ORDER BY created_at DESC, id LIMIT ?2",
        (int(unknown), limit),
    )
    return [
        Listed(
            id=row["id"],
            state=row["state"],
            age=max(0, now - row["created_at"]) // 1000,
            guild=row["guild"],
            member=row["member"],
            engine=row["engine"],
            title=str(json.loads(row["request"]).get("title", "")),
            error=json.loads(row["error"])["code"] if row["error"] else None,
        )
        for row in rows
    ]
