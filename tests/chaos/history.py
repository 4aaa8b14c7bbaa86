"""What really happened at the edges of a run, one JSON object per line, and the bot's own rows at its end."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Event = Mapping[str, Any]
Row = Mapping[str, Any]


class History:
    """Appends events to a file and keeps them; `kind` says what each is, `at` when (UTC seconds)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self.events: list[Event] = []

    def note(self, kind: str, **facts: Any) -> None:
        """One event, now."""
        event = {"kind": kind, "at": round(time.time(), 3), **facts}
        self.events.append(event)
        self._file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


def load(path: Path) -> list[Event]:
    """The events of a history file, oldest first."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@dataclass(frozen=True)
class Rows:
    """The tables that the checker looks at; `ledger` in the order in which it was written."""

    jobs: Sequence[Row] = ()
    posts: Sequence[Row] = ()
    ledger: Sequence[Row] = ()
    balance: Sequence[Row] = ()
    inbox: Sequence[Row] = ()
    entries: Sequence[Row] = ()
    integrity: str = "ok"


def query(database: Path, sql: str, *values: Any) -> list[dict[str, Any]]:
    """Rows of one statement, read beside a running bot or without one."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql, values)]
    finally:
        connection.close()


def read_rows(database: Path) -> Rows:
    """Everything the checker needs of a database."""
    [verdict] = query(database, "PRAGMA integrity_check")
    return Rows(
        jobs=query(database, "SELECT * FROM jobs ORDER BY created_at, id"),
        posts=query(database, "SELECT * FROM posts ORDER BY created_at, id"),
        ledger=query(database, "SELECT * FROM ledger ORDER BY rowid"),
        balance=query(database, "SELECT * FROM balance"),
        inbox=query(database, "SELECT * FROM inbox ORDER BY at"),
        entries=query(database, "SELECT * FROM entries ORDER BY created_at, id"),
        integrity=str(verdict["integrity_check"]),
    )
