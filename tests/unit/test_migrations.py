"""Every schema there ever was becomes the newest, with a row in each table; a new database has the same."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.database import DatabaseError
from bot.database.connection import _connect, _prepare, migrate, released

SCRIPTS = released()
OLDER = [number for number, _ in SCRIPTS][:-1]
NEVER_EMPTY = (SCRIPTS[-1][0] + 1, "ALTER TABLE jobs ADD COLUMN loudest INTEGER NOT NULL")
"""The broken variant: it works where there is no job."""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(_connect(tmp_path / "fresh.db")) as connection:
        _prepare(connection, tmp_path / "fresh.db")
        yield connection


def build(path: Path, scripts: Sequence[tuple[int, str]]) -> sqlite3.Connection:
    """A database of an older version with one row in each table."""
    connection = _connect(path)
    connection.execute("PRAGMA foreign_keys=ON")
    migrate(connection, path, scripts)
    connection.execute("BEGIN")
    connection.execute("PRAGMA defer_foreign_keys=ON")
    for table in tables(connection):
        columns = list(connection.execute(f"PRAGMA table_info({table})"))
        values = [value(connection, table, column) for column in columns]
        marks = ", ".join("?" * len(values))
        connection.execute(
            f"INSERT INTO {table} ({', '.join(c['name'] for c in columns)}) VALUES ({marks})", values
        )
    connection.execute("COMMIT")
    return connection


def value(connection: sqlite3.Connection, table: str, column: sqlite3.Row) -> int | float | str:
    """The same in every table, so that references meet; the first of those that are allowed, where few are."""
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    if allowed := re.search(rf"CHECK \({column['name']} IN \('([^']*)'", sql):
        return allowed[1]
    return {"INTEGER": 1, "REAL": 1.0}.get(column["type"], "x")


def tables(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]


def schema(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    return [
        tuple(row) for row in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 2")
    ]


@pytest.mark.parametrize("version", OLDER)
def test_every_schema_becomes_the_newest_with_its_rows(
    tmp_path: Path, fresh: sqlite3.Connection, version: int
) -> None:
    path = tmp_path / "old.db"
    with closing(build(path, SCRIPTS[:version])) as connection:
        there = tables(connection)
        _prepare(connection, path)
        assert schema(connection) == schema(fresh)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == SCRIPTS[-1][0]
        kept = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in there}
        assert kept == dict.fromkeys(there, 1)
        assert list(connection.execute("PRAGMA foreign_key_check")) == []
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert (tmp_path / "backups" / f"old-schema-{version}.db").is_file()


def test_a_migration_that_works_on_empty_tables_only_is_found_out(tmp_path: Path) -> None:
    with closing(_connect(tmp_path / "empty.db")) as connection:
        migrate(connection, tmp_path / "empty.db", [*SCRIPTS, NEVER_EMPTY])
    with closing(build(tmp_path / "old.db", SCRIPTS)) as connection, pytest.raises(DatabaseError, match="failed"):
        migrate(connection, tmp_path / "old.db", [*SCRIPTS, NEVER_EMPTY])
