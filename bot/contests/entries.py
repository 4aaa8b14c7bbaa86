"""The rows of `entries`: plain functions that take the transaction first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from sqlite3 import Row
from typing import Any

from bot.contests.contest import ACTIVE, PUBLISHED, Entry, EntryState
from bot.contests.schedule import Entered
from bot.database import Tx

_ACTIVE = json.dumps(sorted(ACTIVE))
_PUBLISHED = json.dumps(sorted(PUBLISHED))
_MASKED = (
    "FROM entries JOIN contests ON contests.id = entries.contest"
    " WHERE phase NOT IN (SELECT value FROM json_each(?1)) AND json_extract(rules, '$.masking')"
)


def insert(tx: Tx, entry: Entry) -> None:
    """Write a new entry."""
    columns = ("id", "contest", "member", "job", "track", "state", "original", "audio", "seconds", "title")
    values = [getattr(entry, name) for name in (*columns, "created_at")]
    tx.run(
        f"INSERT INTO entries ({', '.join(columns)}, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        values,
    )


def get(tx: Tx, contest_id: str, typed: str) -> Entry | None:
    """An entry by its id, or by its number once it has one."""
    row = tx.one(
        "SELECT * FROM entries WHERE contest = ?1 AND (id = ?2 OR CAST(number AS TEXT) = ?2)",
        (contest_id, typed.strip().lower().removeprefix("entry-").removeprefix("#")),
    )
    return _entry(row) if row else None


def of(tx: Tx, contest_id: str, *states: EntryState) -> list[Entry]:
    """The entries of a contest in these states, or all: by number, then as they came."""
    rows = tx.all(
        "SELECT * FROM entries WHERE contest = ?1 AND (?2 = '[]' OR state IN (SELECT value FROM json_each(?2)))"
        " ORDER BY number, created_at, id",
        (contest_id, json.dumps(states)),
    )
    return [_entry(row) for row in rows]


def of_member(tx: Tx, contest_id: str, member: str) -> list[Entry]:
    """What a member has in a contest, oldest first."""
    rows = tx.all(
        "SELECT * FROM entries WHERE contest = ? AND member = ? AND state IN (SELECT value FROM json_each(?))"
        " ORDER BY created_at, id",
        (contest_id, member, _ACTIVE),
    )
    return [_entry(row) for row in rows]


def by_id(tx: Tx, entry_id: str) -> Entry | None:
    """An entry of whichever contest."""
    row = tx.one("SELECT * FROM entries WHERE id = ?", (entry_id,))
    return _entry(row) if row else None


def of_job(tx: Tx, job: str) -> list[Entry]:
    """Every entry that was made of a job, in whatever state."""
    return [_entry(row) for row in tx.all("SELECT * FROM entries WHERE job = ? ORDER BY created_at, id", (job,))]


def is_taken(tx: Tx, job: str, track: int) -> bool:
    """Whether a track is in a contest, was shown in one, or was disqualified."""
    row = tx.one(
        "SELECT 1 FROM entries JOIN contests ON contests.id = entries.contest WHERE job = ?1 AND track = ?2 AND"
        " (number IS NOT NULL OR state = 'disqualified'"
        " OR (state IN (SELECT value FROM json_each(?3)) AND phase <> 'cancelled'))",
        (job, track, _ACTIVE),
    )
    return row is not None


def counted(tx: Tx, contest_id: str) -> Entered:
    """How many there are, as far as a contest's next step depends on it."""
    row = tx.one(
        "SELECT count(*) FILTER (WHERE state = 'entered') AS entered, count(*) FILTER (WHERE state = 'making')"
        " AS making, count(*) FILTER (WHERE state = 'entered' AND audio IS NULL) AS bare"
        " FROM entries WHERE contest = ?",
        (contest_id,),
    )
    return Entered(row["entered"], row["making"], row["bare"]) if row else Entered()


def change(tx: Tx, entry_id: str, changes: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{column} = ?" for column in changes)
    tx.run(f"UPDATE entries SET {assignments} WHERE id = ?", (*changes.values(), entry_id))  # noqa: S608


def number(tx: Tx, ids: Sequence[str]) -> None:
    """Give each its number, in this order."""
    for place, entry_id in enumerate(ids, start=1):
        change(tx, entry_id, {"number": place})


def veiled_jobs(tx: Tx, guild: str) -> frozenset[str]:
    """Jobs in this guild of which nobody else may know yet whose they are."""
    rows = tx.all(f"SELECT DISTINCT job {_MASKED} AND guild = ?2", (_PUBLISHED, guild))
    return frozenset(row["job"] for row in rows)


def is_veiled(tx: Tx, job: str) -> bool:
    """Whether this is such a job."""
    return tx.one(f"SELECT 1 {_MASKED} AND job = ?2", (_PUBLISHED, job)) is not None


def _entry(row: Row) -> Entry:
    values: dict[str, Any] = {**dict(row), "state": EntryState(row["state"])}
    return Entry(**values)
